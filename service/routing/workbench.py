"""Where rule sets are analysed and simulated: beside the event loop, one piece of work at a time.

Both take seconds at their worst. Signals come first: so never more than one thread of this in a process, and what was
analysed last is remembered. Nothing is open meanwhile, no transaction and no connection.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from cachetools import LRUCache

from service.routing.analysis import Analysis, analyse
from service.routing.rules import Rule

REMEMBERED = 16

Result = TypeVar("Result")


class Workbench:
    """One for each process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._known: LRUCache[tuple[Rule, ...], Analysis] = LRUCache(REMEMBERED)

    async def analyse(self, rules: Sequence[Rule]) -> Analysis:
        """The analysis of these rules; one that did not come to its end is tried again the next time."""
        key = tuple(rules)
        async with self._turn:
            found = self._known.get(key)
            if found is None:
                found = await asyncio.to_thread(analyse, key)
                if found.is_complete:
                    self._known[key] = found
        return found

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of some other work on rule sets."""
        async with self._turn:
            return await asyncio.to_thread(work)
