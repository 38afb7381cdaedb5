"""Published tables and reports as bytes, kept by a process: they never change, and are asked for again and again.

Bounded by size. Only what is published is put here, so that what is found needs no look into the database.
"""

from collections.abc import Hashable

from cachetools import LRUCache

from service.answers import Sheet

LARGEST_BYTES = 64_000_000


class Shelf:
    """One for each process."""

    def __init__(self, largest: int = LARGEST_BYTES) -> None:
        self._sheets: LRUCache[Hashable, Sheet] = LRUCache(largest, getsizeof=lambda sheet: len(sheet.body))

    def find(self, key: Hashable) -> Sheet | None:
        """What was put here under the key, if it still is."""
        return self._sheets.get(key)

    def put(self, key: Hashable, sheet: Sheet) -> None:
        """Keep it for a while; one that is larger than the shelf is not kept."""
        if len(sheet.body) <= self._sheets.maxsize:
            self._sheets[key] = sheet
