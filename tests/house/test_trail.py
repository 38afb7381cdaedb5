"""The trail: nothing is told before it is recorded, and nobody unknown can flood it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from service.database import Database
from service.errors import Overloaded
from service.trail import NOBODY, AuditEntry, Trail, Who, append, entry
from tests.support.bodies import signal
from tests.support.register import Register, Templates, in_process

WHO = Who(uuid.uuid4(), uuid.uuid4(), "reporter", "staff.one", "a" * 32)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=2)
    yield database
    await database.close()


async def entries_of(database: Database, act: str) -> list[Any]:
    async with database.reading() as session:
        table = AuditEntry.__table__  # type: ignore[attr-defined]
        return list(await session.execute(table.select().where(table.c.act == act).order_by(table.c.id)))


async def test_an_entry_is_in_the_database_when_recording_it_returns(database: Database) -> None:
    trail = Trail(database.sibling(1), capacity=10)
    trail.start()
    await trail.record(entry(WHO, "try.read", "intake", "signal", "id-1", ground="agreement:1"))
    (found,) = await entries_of(database, "try.read")
    await trail.stop()

    assert (found.client_id, found.organisation_id) == (WHO.client_id, WHO.organisation_id)
    assert (found.role, found.actor, found.trace_id) == ("reporter", "staff.one", "a" * 32)
    assert (found.object_type, found.object_id, found.ground) == ("signal", "id-1", "agreement:1")
    assert (found.outcome, found.times, found.activity) == ("done", 1, "intake")
    assert found.at is not None


async def test_refusals_of_nobody_are_gathered_into_one_entry_each_and_the_count_begins_anew(
    database: Database,
) -> None:
    trail = Trail(database.sibling(1), capacity=10, gather_seconds=0.05)
    trail.start()
    for _ in range(1000):
        trail.gather("try.enter", "unauthenticated")
    trail.gather("try.enter", "not-found")
    async with asyncio.timeout(5):
        while len(await entries_of(database, "try.enter")) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    trail.gather("try.enter", "unauthenticated")
    await trail.stop()  # what was counted since is written at the end
    found = await entries_of(database, "try.enter")

    counted = sorted((row.outcome, row.times) for row in found)
    assert counted == [("not-found", 1), ("unauthenticated", 1), ("unauthenticated", 1000)]
    assert {(row.client_id, row.organisation_id, row.actor, row.trace_id) for row in found} == {(None,) * 4}


async def test_a_count_that_could_not_be_written_is_kept_for_the_next_time(
    tmp_path: Path, database_url: str
) -> None:
    nowhere = Database(f"sqlite+aiosqlite:///{tmp_path}/empty.db", pool_size=1)  # without tables
    trail = Trail(nowhere, capacity=10)
    trail.gather("try.enter", "unauthenticated")
    await trail._write_gathered()
    trail._database = Database(database_url, pool_size=1)
    trail.gather("try.enter", "unauthenticated")
    await trail._write_gathered()
    (found,) = await entries_of(trail._database, "try.enter")
    await nowhere.close()
    await trail._database.close()

    assert found.times == 2


async def test_a_count_that_is_being_written_when_the_trail_stops_is_not_lost(database: Database) -> None:
    trail = Trail(database.sibling(1), capacity=10, gather_seconds=0.01)
    trail.start()
    async with database.writing() as session:  # on SQLite this alone keeps the trail waiting
        if not database.is_sqlite:
            await session.execute(text("LOCK TABLE audit_entry IN EXCLUSIVE MODE"))
        trail.gather("try.enter", "unauthenticated")
        await asyncio.sleep(0.2)
        stopping = asyncio.create_task(trail.stop())
        await asyncio.sleep(0.1)
    await stopping

    assert [row.times for row in await entries_of(database, "try.enter")] == [1]


async def test_a_full_trail_refuses(database: Database) -> None:
    trail = Trail(database.sibling(1), capacity=1)  # not started: nothing leaves it
    waiting = asyncio.create_task(trail.record(entry(NOBODY, "try.read", "intake")))
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await trail.record(entry(NOBODY, "try.read", "intake"))
    trail.start()
    await waiting
    await trail.stop()
    assert len(await entries_of(database, "try.read")) == 1


async def test_an_act_and_its_entry_stand_or_fall_together(database: Database) -> None:
    async def act_and_fail() -> None:
        async with database.writing() as session:
            await append(session, [entry(WHO, "try.change", "intake")])
            raise LookupError

    with pytest.raises(LookupError):
        await act_and_fail()
    assert await entries_of(database, "try.change") == []


async def test_a_read_is_recorded_before_its_answer_leaves(register: Register) -> None:
    posted = await register.post_signal(signal())
    headers = await register.headers("jpt-helmond", accept="application/json")
    seen: list[int] = []

    async def entries() -> int:
        return len([row for row in await register.rows(AuditEntry) if row.act == "signal.read"])

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
            seen.append(await entries())

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": posted.headers["Location"],
        "raw_path": posted.headers["Location"].encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
    }
    before = await entries()
    await register.app(scope, receive, send)  # type: ignore[misc, arg-type]

    assert (before, seen) == (0, [1])


async def test_refusals_of_nobody_write_nothing_at_once(
    engine: str, templates: Templates, tmp_path: Path
) -> None:
    with templates.copy(engine) as url:
        async with in_process(url, templates.loaded[engine], tmp_path) as register:
            before = len(await register.rows(AuditEntry))
            for path in ("/v1/code-lists", "/v1/signals/none", "/nowhere", "/v1/nowhere"):
                for _ in range(5):
                    headers = {"Authorization": "Bearer none"}
                    assert (await register.http.get(path, headers=headers)).status_code in (401, 404)
            during = len(await register.rows(AuditEntry))
        database = Database(url, pool_size=1)  # the register has ended: what it counted is written
        gathered = [
            (row.outcome, row.times)
            for act in ("list_code_lists", "get_signal", "none")
            for row in await entries_of(database, act)
        ]
        await database.close()

    assert during == before
    assert gathered == [("unauthenticated", 5), ("unauthenticated", 5), ("not-found", 10)]
