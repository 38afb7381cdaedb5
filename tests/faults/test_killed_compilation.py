"""A compilation whose process is killed: begun anew, it gives the same release."""

import asyncio
import time
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from service.leases import JobState
from service.signals.models import SignalPerson
from service.statistics.models import Compilation, Release, ReleaseCell
from service.synthesis.generate import generate
from service.synthesis.pack import load_pack
from tests.support.register import Register, Templates, calling, server
from tests.support.years import RELEASES, standing_in_years

SIGNALS = 150


async def post_the_half_year(url: str, loaded: Any, folder: Path) -> None:
    async with standing_in_years(url, loaded, folder) as years:
        for one in generate(load_pack(), SIGNALS, 3, date(2026, 1, 1), date(2026, 6, 30)):
            years.stand_at(str(one.on))
            answer = await years.register.post_signal(one.body, client=one.client)
            assert answer.status_code == 201, answer.text


async def begin(register: Register) -> str:
    """Ask, and come back as soon as the job is at work."""
    headers = await register.headers("administrator")
    asked = await register.http.post(RELEASES, json={"period": "2026-H1"}, headers=headers)
    assert asked.status_code == 202, asked.text
    path = asked.headers["Location"]
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if (await register.http.get(path, headers=headers)).json()["status"] != "WAITING":
            return path
        await asyncio.sleep(0.005)
    raise TimeoutError("the compilation did not begin")


async def ended(register: Register, path: str) -> dict[str, Any]:
    headers = await register.headers("administrator")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        told: dict[str, Any] = (await register.http.get(path, headers=headers)).json()
        if "endedAt" in told:
            return told
        await asyncio.sleep(0.1)
    raise TimeoutError("the compilation did not end")


async def cells(register: Register) -> list[tuple[Any, ...]]:
    rows = await register.rows(ReleaseCell)
    return sorted(
        (one.table, one.position, one.row_code, one.column_code, one.value, one.status, one.rounded)
        for one in rows
    )


async def forget_the_lease(register: Register) -> None:
    """As if the time of the dead process's lease were over."""
    table: Any = JobState
    async with register.database.writing() as session:
        await session.execute(update(table).values(held_by=None, held_until=None))


async def test_a_killed_compilation_begins_anew_and_gives_the_same_release(
    templates: Templates, engine: str, tmp_path: Path
) -> None:
    loaded = templates.loaded[engine]
    with templates.copy(engine) as url:
        await post_the_half_year(url, loaded, tmp_path)
        with server(url, tmp_path) as first:
            async with calling(first.url, url, loaded) as register:
                path = await begin(register)
                first.kill()
                (left,) = await register.rows(Compilation)
                assert (left.begun, left.ended_at, left.release_id) == (1, None, None)
                assert await register.rows(Release) == await register.rows(ReleaseCell) == []
                await forget_the_lease(register)
        with server(url, tmp_path) as second:
            async with calling(second.url, url, loaded) as register:
                told = await ended(register, path)
                assert (told["status"], told["done"]) == ("DONE", 4)
                assert (await register.rows(Compilation))[0].begun == 2
                once = await cells(register)
                async with register.database.writing() as session:
                    for table in (Compilation, ReleaseCell, Release):
                        await session.execute(delete(table))
                    await session.execute(update(SignalPerson).values(counted_on=None))
                again = await register.released("2026-H1")
                assert again.status_code == 200, again.text
                assert await cells(register) == once
    assert any(value is not None for *_, value, _, _ in once)
