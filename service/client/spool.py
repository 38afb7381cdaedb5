"""The spool: what could not be posted because the register was away, sealed on disk until it is back.

A file holds the lines of one try, encrypted with the client's own key (AES-256-GCM, bound to the file's name), and
is written whole before anything is told to be kept. Several runs may write here at a time; one of them delivers.
Lines that the register refused later are kept apart until somebody has looked. A line has its idempotency key, so
that sending it twice makes one signal.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.client.state import NoState, make_folder, write_whole

WAITING, REFUSED = ".waiting", ".refused"
NONCE_BYTES = 12


class Damaged(Exception):
    """A file of the spool does not open with the client's key; the message names it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A signal on its way: where it came from, its idempotency key, its body with tokens; later what refused it."""

    source: str
    line: int
    key: str
    signal: dict[str, Any]
    faults: Sequence[dict[str, str]] = ()


class Spool:
    """A folder of sealed files."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self._cipher = AESGCM(key)

    def check(self) -> None:
        """Raise `NoState` where nothing could be kept here."""
        make_folder(self.folder)
        probe = self.folder / f".probe.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            write_whole(probe, b"\0" * 4096)
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)

    def keep(self, lines: Sequence[Line], kind: str = WAITING) -> Path:
        """Keep lines until they are delivered; durable when this returns the file. Raises `NoState`."""
        name = f"{time.time_ns():020d}-{secrets.token_hex(8)}{kind}"
        told = json.dumps([_told(line) for line in lines]).encode()
        nonce = os.urandom(NONCE_BYTES)
        write_whole(self.folder / name, nonce + self._cipher.encrypt(nonce, told, name.encode()))
        return self.folder / name

    def files(self, kind: str = WAITING) -> list[Path]:
        """The files, oldest first; raises `NoState`."""
        return folder_files(self.folder, kind)

    def lines_of(self, file: Path) -> list[Line]:
        """The lines of a file, none if another run has delivered it; raises `Damaged`, `NoState`."""
        try:
            sealed = file.read_bytes()
            told = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], file.name.encode())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise NoState(f"{file} cannot be read: {error.strerror}") from None
        except (InvalidTag, ValueError):
            raise Damaged(f"{file} does not open with the client's key; it is left as it is") from None
        return [Line(**one) for one in json.loads(told)]

    def drop(self, file: Path) -> None:
        """Forget a file whose lines are delivered or kept elsewhere; raises `NoState`."""
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise NoState(f"{file} cannot be deleted: {error.strerror}") from None

    @contextmanager
    def delivering(self) -> Iterator[bool]:
        """Whether this run delivers: False while another does."""
        try:
            descriptor = os.open(self.folder / ".delivering", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise NoState(f"{self.folder} cannot be written to: {error.strerror}") from None
        try:
            yield _locked(descriptor)
        finally:
            os.close(descriptor)


def folder_files(folder: Path, kind: str) -> list[Path]:
    """The files of a kind in a folder, oldest first; raises `NoState`."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == kind)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise NoState(f"{folder} cannot be read: {error.strerror}") from None


def _told(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line.__slots__}


def _locked(descriptor: int) -> bool:
    """Take a lock that ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:  # Windows: two runs may deliver the same; the keys make it one signal
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
