"""Group commit: what concurrent requests submit is joined into one transaction.

A bounded queue and a few flushers, no artificial wait: a flusher takes all that waits (up to `size`), hands it
to `commit` as one group and gives each submitter its own answer after that commit. A group that fails on its
data is halved and tried again, so that a poison item fails alone (about 2·log2 n extra transactions); a lost
connection is tried again whole. Used by intake and by the trail. Never loses an item in silence: a submitter
gets an answer or an exception.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from service.database import is_passing
from service.errors import Overloaded, Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

RETRY_AFTER_SECONDS = (0.05, 0.2, 0.5, 1.0)


class GroupCommit(Generic[Item, Answer]):
    """Joins submitted items into groups for `commit`, which answers in the order of its items.

    An answer that is an exception is raised to its submitter alone.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
        *,
        size: int,
        capacity: int,
        flushers: int,
    ) -> None:
        self._commit = commit
        self._size = size
        self._queue: asyncio.Queue[tuple[Item, asyncio.Future[Answer]]] = asyncio.Queue(capacity)
        self._flushers = flushers
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._flush_forever()) for _ in range(self._flushers)]

    async def stop(self) -> None:
        """Commit what still waits, then end."""
        if self._tasks:
            await self._queue.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def submit(self, item: Item) -> Answer:
        """Wait until the item is committed and return its answer.

        Raises `Overloaded` at once when the queue is full, `Unavailable` when the database is away, or the
        item's own exception.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((item, answer))
        except asyncio.QueueFull:
            raise Overloaded from None
        return await answer

    async def _flush_forever(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < self._size and not self._queue.empty():
                group.append(self._queue.get_nowait())
            answers = await self.persist([item for item, _ in group])
            for (_, future), answer in zip(group, answers, strict=True):
                self._queue.task_done()
                _settle(future, answer)

    async def persist(self, items: Sequence[Item]) -> Sequence[Answer | Exception]:
        """Commit items as one group, beside the queue; an answer or an exception for each. Never raises."""
        for pause in (*RETRY_AFTER_SECONDS, None):
            try:
                return await self._commit(items)
            except Exception as error:
                if not is_passing(error):
                    return await self._halve(items, error)
            if pause is not None:
                await asyncio.sleep(pause)
        return [Unavailable() for _ in items]

    async def _halve(self, items: Sequence[Item], error: Exception) -> Sequence[Answer | Exception]:
        if len(items) == 1:
            return [error]
        middle = len(items) // 2
        return [*await self.persist(items[:middle]), *await self.persist(items[middle:])]


def _settle(future: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    if future.done():  # the submitter went away; what was committed stays
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
