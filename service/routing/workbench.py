"""Where rule sets are analysed and simulated: beside the event loop, one piece of work at a time.

Both take seconds at their worst. Signals come first: so there is never more than one thread of this in a process, which
gives the interpreter up ten times as often as usual; what was analysed lately is remembered, and more than a few who
wait are turned away. Nothing is open meanwhile, no transaction and no connection.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from cachetools import TTLCache

from service.errors import Overloaded
from service.routing.analysis import Analysis, analyse
from service.routing.rules import Rule

REMEMBERED, REMEMBERED_SECONDS = 16, 600
MOST_WAITING = 8
SWITCH_SECONDS = 0.0005  # a signal that waits for the interpreter gets it back so soon; usual are 0.005

Result = TypeVar("Result")


class Workbench:
    """One for each process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._at_work: set[asyncio.Task[Any]] = set()
        self._known: TTLCache[tuple[Rule, ...], Analysis] = TTLCache(REMEMBERED, REMEMBERED_SECONDS)

    async def analyse(self, rules: Sequence[Rule]) -> Analysis:
        """The analysis of these rules; raises `Overloaded`."""
        return await self._shielded(self._analyse(tuple(rules)))

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of some other work on rule sets; raises `Overloaded`."""
        return await self._shielded(self._run(work))

    async def _shielded(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Who asked may go; a thread cannot be stopped, and keeps its turn until it is done."""
        if len(self._at_work) > MOST_WAITING:
            work.close()
            raise Overloaded
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        return await asyncio.shield(task)

    async def _analyse(self, rules: tuple[Rule, ...]) -> Analysis:
        async with self._turn:
            known = self._known.get(rules)
            if known is None:
                known = self._known[rules] = await _apart(partial(analyse, rules))
        return known

    async def _run(self, work: Callable[[], Result]) -> Result:
        async with self._turn:
            return await _apart(work)


async def _apart(work: Callable[[], Result]) -> Result:
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
