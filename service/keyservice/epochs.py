"""The keys of the epochs, as files `oprf-<epoch>.key`; the newest is the one in use.

A new epoch comes only after a compromise: from then on no element is evaluated for the old one, whose key may
be known. Each process looks at the folder every few seconds, so that all follow without a restart.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from service import oprf, scheme
from service.keys import MissingKey, make_missing_file, make_signing_key, new_secret, read_secret

FILE_FORM = re.compile(r"oprf-([1-9][0-9]{0,3})\.key\Z")
LOOK_EVERY_SECONDS = 2.0
FIRST = 1

log = structlog.get_logger()


@dataclass(frozen=True)
class Epoch:
    """The epoch in use, its private key, and the prefix of what is blinded for it."""

    number: int
    key: bytes
    prefix: str

    def __repr__(self) -> str:
        return f"Epoch({self.number})"

    @property
    def check(self) -> str:
        """The output for no value of kind `check`: by it a client knows that it is answered with this key."""
        return scheme.shortened(oprf.output(self.key, scheme.whole_input(self.prefix, scheme.CHECK, "")))


class Epochs:
    """The folder of the keys; `current` is the epoch in use."""

    def __init__(
        self, folder: Path, *, purpose: str, register: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Reads the newest key; raises `MissingKey`."""
        self._folder, self._purpose, self._register, self._clock = folder, purpose, register, clock
        self._looked_at = clock()
        self._current = self._read(newest(folder))

    @property
    def current(self) -> Epoch:
        """The epoch in use; a key that cannot be read leaves the last good one in use, and is logged."""
        if self._clock() >= self._looked_at + LOOK_EVERY_SECONDS:
            self._looked_at = self._clock()
            try:
                number = newest(self._folder)
                if number != self._current.number:
                    self._current = self._read(number)
            except (MissingKey, OSError) as error:
                log.warning("epoch_key.unreadable", error=type(error).__name__)
        return self._current

    def _read(self, number: int) -> Epoch:
        seed = read_secret(self._folder / f"oprf-{number}.key")
        key = oprf.derive_key(seed, f"signal-register key service, epoch {number}".encode())
        return Epoch(number, key, scheme.prefix(self._purpose, self._register, number))


def newest(folder: Path) -> int:
    """The number of the newest epoch that has a key; raises `MissingKey` where none has."""
    numbers = [int(form[1]) for file in folder.glob("oprf-*.key") if (form := FILE_FORM.match(file.name))]
    if not numbers:
        raise MissingKey(f"no key oprf-<epoch>.key in {folder}")
    return max(numbers)


def make_missing_keys(folder: Path) -> None:
    """Make the key of the first epoch and one that signs access tokens, unless there are any."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.glob("oprf-*.key")):
        make_missing_file(folder / f"oprf-{FIRST}.key", new_secret)
    if not any(folder.glob("signing*.pem")):
        make_signing_key(folder / "signing.pem")


def begin_next(folder: Path) -> int:
    """Make the key of the next epoch, from now on the one in use; its number."""
    number = newest(folder) + 1
    make_missing_file(folder / f"oprf-{number}.key", new_secret)
    return number
