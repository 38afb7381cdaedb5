"""Transactions: what a failed commit leaves behind, on both databases."""

import asyncio

import pytest
from sqlalchemy import event, text

from service.snapshot import reference_changed
from tests.support.register import Register


class Broken(Exception):
    """A disk that is full, a server that goes away."""


async def version_of(register: Register) -> int:
    async with register.database.reading() as session:
        return int((await session.execute(text("SELECT version FROM reference_version"))).scalar_one())


async def test_after_a_failed_commit_the_next_one_is_made(register: Register) -> None:
    def fail(connection: object) -> None:
        raise Broken

    database = register.database
    engine = (database._writer.engine if database._writer else database.engine).sync_engine
    before = await version_of(register)
    event.listen(engine, "commit", fail)
    with pytest.raises(Broken):
        async with database.writing() as session:
            await reference_changed(session)
    event.remove(engine, "commit", fail)

    assert await version_of(register) == before
    async with database.writing() as session:
        await reference_changed(session)
    assert await version_of(register) == before + 1


async def test_after_a_cancelled_write_the_next_one_is_made(register: Register) -> None:
    database, begun = register.database, asyncio.Event()
    before = await version_of(register)

    async def write_for_ever() -> None:
        async with database.writing() as session:
            await reference_changed(session)
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write_for_ever())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await version_of(register) == before
    async with asyncio.timeout(10), database.writing() as session:
        await reference_changed(session)
    assert await version_of(register) == before + 1
