"""The keys of the register, read from files.

`signing.pem` signs access tokens (ES256; others stand beside it while keys rotate, see `access.rotation`),
`subject.key` turns tokens of persons into subjects and `token.key` encrypts what is sealed (`subject-k2.key` and
`token-k2.key` come after them, see `intake.rotation`), `release.key` drives the rounding of statistics. None of
them is ever in the database. Outside production missing files are made, so that a first start needs nothing.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.files import write_whole

SECRET_BYTES = 32
FIRST_LABEL = "k1"


class MissingKey(RuntimeError):
    """A key file is missing or has the wrong size; the message names the file."""


@dataclass(frozen=True)
class Keys:
    """Key material that does not rotate, 32 bytes; `access.keyring` reads those that sign, and `pseudonyms.sealing`
    those that seal."""

    release: bytes

    def __repr__(self) -> str:
        return "Keys(…)"


@dataclass(frozen=True)
class SealingKeys:
    """A pair of one label, 32 bytes each: `subject` makes subjects of tokens, `token` encrypts them."""

    subject: bytes
    token: bytes

    def __repr__(self) -> str:
        return "SealingKeys(…)"


def load_keys(folder: Path, *, make_missing: bool) -> Keys:
    """Read the key files of `folder`; make missing ones only if allowed, else raise `MissingKey`."""
    if make_missing:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(folder.glob("signing*.pem")):
            make_signing_key(folder / "signing.pem")
        if not any(folder.glob("subject*.key")):
            make_sealing_keys(folder, FIRST_LABEL)
        make_missing_file(folder / "release.key", new_secret)
    if not any(folder.glob("subject*.key")):
        load_sealing_keys(folder, FIRST_LABEL)
    return Keys(release=read_secret(folder / "release.key"))


def make_sealing_keys(folder: Path, label: str) -> None:
    """Write a new pair, unless there is one of this label."""
    for file in sealing_files(folder, label):
        make_missing_file(file, new_secret)


def load_sealing_keys(folder: Path, label: str) -> SealingKeys:
    """Read the pair of a label; raises `MissingKey`."""
    subject, token = (read_secret(file) for file in sealing_files(folder, label))
    return SealingKeys(subject, token)


def sealing_files(folder: Path, label: str) -> tuple[Path, Path]:
    """Where the pair of a label lies; the first one has no label in its names."""
    suffix = "" if label == FIRST_LABEL else f"-{label}"
    return folder / f"subject{suffix}.key", folder / f"token{suffix}.key"


def make_signing_key(file: Path, make: Callable[[], bytes] | None = None) -> None:
    """Write a signing key, a new one unless it is given, unless the file is there."""
    make_missing_file(file, make or new_signing_pem)


def new_signing_pem() -> bytes:
    """A new P-256 key, PKCS8 in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_missing_file(file: Path, make: Callable[[], bytes]) -> None:
    """Write a new key: of two starting processes, one wins and both read it."""
    if file.exists():
        return
    write_whole(file, make(), replace=False)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise MissingKey(f"key file {file} cannot be read: {error.strerror}") from error


def new_secret() -> bytes:
    """Fresh key material."""
    return secrets.token_bytes(SECRET_BYTES)


def read_secret(file: Path) -> bytes:
    """Key material of a file; raises `MissingKey`."""
    content = _read(file)
    if len(content) != SECRET_BYTES:
        raise MissingKey(f"key file {file} must hold exactly {SECRET_BYTES} bytes")
    return content
