"""The keys of the register, read from files.

`signing.pem` signs access tokens (ES256; others stand beside it while keys rotate, see `access.rotation`),
`subject.key` turns tokens of persons into subjects, `token.key` encrypts those tokens at rest, `release.key`
drives the rounding of statistics. None of them is ever in the database. Outside production missing files are
made, so that a first start needs nothing.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

SECRET_BYTES = 32


class MissingKey(RuntimeError):
    """A key file is missing or has the wrong size; the message names the file."""


@dataclass(frozen=True)
class Keys:
    """Key material, 32 bytes each; the keys that sign are read by `access.keyring`, for they rotate."""

    subject: bytes
    token: bytes
    release: bytes

    def __repr__(self) -> str:
        return "Keys(…)"


def load_keys(folder: Path, *, make_missing: bool) -> Keys:
    """Read the key files of `folder`; make missing ones only if allowed, else raise `MissingKey`."""
    if make_missing:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(folder.glob("signing*.pem")):
            make_signing_key(folder / "signing.pem")
        for name in ("subject.key", "token.key", "release.key"):
            make_missing_file(folder / name, new_secret)
    return Keys(
        subject=read_secret(folder / "subject.key"),
        token=read_secret(folder / "token.key"),
        release=read_secret(folder / "release.key"),
    )


def make_signing_key(file: Path, make: Callable[[], bytes] | None = None) -> None:
    """Write a signing key, a new one unless it is given, unless the file is there."""
    make_missing_file(file, make or new_signing_pem)


def new_signing_pem() -> bytes:
    """A new P-256 key, PKCS8 in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_missing_file(file: Path, make: Callable[[], bytes]) -> None:
    """Write a new key beside its place and link it in: of two starting processes, one wins and both read it."""
    if file.exists():
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(make())
            handle.flush()
            os.fsync(handle.fileno())
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


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
