"""What the client keeps between runs, in a folder of its own: a key, and what it knows of key services.

Files are written beside their place and moved into it, so that they are whole or not there. Nothing in them tells
who somebody is.
"""

import json
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


class NoState(Exception):
    """The folder, or a file in it, cannot be used; the message says which and why."""


class Pins:
    """The check of each key service and epoch, as it was first seen."""

    def __init__(self, file: Path | None) -> None:
        """Kept in a file; without one, only as long as this object."""
        self._file = file
        self._known: dict[str, str] | None = None if file else {}

    def fits(self, name: str, check: str) -> bool:
        """Whether this check is the one that is known; one seen for the first time is remembered."""
        known = self._read()
        if name not in known:
            known[name] = check
            if self._file is not None:
                write_whole(self._file, json.dumps(known, indent=1).encode())
        return secrets.compare_digest(known[name], check)

    def _read(self) -> dict[str, str]:
        if self._known is None:
            try:
                self._known = dict(json.loads(self._file.read_bytes()))  # type: ignore[union-attr]
            except FileNotFoundError:
                self._known = {}
            except (OSError, ValueError) as error:
                raise NoState(f"{self._file} cannot be read: {type(error).__name__}") from None
        return self._known


def key_of(file: Path, *, may_be_new: bool) -> bytes:
    """The client's own key: it seals the spool and makes idempotency keys. Made when missing, if that may be.

    Raises `NoState`: a lost key would make everything that waits unreadable, so it is never made anew silently.
    """
    if not file.exists() and may_be_new:
        make_folder(file.parent)
        write_whole(file, secrets.token_bytes(KEY_BYTES), replace=False)
    try:
        key = file.read_bytes()
    except OSError as error:
        raise NoState(f"the client's key {file} cannot be read: {error.strerror}") from None
    if len(key) != KEY_BYTES:
        raise NoState(f"the client's key {file} must hold exactly {KEY_BYTES} bytes")
    return key


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, unless it is there; raises `NoState`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoState(f"the folder {folder} cannot be made: {error.strerror}") from None


def write_whole(file: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that is there whole and on the disk when this returns, or not at all; raises `NoState`."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            if replace:
                draft.replace(file)
            else:
                _link(draft, file)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(file.parent)
    except OSError as error:
        raise NoState(f"{file.parent} cannot be written to: {error.strerror}") from None


def _link(draft: Path, file: Path) -> None:
    """Of two that make the file, one wins and both read it."""
    try:
        os.link(draft, file)
    except FileExistsError:
        return


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
