"""Jobs: each once wherever many run, taken over from the dead, and seen when they do not go as they should."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from service import clock
from service.database import Database
from service.events.models import Event
from service.jobs import LATE_AFTER, Job, Jobs, late_after, register_jobs, troubled
from service.leases import HOLD, JobState, give_back, hold, job_states, name_jobs
from tests.support.bodies import signal
from tests.support.register import Register, Templates, calling, free_port, in_process, server, started

BEAT = 0.05
TOKEN = "figures-for-the-monitoring"
JOBS = register_jobs(b"s" * 32)
NAMES = [job.name for job in JOBS]
PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
SECRET = "0492-123456"


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two pools to one database, as two processes have them."""
    pair = Database(database_url, pool_size=2), Database(database_url, pool_size=2)
    yield pair
    for database in pair:
        await database.close()


class Turns:
    """Work that counts how often it was done; while `broken` it fails."""

    def __init__(self) -> None:
        self.done = 0
        self.tried = 0
        self.broken = False

    async def __call__(self, database: Database) -> None:
        self.tried += 1
        if self.broken:
            raise LookupError(SECRET)
        self.done += 1


@asynccontextmanager
async def running(database: Database, *jobs: Job) -> AsyncIterator[Jobs]:
    these = Jobs(database, jobs, beat_seconds=BEAT)
    these.start()
    try:
        yield these
    finally:
        await these.stop()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_more(turns: Turns) -> None:
    """Until the work was tried again."""
    before = turns.tried

    async def tried() -> bool:
        return turns.tried > before

    await until(tried)


async def states(database: Database) -> dict[str, JobState]:
    async with database.reading() as session:
        return {state.name: state for state in await job_states(session)}


async def taken(database: Database, holder: uuid.UUID, *names: str, now: datetime | None = None) -> set[str]:
    """What a process gets that asks for these leases."""
    async with database.writing() as session:
        await name_jobs(session, names)
        return set(await hold(session, holder, names, now or clock.now()))


async def test_a_lease_is_held_by_one_until_it_is_over_or_given_back(
    databases: tuple[Database, Database],
) -> None:
    database, other = databases
    one, two, now = uuid.uuid4(), uuid.uuid4(), clock.now()
    assert await taken(database, one, "a", "b", now=now) == {"a", "b"}
    assert await taken(other, two, "a", "b", "c", now=now) == {"c"}
    assert await taken(database, one, "a", "b", "c", now=now + HOLD / 2) == {"a", "b"}
    assert await taken(other, two, "a", "c", now=now + HOLD) == {"c"}
    assert await taken(other, two, "a", now=now + HOLD * 3 / 2) == {"a"}
    async with other.writing() as session:
        await give_back(session, two)
    assert await taken(database, one, "a", "b", "c", now=now + HOLD * 3 / 2) == {"a", "b", "c"}


async def test_of_many_that_ask_at_once_one_gets_a_lease(databases: tuple[Database, Database]) -> None:
    got = await asyncio.gather(
        *(taken(databases[place % 2], uuid.uuid4(), "a", "b", "c") for place in range(8))
    )
    assert sorted(name for names in got for name in names) == ["a", "b", "c"]


async def test_a_job_runs_in_one_of_two_processes_and_in_the_other_once_that_stops(
    databases: tuple[Database, Database],
) -> None:
    one, two = Turns(), Turns()
    first = Jobs(databases[0], [Job("turns", 0.01, one)], beat_seconds=BEAT)
    first.start()
    await until_more(one)
    async with running(databases[1], Job("turns", 0.01, two)):
        await asyncio.sleep(6 * BEAT)
        assert (one.done > 1, two.tried) == (True, 0)
        await first.stop()
        before = one.tried
        await until_more(two)
    assert one.tried == before
    state = (await states(databases[0]))["turns"]
    assert (state.held_by, state.held_until, state.failures) == (None, None, 0)
    assert state.done_at is not None


