"""What the client keeps between runs, in a folder of its own: a key, and what it knows of key services.

Files are written beside their place and moved into it, so that they are whole or not there. Nothing in them tells
who somebody is.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service import files

KEY_BYTES = 32


class NoState(Exception):
    """The folder, or a file in it, cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Pinned:
    """What a key service said of itself when its answers were first found right."""

    purpose: str
    register: str
    epoch: int
    check: str


class Pins:
    """What each key service is known by, and the epoch for which records were last posted."""

    def __init__(self, file: Path | None) -> None:
        """Kept in a file; without one, only as long as this object."""
        self._file = file
        self._kept: dict[str, dict[str, Any]] = {}

    def objection(self, service: str, told: Pinned) -> str | None:
        """Why this service cannot be the one that is known; None if it can, or none is known."""
        known = self._pinned(service)
        if known is None:
            return None
        if (told.purpose, told.register) != (known.purpose, known.register):
            return "it makes tokens for something else than before"
        if told.epoch < known.epoch:
            return "it has gone back to an epoch that is over"
        if told.epoch == known.epoch and told.check != known.check:
            return "it has another key than before, in the same epoch"
        return None

    def pin(self, service: str, told: Pinned) -> None:
        """Know a service by this from now on: its answers fitted it. Raises `NoState`."""
        if self._pinned(service) != told:
            self._write(service, asdict(told))

    def posted_epoch(self, service: str) -> int | None:
        """The epoch for which records were last posted."""
        epoch = self._read().get(service, {}).get("postedEpoch")
        return epoch if isinstance(epoch, int) else None

    def posted(self, service: str, epoch: int) -> None:
        """Records are posted for this epoch from now on. Raises `NoState`."""
        if self.posted_epoch(service) != epoch:
            self._write(service, {"postedEpoch": epoch})

    def _pinned(self, service: str) -> Pinned | None:
        kept = self._read().get(service, {})
        names = {"purpose": str, "register": str, "epoch": int, "check": str}
        if not names.keys() <= kept.keys():
            return None
        if not all(type(kept[name]) is kind for name, kind in names.items()):
            raise NoState(f"{self._file} cannot be read: it was changed")
        return Pinned(**{name: kept[name] for name in names})

    def _write(self, service: str, more: dict[str, Any]) -> None:
        kept = self._read()
        kept[service] = kept.get(service, {}) | more
        if self._file is not None:
            make_folder(self._file.parent)
            write_whole(self._file, json.dumps(kept, indent=1).encode())

    def _read(self) -> dict[str, dict[str, Any]]:
        """What is kept, by now: another run may have written meanwhile."""
        if self._file is None:
            return self._kept
        try:
            kept = json.loads(self._file.read_bytes())
            return {service: dict(known) for service, known in kept.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise NoState(f"{self._file} cannot be read: {type(error).__name__}") from None


def key_of(file: Path, *, may_be_new: bool) -> bytes:
    """The client's own key: it seals the spool and makes idempotency keys. Made when missing, if that may be.

    Raises `NoState`: a lost key would make everything that waits unreadable, so it is never made anew silently.
    """
    try:
        if may_be_new and not file.exists():
            make_folder(file.parent)
            write_whole(file, secrets.token_bytes(KEY_BYTES), replace=False)
        key = file.read_bytes()
    except OSError as error:
        raise NoState(f"the client's key {file} cannot be read: {error.strerror}") from None
    if len(key) != KEY_BYTES:
        raise NoState(f"the client's key {file} must hold exactly {KEY_BYTES} bytes")
    return key


def make_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, for its owner alone, unless it is there; raises `NoState`."""
    try:
        for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise NoState(f"the folder {folder} cannot be made: {error.strerror}") from None


def write_whole(file: Path, content: bytes, *, replace: bool = True) -> None:
    """As `files.write_whole`; raises `NoState`."""
    try:
        files.write_whole(file, content, replace=replace)
    except OSError as error:
        raise NoState(f"{file.parent} cannot be written to: {error.strerror}") from None
