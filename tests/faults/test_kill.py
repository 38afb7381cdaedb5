"""Power cuts: a server that is killed under load, and a PostgreSQL that goes away and comes back.

What was acknowledged is there afterwards, whole; what was not can be posted again and is there once. The quick
form is part of every test run; `FAULTS=heavy make faults` kills more often and posts more.
"""

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.intake.models import Submission
from service.pseudonyms.models import SealedPerson
from service.referrals.models import Referral
from service.routing.models import SignalDecision
from service.signals.models import Signal, SignalPerson
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.postgres import Postgres
from tests.support.register import Register, Templates, calling, free_port, server

HEAVY = os.environ.get("FAULTS") == "heavy"
KILLS = 8 if HEAVY else 2
POSTERS = 32 if HEAVY else 12
ACKNOWLEDGED_BEFORE_A_KILL = 400 if HEAVY else 50
LONGEST_OUTAGE = 20


@pytest.fixture(scope="module")
def durable_postgres() -> Iterator[Postgres]:
    """What production has: a commit reaches the disk."""
    with Postgres(durable=True) as running:
        yield running


@pytest.fixture(scope="module")
def durable_templates(tmp_path_factory: pytest.TempPathFactory, durable_postgres: Postgres) -> Templates:
    templates = Templates(tmp_path_factory.mktemp("durable"), durable_postgres)
    templates.prepare()
    return templates


@pytest.fixture
def durable_url(engine: str, durable_templates: Templates) -> Iterator[str]:
    with durable_templates.copy(engine) as url:
        yield url


@dataclass
class Load:
    """Posts of new keys for as long as it is asked, and what became of each."""

    register: Register
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    unacknowledged: set[str] = field(default_factory=set)
    answers: list[httpx.Response] = field(default_factory=list)
    ending: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def post_once(self, key: str) -> None:
        self.unacknowledged.add(key)
        answer = await self.register.post_signal(signal(), key=key)
        self.answers.append(answer)
        self.heard.set()
        if answer.status_code == 201:
            assert self.acknowledged.setdefault(key, answer.content) == answer.content
            self.unacknowledged.discard(key)

    async def post_until_ending(self) -> None:
        while not self.ending:
            with suppress(httpx.TransportError):
                await self.post_once(str(uuid.uuid4()))

    async def hearing(self, wanted: Callable[[], bool]) -> None:
        """Wait until what was heard is as wanted."""
        async with asyncio.timeout(LONGEST_OUTAGE):
            while not wanted():
                self.heard.clear()
                await self.heard.wait()

    async def acknowledging(self, more: int) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + more
        await self.hearing(lambda: len(self.acknowledged) >= wanted)

    async def post_again_what_was_not_acknowledged(self) -> None:
        for key in sorted(self.unacknowledged):
            await self.post_once(key)
        assert self.unacknowledged == set()


async def assert_all_is_whole(register: Register, acknowledged: dict[str, bytes]) -> None:
    """Every acknowledged key has its answer; every signal has all that belongs to it, once."""
    submissions = await register.rows(Submission)
    assert {str(row.key): row.answer for row in submissions} == acknowledged
    ids = sorted(str(row.signal_id) for row in submissions)
    assert len(set(ids)) == len(ids)
    for model, column in (
        (Signal, "id"),
        (SignalPerson, "signal_id"),
        (SealedPerson, "signal_id"),
        (SignalDecision, "signal_id"),
        (Referral, "signal_id"),
    ):
        assert sorted(str(getattr(row, column)) for row in await register.rows(model)) == ids, model
    entries = [row for row in await register.rows(AuditEntry) if row.act == "signal.register"]
    assert sorted(row.object_id for row in entries) == ids


async def with_posters(load: Load, happening: Any) -> None:
    """Run something while the posters post."""
    posters = [asyncio.create_task(load.post_until_ending()) for _ in range(POSTERS)]
    try:
        await happening
    finally:
        load.ending = True
        await asyncio.gather(*posters)
        load.ending = False


async def test_what_was_acknowledged_survives_a_kill(
    engine: str, durable_url: str, durable_templates: Templates, tmp_path: Path
) -> None:
    port = free_port()
    interrupted = 0
    async with calling(f"http://127.0.0.1:{port}", durable_url, durable_templates.loaded[engine]) as register:
        load = Load(register)
        for _ in range(KILLS):
            with server(durable_url, tmp_path, port=port) as running:
                await register.token("jpt-helmond")

                async def kill(victim: Any = running) -> None:
                    await load.acknowledging(ACKNOWLEDGED_BEFORE_A_KILL)
                    victim.kill()
                    load.ending = True

                await with_posters(load, kill())
            interrupted += len(load.unacknowledged)
        with server(durable_url, tmp_path, port=port):
            stored = {str(row.key) for row in await register.rows(Submission)}
            assert set(load.acknowledged) <= stored <= set(load.acknowledged) | load.unacknowledged
            await load.post_again_what_was_not_acknowledged()
            await assert_all_is_whole(register, load.acknowledged)
    assert interrupted >= KILLS
    assert len(load.acknowledged) >= KILLS * ACKNOWLEDGED_BEFORE_A_KILL


@pytest.mark.parametrize("mode", ["immediate", "fast"], ids=["crashes", "restarts"])
async def test_postgres_comes_back_and_nothing_was_lost(
    mode: str, durable_postgres: Postgres, durable_templates: Templates, tmp_path: Path
) -> None:
    with (
        durable_templates.copy("postgresql") as url,
        server(url, tmp_path, client_recheck_seconds="0") as running,
    ):
        async with calling(running.url, url, durable_templates.loaded["postgresql"]) as register:
            await register.token("jpt-helmond")
            load = Load(register)

            async def go_away() -> None:
                await load.acknowledging(ACKNOWLEDGED_BEFORE_A_KILL)
                away = durable_postgres.away(mode)
                await asyncio.to_thread(away.__enter__)
                await load.hearing(lambda: load.answers[-1].status_code == 503)
                ready = await register.http.get("/health/ready")
                assert ready.status_code == 503
                await asyncio.to_thread(away.__exit__, None, None, None)
                await load.acknowledging(ACKNOWLEDGED_BEFORE_A_KILL)

            await with_posters(load, go_away())
            assert running.process.poll() is None
            assert {answer.status_code for answer in load.answers} == {201, 503}
            refused = [answer for answer in load.answers if answer.status_code == 503]
            assert all(answer.headers["Retry-After"].isdecimal() for answer in refused)
            assert {answer.headers["Content-Type"] for answer in refused} == {"application/problem+json"}
            await register.database.engine.dispose()  # the test's own connections are gone too
            await load.post_again_what_was_not_acknowledged()
            await assert_all_is_whole(register, load.acknowledged)
            assert (await register.http.get("/health/ready")).status_code == 200
