"""The signing keys of access tokens, as files that may change while we run.

A key is published (every process accepts it), then signs, then is retired; see `rotation`. Several processes
share the folder. Each looks at it every few seconds, and at once when a token names a key that it does not
know. What cannot be read leaves the last good keys in use: a half-written file stops nobody.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from service.access.rotation import ACTIVE_FILE, active_file, key_files
from service.access.tokens import Issuer, Signer, TokenRefused, signer_from, verify
from service.keys import MissingKey

LOOK_EVERY_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.5

log = structlog.get_logger()

Stamp = tuple[tuple[str, int, int], ...]


class Press:
    """What tokens of the built-in issuer are made with and verified by; `minutes` is how long each lives."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        audience: str,
        minutes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads the keys; raises `MissingKey` where none can sign."""
        self.minutes = minutes
        self._folder, self._name, self._audience, self._clock = folder, name, audience, clock
        self._looked_at = clock()
        try:
            self._stamp = _stamp(folder)
            self._signer, self._issuer = self._read()
        except (OSError, ValueError) as error:
            raise MissingKey(f"no key in {folder} can sign access tokens: {error}") from error

    @property
    def signer(self) -> Signer:
        """The key that signs now."""
        self._look(LOOK_EVERY_SECONDS)
        return self._signer

    @property
    def issuer(self) -> Issuer:
        """The issuer with every key that is published now."""
        self._look(LOOK_EVERY_SECONDS)
        return self._issuer

    def verify(self, token: str, *, at: datetime) -> Mapping[str, Any]:
        """As `tokens.verify`, where keys that were published a moment ago count; raises `TokenRefused`."""
        while True:
            try:
                return verify(token, self.issuer, at=at)
            except TokenRefused as reason:
                if reason.args != ("key",) or not self.look_again():
                    raise

    def look_again(self) -> bool:
        """Whether the keys are others than before; for a token by a key that is not known."""
        before = self._issuer
        self._look(LOOK_AGAIN_SECONDS)
        return self._issuer is not before

    def _look(self, after_seconds: float) -> None:
        if self._clock() < self._looked_at + after_seconds:
            return
        self._looked_at = self._clock()
        try:
            stamp = _stamp(self._folder)
            if stamp != self._stamp:
                self._signer, self._issuer = self._read()
                self._stamp = stamp
        except (OSError, ValueError) as error:
            log.warning("signing_keys.unreadable", error=type(error).__name__)

    def _read(self) -> tuple[Signer, Issuer]:
        signers = {file.name: signer_from(file.read_bytes()) for file in key_files(self._folder)}
        keys = {signer.kid: signer.public for signer in signers.values()}
        issuer = Issuer(name=self._name, audience=self._audience, keys=keys)
        try:
            return signers[active_file(self._folder)], issuer
        except KeyError:
            raise ValueError("the key that should sign is not there") from None


def _stamp(folder: Path) -> Stamp:
    """What tells that a file has changed."""
    files = [*key_files(folder), *folder.glob(ACTIVE_FILE)]
    return tuple((file.name, (seen := file.stat()).st_mtime_ns, seen.st_size) for file in files)
