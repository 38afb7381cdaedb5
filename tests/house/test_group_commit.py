"""Group commit: what waits together is committed together, and everybody hears about its own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from service import group_commit
from service.errors import Overloaded, Unavailable
from service.group_commit import GroupCommit


class Store:
    """A place to commit to that can be away, slow, and poisoned; items answer with their double."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.tries: list[list[int]] = []
        self.poison: set[int] = set()
        self.failures: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()

    async def commit(self, items: Sequence[int]) -> list[int | Exception]:
        await self.open.wait()
        self.tries.append(list(items))
        if self.failures:
            raise self.failures.pop(0)
        if self.poison & set(items):
            raise IntegrityError("INSERT", {}, ValueError("poison"))
        self.groups.append(list(items))
        return [item * 2 for item in items]


def joined(store: Store, *, size: int = 64, capacity: int = 100, flushers: int = 1) -> GroupCommit[int, int]:
    return GroupCommit(store.commit, size=size, capacity=capacity, flushers=flushers)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting between tries is shortened, not left out."""
    monkeypatch.setattr(group_commit, "RETRY_AFTER_SECONDS", (0.001, 0.001, 0.001, 0.001))


async def submitted(queue: GroupCommit[int, int], *items: int) -> list[asyncio.Task[int]]:
    """Tasks whose items wait in the queue."""
    tasks = [asyncio.create_task(queue.submit(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def soon(*tasks: asyncio.Task[int], return_exceptions: bool = False) -> list[Any]:
    """Their answers; a flusher that died is a failure, not an endless test."""
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=return_exceptions), 5)


def connection_lost() -> Exception:
    return OperationalError("COMMIT", {}, OSError("gone"), connection_invalidated=True)


def coded(state: str) -> Exception:
    error = Exception("as the driver raises it")
    error.sqlstate = state  # type: ignore[attr-defined]
    return error


async def test_one_item_alone_does_not_wait_for_others() -> None:
    store = Store()
    queue = joined(store)
    queue.start()

    assert await queue.submit(1) == 2
    assert store.groups == [[1]]
    await queue.stop()


async def test_what_waits_is_joined_into_one_commit_and_each_gets_its_own_answer() -> None:
    store = Store()
    store.open.clear()
    queue = joined(store)
    queue.start()
    tasks = await submitted(queue, *range(10))
    store.open.set()

    assert await soon(*tasks) == [item * 2 for item in range(10)]
    assert [item for group in store.groups for item in group] == list(range(10))
    assert len(store.groups) <= 2
    await queue.stop()


async def test_a_group_is_no_larger_than_its_size() -> None:
    store = Store()
    queue = joined(store, size=4)
    tasks = await submitted(queue, *range(10))
    queue.start()

    await soon(*tasks)
    assert [len(group) for group in store.groups] == [4, 4, 2]
    await queue.stop()


@pytest.mark.parametrize("poison", [{0}, {5}, {9}, {0, 9}, set(range(10))], ids=str)
async def test_a_poison_item_fails_alone(poison: set[int]) -> None:
    store = Store()
    store.poison = poison
    queue = joined(store)
    tasks = await submitted(queue, *range(10))
    queue.start()
    answers: list[Any] = await soon(*tasks, return_exceptions=True)

    assert {item for item, answer in enumerate(answers) if isinstance(answer, IntegrityError)} == poison
    assert [answer for answer in answers if isinstance(answer, int)] == [
        item * 2 for item in range(10) if item not in poison
    ]
    assert sorted(item for group in store.groups for item in group) == sorted(set(range(10)) - poison)
    assert await queue.submit(20) == 40  # the flusher lives on
    await queue.stop()


async def test_an_answer_that_is_an_exception_is_raised_to_its_submitter_alone() -> None:
    async def commit(items: Sequence[int]) -> list[int | Exception]:
        return [ValueError("odd") if item % 2 else item for item in items]

    queue: GroupCommit[int, int] = GroupCommit(commit, size=10, capacity=10, flushers=1)
    tasks = await submitted(queue, 1, 2, 3)
    queue.start()
    answers = await soon(*tasks, return_exceptions=True)

    assert [type(answer) for answer in answers] == [ValueError, int, ValueError]
    await queue.stop()


PASSING: dict[str, Callable[[], Exception]] = {
    "a lost connection": connection_lost,
    "a server away": lambda: ConnectionRefusedError("no server"),
    "a missing socket": lambda: FileNotFoundError("no socket"),
    "a time-out": TimeoutError,
    "a server that starts": lambda: coded("57P03"),
    "a server that stops": lambda: coded("57P01"),
    "a deadlock": lambda: coded("40P01"),
    "too many connections": lambda: coded("53300"),
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING.keys())
async def test_what_passes_is_tried_again_whole(failure: Callable[[], Exception]) -> None:
    store = Store()
    store.failures = [failure(), failure()]
    queue = joined(store)
    tasks = await submitted(queue, 1, 2, 3)
    queue.start()

    assert await soon(*tasks) == [2, 4, 6]
    assert store.tries == [[1, 2, 3]] * 3
    await queue.stop()


async def test_what_does_not_pass_in_time_is_told_to_everybody_as_unavailable() -> None:
    store = Store()
    store.failures = [connection_lost() for _ in range(5)]
    queue = joined(store)
    tasks = await submitted(queue, 1, 2)
    queue.start()
    answers = await soon(*tasks, return_exceptions=True)

    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
    assert store.groups == []
    assert await queue.submit(3) == 6  # back again
    await queue.stop()


@pytest.mark.parametrize("state", ["23505", "22021", "42P01"])
async def test_a_fault_of_the_data_is_not_tried_again_for_one_item(state: str) -> None:
    store = Store()
    store.failures = [coded(state)]
    queue = joined(store)
    queue.start()

    with pytest.raises(Exception, match="as the driver raises it"):
        await queue.submit(1)
    assert store.tries == [[1]]
    await queue.stop()


async def test_a_full_queue_refuses_at_once_and_what_waits_is_still_committed() -> None:
    store = Store()
    queue = joined(store, capacity=2)
    tasks = await submitted(queue, 1, 2)

    with pytest.raises(Overloaded):
        await queue.submit(3)
    queue.start()
    assert await soon(*tasks) == [2, 4]
    assert await queue.submit(4) == 8
    await queue.stop()


async def test_a_submitter_that_went_away_does_not_disturb_the_others() -> None:
    store = Store()
    queue = joined(store)
    gone, stays = await submitted(queue, 1, 2)
    gone.cancel()
    queue.start()

    assert await soon(stays) == [4]
    assert gone.cancelled()
    assert store.groups == [[1, 2]]  # what was committed stays
    store.poison = {3}
    gone, stays = await submitted(queue, 3, 4)
    gone.cancel()
    assert await soon(stays) == [8]
    await queue.stop()


async def test_stopping_commits_what_waits_and_ends_the_flushers() -> None:
    store = Store()
    store.open.clear()
    queue = joined(store, size=2, flushers=2)
    queue.start()
    tasks = await submitted(queue, *range(9))
    stopping = asyncio.create_task(queue.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    store.open.set()
    await stopping

    assert await soon(*tasks) == [item * 2 for item in range(9)]
    waiting = asyncio.create_task(queue.submit(99))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()  # nobody flushes any more
    waiting.cancel()


async def test_two_flushers_commit_at_the_same_time() -> None:
    inside: set[int] = set()
    both = asyncio.Event()

    async def commit(items: Sequence[int]) -> list[int]:
        inside.update(items)
        if len(inside) == 2:
            both.set()
        async with asyncio.timeout(5):
            await both.wait()
        return list(items)

    queue: GroupCommit[int, int] = GroupCommit(commit, size=1, capacity=10, flushers=2)
    queue.start()

    assert await asyncio.gather(queue.submit(1), queue.submit(2)) == [1, 2]
    await queue.stop()
