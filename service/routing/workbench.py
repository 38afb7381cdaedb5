"""Where rule sets are analysed and simulated: beside the event loop, one piece of work at a time.

Both take seconds at their worst. Signals come first: so never more than one thread of this in a process, which gives
the interpreter up ten times as often as usual, and what was analysed last is remembered. Nothing is open meanwhile, no
transaction and no connection.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from cachetools import LRUCache

from service.routing.analysis import Analysis, analyse
from service.routing.rules import Rule

REMEMBERED = 16
SWITCH_SECONDS = 0.0005  # a signal that waits for the interpreter gets it back so soon; usual are 0.005

Result = TypeVar("Result")


class Workbench:
    """One for each process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._known: LRUCache[tuple[Rule, ...], Analysis] = LRUCache(REMEMBERED)

    async def analyse(self, rules: Sequence[Rule]) -> Analysis:
        """The analysis of these rules; one that did not come to its end is tried again the next time."""
        key = tuple(rules)
        known = self._known.get(key)
        if known is None:
            known = await self.run(partial(analyse, key))
            if known.is_complete:
                self._known[key] = known
        return known

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of some work on rule sets."""
        async with self._turn:
            with _others_first():
                return await asyncio.to_thread(work)


@contextmanager
def _others_first() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