async def test_what_a_dead_process_held_is_taken_over_when_its_lease_is_over(
    databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    dead, turns = uuid.uuid4(), Turns()
    assert await taken(databases[0], dead, "turns", now=now) == {"turns"}
    async with running(databases[1], Job("turns", 0.01, turns)):
        monkeypatch.setattr(clock, "now", lambda: now + HOLD - timedelta(seconds=1))
        await asyncio.sleep(4 * BEAT)
        assert turns.tried == 0
        monkeypatch.setattr(clock, "now", lambda: now + HOLD)
        await until_more(turns)


async def test_a_clock_that_jumps_back_locks_no_job_for_ever(
    databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    dead, turns = uuid.uuid4(), Turns()
    assert await taken(databases[0], dead, "turns", now=now + timedelta(days=1)) == {"turns"}
    async with running(databases[1], Job("turns", 0.01, turns)):
        await until_more(turns)
        monkeypatch.setattr(clock, "now", lambda: now - timedelta(days=1))
        await asyncio.sleep(2 * BEAT)
        await until_more(turns)


# What is told of them.


def test_a_job_is_in_trouble_when_it_failed_or_did_nothing_for_too_long() -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    often, rarely = (Job(name, seconds, Turns()) for name, seconds in (("often", 1), ("rarely", 3600)))

    def state(name: str, ago: timedelta | None, failures: int = 0) -> JobState:
        return JobState(name=name, done_at=None if ago is None else now - ago, failures=failures)

    fresh, old = timedelta(seconds=1), LATE_AFTER + timedelta(seconds=3)
    for known, told in (
        ([], {"often": "late", "rarely": "late"}),
        ([state("often", None), state("rarely", None)], {"often": "late", "rarely": "late"}),
        ([state("often", fresh), state("rarely", fresh)], {}),
        ([state("often", old), state("rarely", old)], {"often": "late"}),
        ([state("often", late_after(often)), state("rarely", late_after(rarely))], {}),
        ([state("often", fresh, failures=1), state("rarely", fresh)], {"often": "failing"}),
        ([state("often", fresh), state("rarely", None, failures=2)], {"rarely": "failing"}),
        ([state("often", fresh), state("rarely", fresh), state("gone", None, failures=9)], {}),
    ):
        assert troubled(known, now, [often, rarely]) == told, known


def test_a_job_of_which_the_work_may_take_long_is_late_only_after_it() -> None:
    now, hour = datetime(2026, 11, 27, 12, tzinfo=UTC), timedelta(hours=1)
    slow = Job("slow", 1, Turns(), may_take=hour)
    for ago, told in ((hour, {}), (hour + LATE_AFTER + timedelta(seconds=3), {"slow": "late"})):
        assert troubled([JobState(name="slow", done_at=now - ago, failures=0)], now, [slow]) == told


async def health(register: Register) -> httpx.Response:
    return await register.http.get("/health/jobs")


async def works(register: Register) -> bool:
    return (await health(register)).status_code == 200


@pytest.fixture
async def watched(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> AsyncIterator[Register]:
    """A register with figures; its jobs are run by the tests."""
    async with in_process(database_url, templates.loaded[engine], tmp_path, metrics_token=TOKEN) as register:
        yield register


async def test_jobs_that_never_ran_are_late(register: Register) -> None:
    answer = await health(register)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    told = ", ".join(f"{name} is late" for name in sorted(NAMES))
    assert answer.json() == {
        "type": "urn:signal-register:problem:jobs-in-trouble",
        "title": "A job does not go as it should",
        "status": 503,
        "detail": f"Some work waits: see the technical log of the process that runs the jobs. {told}.",
        "traceId": answer.json()["traceId"],
    }


async def test_the_real_jobs_work_and_are_late_when_they_do_not_go_on(
    watched: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = [replace(job, every_seconds=0.05) for job in JOBS]
    async with running(watched.database.sibling(2), *quick):
        await watched.post_signal(signal())
        await until(lambda: works(watched))
        assert (await health(watched)).json() == {"status": "working"}

        async def numbered() -> bool:
            return all(row.sequence for row in await watched.rows(Event))

        await until(numbered)
    assert {job.name for job in JOBS} == set(await states(watched.database))
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + LATE_AFTER + timedelta(seconds=30))
    answer = await health(watched)
    assert "lapse-claims is late, number-events is late." in answer.json()["detail"]
    assert "escalate" not in answer.json()["detail"]


async def test_a_job_that_fails_is_seen_goes_on_being_tried_and_is_well_again_after_it_worked(
    watched: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = {name: Turns() for name in NAMES}
    jobs = [Job(name, 0.02, work) for name, work in turns.items()]
    broken = turns["escalate"]

    async def failing() -> bool:
        return not await works(watched)

    async with running(watched.database.sibling(2), *jobs):
        await until(lambda: works(watched))
        first_done = (await states(watched.database))["escalate"].done_at
        broken.broken = True
        await until(failing)
        for _ in range(3):
            await until_more(broken)
        answer = await health(watched)
        assert answer.json()["detail"].endswith("runs the jobs. escalate is failing.")
        await until_more(turns["number-events"])  # others go on
        state = (await states(watched.database))["escalate"]
        assert (state.failure, state.failures > 0) == ("LookupError", True)
        assert first_done is not None
        assert state.failed_at is not None
        assert first_done <= state.failed_at <= clock.now()
        figures = (await metrics(watched, f"Bearer {TOKEN}")).text
        assert 'signal_job_failures{job="escalate"} 0.0' not in figures
        assert 'signal_job_failures{job="number-events"} 0.0' in figures
        assert SECRET not in figures + answer.text + "".join(capsys.readouterr())

        broken.broken = False
        await until(lambda: works(watched))
        state = (await states(watched.database))["escalate"]
        assert (state.failure, state.failures) == (None, 0)
    assert 'signal_job_failures{job="escalate"} 0.0' in (await metrics(watched, f"Bearer {TOKEN}")).text


async def metrics(register: Register, authorization: str | None) -> httpx.Response:
    headers = {"Accept": PROMETHEUS} | ({"Authorization": authorization} if authorization else {})
    return await register.http.get("/metrics", headers=headers)


async def test_figures_are_not_there_without_a_token_in_the_settings(register: Register) -> None:
    for authorization in (None, "Bearer ", f"Bearer {TOKEN}"):
        answer = await metrics(register, authorization)
        assert (answer.status_code, answer.json()["title"]) == (404, "There is nothing here")


async def test_figures_are_for_who_has_the_token(watched: Register) -> None:
    async with watched.database.writing() as session:
        await name_jobs(session, ["number-events"])
    for wrong in (None, "", "Bearer ", "Bearer", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
        answer = await metrics(watched, wrong)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), wrong
    reporter = await watched.token("jpt-helmond")
    assert (await metrics(watched, f"Bearer {reporter}")).status_code == 401

    for right in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
        answer = await metrics(watched, right)
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
        assert answer.text.splitlines() == [
            "# HELP signal_job_done_timestamp_seconds When a job last did all it had to.",
            "# TYPE signal_job_done_timestamp_seconds gauge",
            "# HELP signal_job_failures How often a job failed since then.",
            "# TYPE signal_job_failures gauge",
            'signal_job_failures{job="number-events"} 0.0',
        ]


# With the life of a process.


async def test_jobs_begin_and_end_with_the_register(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    before = asyncio.all_tasks()
    async with in_process(database_url, templates.loaded[engine], tmp_path, jobs=True) as register:
        await register.post_signal(signal())

        async def numbered() -> bool:
            return all(row.sequence for row in await register.rows(Event))

        await until(numbered)
        during = await states(register.database)
        assert {state.held_by is None for state in during.values()} == {False}
    assert asyncio.all_tasks() == before

    database = Database(database_url, pool_size=1)
    after = await states(database)
    await database.close()
    assert {name: (state.held_by, state.held_until) for name, state in after.items()} == dict.fromkeys(
        NAMES, (None, None)
    )
    assert after["number-events"].done_at is not None  # told at the end, if not before


OF_A_WORKER = [
    ("/health/live", 200),
    ("/health/ready", 200),
    ("/v1/events", 404),
    ("/v1/me", 404),
    ("/metrics", 404),
]


async def test_jobs_run_in_a_process_of_their_own_beside_one_that_has_none(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    environment = os.environ | {
        "SIGNAL_DATABASE_URL": database_url,
        "SIGNAL_KEY_DIR": str(tmp_path / "keys"),
        "SIGNAL_LOG_LEVEL": "ERROR",
        "SIGNAL_JOBS": "false",  # for `serve` alone: whoever asks for jobs gets them
    }
    loaded = templates.loaded[engine]
    with server(database_url, tmp_path, jobs=False) as serving:
        async with calling(serving.url, database_url, loaded) as register:
            await register.post_signal(signal())
            await asyncio.sleep(0.7)
            assert {row.sequence for row in await register.rows(Event)} == {None}
            assert await states(register.database) == {}

            with started(["service", "serve", "--jobs-only"], environment, free_port()) as working:

                async def numbered() -> bool:
                    return all(row.sequence for row in await register.rows(Event))

                await until(numbered)
                async with httpx.AsyncClient(base_url=working.url) as http:
                    assert [
                        (path, (await http.get(path)).status_code) for path, _ in OF_A_WORKER
                    ] == OF_A_WORKER
                    assert (await http.get("/health/jobs")).status_code in (200, 503)
                heard = await register.http.get("/v1/events", headers=await register.headers("jpt-helmond"))
                assert [one["type"] for one in heard.json()["items"]] == [
                    "nl.signal-register.signal.received"
                ]
                began = time.monotonic()
            assert time.monotonic() - began < 8
            assert {state.held_by for state in (await states(register.database)).values()} == {None}
