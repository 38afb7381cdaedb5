"""Rotating the signing keys: publish, sign, retire. Called by the administrator's commands.

Keys are the files `signing.pem`, `signing-2.pem`, … of the key folder; `signing.active` names the one that
signs (without it: `signing.pem`). A running server follows within seconds; nothing has to be restarted.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.access.tokens import LEEWAY_SECONDS, LONGEST_SECONDS, signer_from
from service.keys import make_signing_key

FIRST_FILE, ACTIVE_FILE = "signing.pem", "signing.active"
KEY_FILE = re.compile(r"signing(?:-([1-9][0-9]{0,5}))?\.pem\Z")
LONGEST_LIFE = timedelta(seconds=LONGEST_SECONDS + LEEWAY_SECONDS)


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


def publish(folder: Path) -> PublishedKey:
    """A new key: accepted from now on, but not used."""
    number = max((_number(file) for file in key_files(folder)), default=1) + 1
    file = folder / f"signing-{number}.pem"
    make_signing_key(file)
    return PublishedKey(signer_from(file.read_bytes()).kid, file.name, signs=False)


def sign(folder: Path) -> PublishedKey:
    """Let the newest key sign; raises `NotRotated` if it does already."""
    newest = published_keys(folder)[-1]
    if newest.signs:
        raise NotRotated("the newest key signs already: publish another first")
    draft = folder / f".{ACTIVE_FILE}.{os.getpid()}"
    with draft.open("w", encoding="ascii") as file:
        file.write(newest.file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / ACTIVE_FILE)
    return PublishedKey(newest.kid, newest.file, signs=True)


def retire(folder: Path, kid: str, *, at: datetime, leaked: bool = False) -> PublishedKey:
    """Remove a key; its tokens are refused from then on.

    Raises `NotRotated` for a key that signs, and, unless it leaked, while tokens that it signed may live.
    """
    key = next((one for one in published_keys(folder) if one.kid == kid), None)
    if key is None:
        raise NotRotated("no key has this kid")
    if key.signs:
        raise NotRotated("this key signs: publish another and let that sign first")
    if not leaked and at < _changed_over_at(folder) + LONGEST_LIFE:
        raise NotRotated("tokens that it signed may still be in use: wait an hour, or say --now if it leaked")
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
