"""Jobs when the database is away, when one hangs, and when the process stops in the middle of one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text

from service import clock
from service.database import Database
from service.jobs import Job, Jobs
from tests.house.test_jobs import BEAT, Turns, running, states, until, until_more


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=3)
    yield database
    await database.close()


async def test_a_process_that_cannot_renew_its_lease_stops_before_another_may_begin(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.HOLD", timedelta(seconds=0.4))
    turns, elsewhere = Turns(), Database(database.url, pool_size=1)
    async with running(database, Job("turns", 0.01, turns)):
        await until_more(turns)
        async with elsewhere.writing() as session:  # on SQLite this alone keeps a beat waiting
            if not elsewhere.is_sqlite:
                await session.execute(text("LOCK TABLE job IN ACCESS EXCLUSIVE MODE"))
            await until_more(turns)
            await asyncio.sleep(0.6)
            stopped = turns.tried
            await asyncio.sleep(0.2)
            assert turns.tried == stopped
        await until_more(turns)
    await elsewhere.close()


async def test_what_could_not_be_told_is_told_later_and_the_last_word_counts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails while the table of jobs is away, and works again before anybody could tell of that."""
    monkeypatch.setattr("service.jobs.STOP_SECONDS", 0.1)
    runs, hanging = count(1), asyncio.Event()
    again: list[datetime] = []

    async with AsyncExitStack() as away:

        async def work(database: Database) -> None:
            run = next(runs)
            if run == 2:
                session = await away.enter_async_context(database.writing())
                await session.execute(text("ALTER TABLE job RENAME TO job_elsewhere"))
                raise LookupError  # the beat that would tell of it waits for the table
            if run == 3:
                again.append(clock.now())
            if run == 4:
                hanging.set()
                await asyncio.Event().wait()

        async with running(database, Job("turns", 4 * BEAT, work)):
            async with asyncio.timeout(5):
                await hanging.wait()
            await away.aclose()  # committed: now that beat fails
            await asyncio.sleep(2 * BEAT)
            await rename(database, "job_elsewhere", "job")

            async def told() -> bool:
                done_at = (await states(database))["turns"].done_at
                return done_at is not None and done_at >= again[0]

            await until(told)
            assert (await states(database))["turns"].failures == 0


async def rename(database: Database, old: str, new: str) -> None:
    async with database.writing() as session:
        await session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


async def test_what_is_at_work_when_the_process_stops_ends_its_work(database: Database) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work(database: Database) -> None:
        begun.set()
        await asyncio.sleep(0.2)
        ended.set()

    async with running(database, Job("slow", 60, work)):
        await begun.wait()
    assert ended.is_set()
    state = (await states(database))["slow"]
    assert (state.held_by, state.done_at is None) == (None, False)


async def test_what_hangs_does_not_keep_the_process_from_stopping(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.STOP_SECONDS", 0.1)
    begun = asyncio.Event()

    async def work(database: Database) -> None:
        begun.set()
        await asyncio.Event().wait()

    jobs = Jobs(database, [Job("hanging", 60, work)], beat_seconds=BEAT)
    jobs.start()
    await begun.wait()
    async with asyncio.timeout(5):
        await jobs.stop()
    state = (await states(database))["hanging"]
    assert (state.held_by, state.done_at) == (None, None)
    await Jobs(database, [], beat_seconds=BEAT).stop()  # what never began ends at once


async def test_a_job_that_hangs_is_ended_and_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.LATE_AFTER", timedelta(seconds=0.2))
    runs, worked = count(1), asyncio.Event()

    async def work(database: Database) -> None:
        if next(runs) == 1:
            await asyncio.Event().wait()
        worked.set()

    async with running(database, Job("hangs", 0.01, work)), asyncio.timeout(5):
        await worked.wait()


async def test_what_cannot_even_be_ended_is_taken_over_by_another_process(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.LATE_AFTER", timedelta(seconds=0.1))
    for module in ("jobs", "leases"):
        monkeypatch.setattr(f"service.{module}.HOLD", timedelta(seconds=0.4))
    hanging, free, taken_over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hang(database: Database) -> None:
        hanging.set()
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue  # as a connection does that waits for a server which has gone

    async def work(database: Database) -> None:
        taken_over.set()

    try:
        async with running(database, Job("hangs", 0.01, hang)):
            await hanging.wait()
            async with running(database, Job("hangs", 0.01, work)), asyncio.timeout(5):
                await taken_over.wait()
            free.set()
    finally:
        free.set()
