"""The long poll of the feed and of claims: it ends when there is something, and holds nothing while it waits."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import text

from service.demo.loading import Loaded
from service.doors import LONGEST_WAIT, _patience
from service.events.models import Event
from service.events.numbering import number_events
from service.referrals.models import Referral, ReferralClaim
from service.trail import AuditEntry
from tests.conftest import ENGINES
from tests.referrals.test_queue import IN_DEURNE, ORGANISATION, cursor_of, referred, second_client, slug
from tests.support.bodies import signal
from tests.support.register import Register, Templates, calling, in_process, server

AT_ONCE = 5.0  # far below the times that are asked for, far above what an answer takes
BEGINNING = 0.3


async def feed(register: Register, prefer: str, *, client: str = ORGANISATION, after: str = "0") -> Any:
    headers = await register.headers(client, prefer=prefer)
    return await register.http.get("/v1/events", params={"after": cursor_of(after)}, headers=headers)


async def claim(
    register: Register, prefer: str, *, client: str = ORGANISATION, key: str | None = None, **wanted: Any
) -> Any:
    headers = await register.headers(client, prefer=prefer, idempotency_key=key or str(uuid.uuid4()))
    return await register.http.post("/v1/referral-claims", json=wanted, headers=headers)


async def timed(answer: Awaitable[Any]) -> tuple[float, Any]:
    """How long an answer took, and the answer."""
    began = monotonic()
    given = await answer
    return monotonic() - began, given


def items_of(answer: Any) -> list[Any]:
    assert answer.status_code in (200, 201), answer.text
    return list(answer.json()["items"])


@asynccontextmanager
async def waiting(*answers: Awaitable[Any]) -> AsyncIterator[list["asyncio.Task[tuple[float, Any]]"]]:
    """Tasks of which none has an answer yet, and that do not outlive the block."""
    tasks = [asyncio.create_task(timed(answer)) for answer in answers]
    await asyncio.sleep(BEGINNING)
    try:
        assert not any(task.done() for task in tasks)
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ended(*tasks: "asyncio.Task[tuple[float, Any]]") -> list[Any]:
    """Their answers, which come at once."""
    async with asyncio.timeout(AT_ONCE):
        return [answer for _, answer in await asyncio.gather(*tasks)]


async def test_what_is_there_is_answered_at_once(register: Register) -> None:
    await referred(register)
    await number_events(register.database)
    for took, answer in (
        await timed(feed(register, "wait=20")),
        await timed(claim(register, "wait=20")),
    ):
        assert took < AT_ONCE
        assert len(items_of(answer)) == 1


async def test_what_comes_ends_the_wait(register: Register) -> None:
    async with waiting(feed(register, "wait=20"), claim(register, "wait=20")) as tasks:
        (referral_id,) = await referred(register)
        assert not tasks[0].done()  # not before it has its number
        await number_events(register.database)
        heard, claimed = (items_of(answer) for answer in await ended(*tasks))
    assert [one["subject"] for one in heard] == [f"/v1/referrals/{referral_id}"]
    assert [one["id"] for one in claimed] == [str(referral_id)]


async def test_when_nothing_comes_the_answer_is_empty_after_the_time(register: Register) -> None:
    answers = await asyncio.gather(
        timed(feed(register, "wait=1")),
        timed(claim(register, "wait=1")),
    )
    for took, answer in answers:
        assert 0.95 <= took < 1 + AT_ONCE
        assert items_of(answer) == []
    assert answers[0][1].json()["after"] == cursor_of("0")


async def test_what_is_for_others_does_not_end_the_wait(register: Register) -> None:
    narrow = await second_client(register, "GM0794")
    async with waiting(
        feed(register, "wait=20", client=narrow), claim(register, "wait=20", client=narrow)
    ) as tasks:
        deurne = (await referred(register, IN_DEURNE))[0]
        await number_events(register.database)
        await asyncio.sleep(1.2)  # the feed of its organisation was looked at twice
        assert not any(task.done() for task in tasks)
        (helmond,) = await referred(register)
        await number_events(register.database)
        heard, claimed = (items_of(answer) for answer in await ended(*tasks))
    assert [one["subject"] for one in heard] == [f"/v1/referrals/{helmond}"]
    assert [one["id"] for one in claimed] == [str(helmond)] != [str(deurne)]


async def test_a_claim_that_is_asked_again_is_answered_at_once(register: Register) -> None:
    await referred(register)
    key = str(uuid.uuid4())
    first = await claim(register, "wait=20", key=key)
    took, again = await timed(claim(register, "wait=20", key=key))
    assert (took < AT_ONCE, again.json(), len(items_of(again))) == (True, first.json(), 1)
    took, other = await timed(claim(register, "wait=20", key=key, limit=3))
    assert (took < AT_ONCE, other.status_code, slug(other)) == (True, 409, "idempotency-key-reused")


PREFERENCES: dict[str | None, float] = {
    None: 0,
    "": 0,
    "wait=0": 0,
    "wait=7": 7,
    "Wait=7": 7,
    'wait="7"': 7,
    "wait = 7": 7,
    "respond-async, wait=7": 7,
    "wait=7; foo=bar": 7,
    "handling=lenient;wait=7": 7,
    "wait=30": 30,
    "wait=31": LONGEST_WAIT,
    "wait=999999": LONGEST_WAIT,
    "wait": 0,
    "wait=": 0,
    "wait=-1": 0,
    "wait=1.5": 0,
    "wait=1e3": 0,
    "wait=ten": 0,
    "wait=7s": 0,
    "wait=٧": 0,
    "await=7": 0,
    "waiting=7": 0,
    "wait=inf": 0,
}


async def test_a_preference_that_is_not_understood_is_none() -> None:
    assert {given: await _patience(given) for given in PREFERENCES} == PREFERENCES


async def test_without_patience_the_answer_comes_at_once(register: Register) -> None:
    for prefer in ("respond-async", "wait=soon", "wait=0"):
        for answer in (feed(register, prefer), claim(register, prefer)):
            took, given = await timed(answer)
            assert (took < AT_ONCE, items_of(given)) == (True, [])


async def test_a_wait_holds_no_connection_and_no_transaction(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    async with in_process(database_url, templates.loaded[engine], tmp_path, pool_size=1) as register:
        await register.token(ORGANISATION)
        waits = [*(feed(register, "wait=20") for _ in range(5)), claim(register, "wait=20")]
        async with waiting(*waits) as tasks:
            pool: Any = register.database.engine.pool
            held = []
            for _ in range(20):
                held.append(pool.checkedout())
                await asyncio.sleep(0.02)
            assert held.count(0) > len(held) / 2  # now and then all look together, in one statement
            took, listed = await timed(
                register.http.get("/v1/referrals", headers=await register.headers(ORGANISATION))
            )
            assert (took < AT_ONCE, items_of(listed)) == (True, [])
            await referred(register)
            await number_events(register.database)
            answers = await ended(*tasks)
        assert [len(items_of(answer)) for answer in answers] == [1] * 6


async def test_two_hundred_who_wait_all_get_their_answer(register: Register) -> None:
    for client in (ORGANISATION, "jpt-helmond"):
        await register.token(client)
    waits = [feed(register, "wait=25") for _ in range(50)]
    waits += [feed(register, "wait=25", client="jpt-helmond") for _ in range(50)]
    waits += [claim(register, "wait=2", limit=1) for _ in range(100)]
    tasks = [asyncio.create_task(timed(answer)) for answer in waits]
    await asyncio.sleep(2 * BEGINNING)
    assert not any(task.done() for task in tasks)

    (referral_id,) = await referred(register)
    await number_events(register.database)
    async with asyncio.timeout(20):
        answers = [items_of(answer) for _, answer in await asyncio.gather(*tasks)]
    subjects = [items[0]["subject"] for items in answers[:100]]
    assert subjects == [f"/v1/referrals/{referral_id}"] * 50 + [subjects[-1]] * 50
    claimed = [one["id"] for items in answers[100:] for one in items]
    assert claimed == [str(referral_id)]


async def test_who_waits_when_the_register_stops_is_answered(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    async with in_process(database_url, templates.loaded[engine], tmp_path) as register:
        await register.token(ORGANISATION)
        waits = (feed(register, "wait=25"), claim(register, "wait=25"))
        tasks = [asyncio.create_task(timed(answer)) for answer in waits]
        await asyncio.sleep(BEGINNING)
        state: Any = register.app
        await state.app.state.watch.stop()
        for answer in await ended(*tasks):
            assert (answer.status_code, slug(answer)) == (503, "unavailable")
            assert answer.headers["Retry-After"]
        assert (await register.rows(ReferralClaim), await register.rows(Referral)) == ([], [])


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_wait_outlasts_a_database_that_was_away(register: Register) -> None:
    await register.token(ORGANISATION)
    end_all = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with waiting(feed(register, "wait=20")) as tasks:
        elsewhere = register.database.sibling(1)
        async with elsewhere.reading() as session:
            await session.execute(end_all)
        await asyncio.sleep(1.2)
        assert not tasks[0].done()
        await referred(register)
        await number_events(elsewhere)
        (answer,) = await ended(*tasks)
    assert len(items_of(answer)) == 1


# Over a socket: only there does somebody go away.


@dataclass(frozen=True)
class Served:
    """A server process with its jobs."""

    url: str
    database_url: str
    loaded: Loaded

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[Register]:
        async with calling(self.url, self.database_url, self.loaded) as register:
            yield register


@pytest.fixture(scope="module", params=ENGINES)
def served(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    with (
        templates.copy(request.param) as url,
        server(url, tmp_path_factory.mktemp("served")) as running,
    ):
        yield Served(running.url, url, templates.loaded[request.param])


async def test_a_claim_whose_caller_has_gone_claims_nothing(served: Served) -> None:
    async with served.calling() as register:
        headers = await register.headers(ORGANISATION)
        host, _, port = served.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        body = json.dumps({"limit": 1}).encode()
        more = {
            "Host": host,
            "Prefer": "wait=5",
            "Idempotency-Key": str(uuid.uuid4()),
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        lines = [f"{name}: {value}" for name, value in (headers | more).items()]
        writer.write("\r\n".join(["POST /v1/referral-claims HTTP/1.1", *lines, "", ""]).encode() + body)
        await writer.drain()
        await asyncio.sleep(BEGINNING)
        writer.close()
        await writer.wait_closed()

        (referral_id,) = await referred(register)
        async with asyncio.timeout(10):
            while not (refused := await abandoned(register)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert [(row.act, row.role) for row in refused] == [("claim_referrals", "coordinator")]
        assert [row.status for row in await register.rows(Referral)] == ["WAITING"]
        assert await register.rows(ReferralClaim) == []

        took, answer = await timed(claim(register, "wait=20"))
        assert (took < AT_ONCE, [one["id"] for one in items_of(answer)]) == (True, [str(referral_id)])


async def abandoned(register: Register) -> list[Any]:
    return [row for row in await register.rows(AuditEntry) if row.outcome == "abandoned"]


async def test_news_is_heard_within_seconds_where_the_jobs_run(served: Served) -> None:
    async with served.calling() as register:
        async with asyncio.timeout(AT_ONCE):
            while any(row.sequence is None for row in await register.rows(Event)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        heard = await register.http.get("/v1/events", headers=await register.headers("jpt-helmond"))
        after = heard.json()["after"]
        headers = await register.headers("jpt-helmond", prefer="wait=20")
        path = f"/v1/events?after={after}"
        async with waiting(register.http.get(path, headers=headers)) as tasks:
            receipt = (await register.post_signal(signal())).json()
            (answer,) = await ended(*tasks)
    assert f"/v1/signals/{receipt['id']}" in [one["subject"] for one in items_of(answer)]


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_server_that_ends_lets_nobody_wait_and_ends_at_once(
    engine: str, templates: Templates, tmp_path: Path
) -> None:
    with templates.copy(engine) as url, server(url, tmp_path) as running:
        async with calling(running.url, url, templates.loaded[engine]) as register:
            for client in (ORGANISATION, "jpt-helmond"):
                await register.token(client)
            polls = [claim(register, "wait=30"), feed(register, "wait=30", client="jpt-helmond")]
            async with waiting(*polls) as tasks:
                await asyncio.sleep(1)  # for both to have come in, however busy the machine is
                running.process.terminate()
                answers = await ended(*tasks)
        assert await asyncio.to_thread(running.process.wait, 8) in (0, -15)
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("Retry-After" in answer.headers for answer in answers)
