"""How much a client may ask: requests per client and class, in windows of a minute.

Called by the doors as soon as a client is known. Each process counts for itself: a rough limit is enough to
keep a runaway client from standing in everybody's way, and costs no query. Memory is bounded.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from cachetools import TTLCache

WINDOW_SECONDS = 60
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a class in this window; `exceeded` once more was asked than `limit`."""

    kind: str
    limit: int
    remaining: int
    resets_in: int
    exceeded: bool

    @property
    def headers(self) -> dict[str, str]:
        """As in the IETF draft on RateLimit header fields for HTTP."""
        return {
            "RateLimit-Policy": f'"{self.kind}";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.kind}";r={self.remaining};t={self.resets_in}',
        }


class Limits:
    """Counts by client and class; `per_minute` names the classes."""

    def __init__(self, per_minute: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._windows: TTLCache[Hashable, list[float]] = TTLCache(REMEMBERED, WINDOW_SECONDS, timer=clock)

    def take(self, client: Hashable, kind: str) -> Allowance:
        """Count one request; the window of a client and class begins with its first."""
        now, limit = self._clock(), self._per_minute[kind]
        window = self._windows.get((client, kind))
        if window is None:
            window = self._windows[client, kind] = [now + WINDOW_SECONDS, 0]
        window[1] += 1
        resets_in = max(1, round(window[0] - now))
        return Allowance(kind, limit, max(0, int(limit - window[1])), resets_in, window[1] > limit)
