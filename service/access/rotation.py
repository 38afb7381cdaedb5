"""Rotating the signing keys: publish, sign, retire. Called by the administrator's commands.

Keys are the files `signing.pem`, `signing-2.pem`, … of the key folder; `signing.active` names the one that
signs (without it: `signing.pem`). A running server follows within seconds; nothing has to be restarted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.access.tokens import LEEWAY_SECONDS, LONGEST_SECONDS, signer_from
from service.files import write_whole
from service.keys import make_signing_key, new_signing_pem

FIRST_FILE, ACTIVE_FILE = "signing.pem", "signing.active"
KEY_FILE = re.compile(r"signing(?:-([1-9][0-9]{0,5}))?\.pem\Z")
# A process may sign with the old key until it looks at the folder again: it is given a minute.
LONGEST_LIFE = timedelta(seconds=LONGEST_SECONDS + LEEWAY_SECONDS + 60)


class NotRotated(ValueError):
    """The step is not possible now; the message says why."""


@dataclass(frozen=True)
class PublishedKey:
    """A signing key in the folder."""

    kid: str
    file: str
    signs: bool


def key_files(folder: Path) -> list[Path]:
    """The files of published keys, oldest first."""
    return sorted((file for file in folder.iterdir() if KEY_FILE.match(file.name)), key=_number)


def active_file(folder: Path) -> str:
    """The name of the file that signs."""
    try:
        return (folder / ACTIVE_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return FIRST_FILE


def published_keys(folder: Path) -> Sequence[PublishedKey]:
    """The keys in the folder, oldest first."""
    active = active_file(folder)
    return [
        PublishedKey(signer_from(file.read_bytes()).kid, file.name, file.name == active)
        for file in key_files(folder)
    ]


def publish(folder: Path, pem: bytes | None = None) -> PublishedKey:
    """A new key: accepted from now on, but not used. Raises `NotRotated` if another came at the same time."""
    pem = pem or new_signing_pem()
    number = max((_number(file) for file in key_files(folder)), default=1) + 1
    file = folder / f"signing-{number}.pem"
    make_signing_key(file, lambda: pem)
    if file.read_bytes() != pem:
        raise NotRotated("somebody published another key at this moment: look at the list")
    return PublishedKey(signer_from(pem).kid, file.name, signs=False)


def key_to_sign(folder: Path) -> PublishedKey:
    """The newest key; raises `NotRotated` if it signs already."""
    keys = published_keys(folder)
    if not keys or keys[-1].signs:
        raise NotRotated("the newest key signs already: publish another first")
    return keys[-1]


def sign(folder: Path) -> PublishedKey:
    """Let the newest key sign; raises as `key_to_sign`."""
    newest = key_to_sign(folder)
    write_whole(folder / ACTIVE_FILE, newest.file.encode())
    return PublishedKey(newest.kid, newest.file, signs=True)


def key_to_retire(folder: Path, kid: str, *, at: datetime, leaked: bool = False) -> PublishedKey:
    """The key of this kid; raises `NotRotated` while it signs or, unless it leaked, its tokens may live."""
    key = next((one for one in published_keys(folder) if one.kid == kid), None)
    if key is None:
        raise NotRotated("no key has this kid")
    if key.signs:
        raise NotRotated("this key signs: publish another and let that sign first")
    if not leaked and at < _changed_over_at(folder) + LONGEST_LIFE:
        raise NotRotated("tokens that it signed may still be in use: wait an hour, or say --now if it leaked")
    return key


def retire(folder: Path, kid: str, *, at: datetime, leaked: bool = False) -> PublishedKey:
    """Remove a key: its tokens are refused from then on. Raises as `key_to_retire`."""
    key = key_to_retire(folder, kid, at=at, leaked=leaked)
    (folder / key.file).unlink()
    return key


def _changed_over_at(folder: Path) -> datetime:
    try:
        return datetime.fromtimestamp((folder / ACTIVE_FILE).stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.min.replace(tzinfo=UTC)


def _number(file: Path) -> int:
    form = KEY_FILE.match(file.name)
    return int(form[1] or 1) if form else 0
