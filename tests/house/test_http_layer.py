"""What holds for every answer, whatever room it comes from: headers, methods, representations, problems."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from service.http import API_VERSION
from service.signals.models import Signal
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.postgres import Postgres
from tests.support.register import Register, ServerProcess, Templates, calling, in_process, server

EVERYWHERE = {
    "API-Version": API_VERSION,
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
CANARY = "Qz7canaryXw"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ANY = "0199aaaa-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
async def register(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Register]:
    """On SQLite: this layer knows no database."""
    with templates.copy("sqlite") as url:
        folder = tmp_path_factory.mktemp("http")
        async with in_process(url, templates.loaded["sqlite"], folder) as running:
            yield running


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


def expect_problem(answer: httpx.Response, status: int, name: str) -> None:
    """Every field of a problem, and nothing else."""
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:signal-register:problem:{name}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail", "traceId"}
    assert problem["title"]
    assert problem["detail"]
    assert re.fullmatch(r"[0-9a-f]{32}", problem["traceId"])
    assert "server" not in answer.headers
    for header, value in EVERYWHERE.items():
        assert answer.headers[header] == value, header


ANSWERS: dict[str, tuple[str, str, dict[str, str], bytes | None, int]] = {
    "200": ("GET", "/v1/code-lists", {}, None, 200),
    "200 of health": ("GET", "/health/live", {}, None, 200),
    "200 of readiness": ("GET", "/health/ready", {}, None, 200),
    "200 of the keys": ("GET", "/oauth/jwks.json", {}, None, 200),
    "200 of the contract": ("GET", "/v1/openapi.json", {}, None, 200),
    "201": ("POST", "/v1/signals", {}, json.dumps(signal()).encode(), 201),
    "400": ("POST", "/v1/signals", {}, b"{}", 400),
    "400 of the path": ("GET", "/v1/signals/x", {}, None, 400),
    "401": ("GET", "/v1/code-lists", {"Authorization": "Bearer x"}, None, 401),
    "403": ("GET", "/v1/referrals", {}, None, 403),
    "404 of an object": ("GET", f"/v1/signals/{ANY}", {}, None, 404),
    "404 of a path": ("GET", "/v1/nowhere", {}, None, 404),
    "404 outside": ("GET", "/nowhere", {}, None, 404),
    "404 of the root": ("GET", "/", {}, None, 404),
    "404 of the mount": ("GET", "/v1", {}, None, 404),
    "404 of a slash": ("GET", "/v1/code-lists/", {}, None, 404),
    "404 of a slash with a post": ("POST", "/v1/signals/", {}, b"{}", 404),
    "404 of documentation": ("GET", "/docs", {}, None, 404),
    "404 of the framework's document": ("GET", "/openapi.json", {}, None, 404),
    "405": ("DELETE", "/v1/signals", {}, None, 405),
    "405 of a word": ("BREW", "/v1/signals", {}, None, 405),
    "406": ("GET", "/v1/code-lists", {"Accept": "text/html"}, None, 406),
    "409": (
        "POST",
        "/v1/signals",
        {"Idempotency-Key": ANY},
        json.dumps(signal(urgency="INFO")).encode(),
        409,
    ),
    "413": ("POST", "/v1/signals", {}, b" " * 70_000, 413),
    "431": ("GET", "/v1/code-lists", {"X-Padding": "x" * 16 * 1024}, None, 431),
    "200 with long headers": ("GET", "/v1/code-lists", {"X-Padding": "x" * 14 * 1024}, None, 200),
    "415": ("POST", "/v1/signals", {"Content-Type": "text/plain"}, b"{}", 415),
}


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"), ANSWERS.values(), ids=ANSWERS.keys()
)
async def test_every_answer_has_the_headers_and_every_refusal_is_a_problem(
    register: Register, method: str, path: str, headers: dict[str, str], content: bytes | None, status: int
) -> None:
    if status == 409:
        await register.post_signal(signal(), key=ANY)
    ours = await register.headers(
        "jpt-helmond", idempotency_key=str(uuid.uuid4()), content_type="application/json"
    )
    sent = httpx.Headers(ours)
    sent.update(headers)
    answer = await register.http.request(method, path, headers=sent, content=content)

    assert answer.status_code == status, answer.text
    for header, value in EVERYWHERE.items():
        assert answer.headers[header] == value, header
    assert "server" not in answer.headers
    if status >= 400:
        expect_problem(answer, status, slug(answer))
    if path == "/v1/openapi.json":
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    else:
        assert "Access-Control-Allow-Origin" not in answer.headers


ALLOWED = {
    "/v1/signals": "GET, HEAD, POST",
    "/v1/signals/_check": "POST",
    f"/v1/signals/{ANY}": "GET, HEAD",
    "/v1/statistics/releases": "GET, HEAD, POST",
    "/v1/openapi.json": "GET, HEAD",
    "/oauth/token": "POST",
    "/health/live": "GET, HEAD",
}


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "HEAD", "GET", "POST"])
@pytest.mark.parametrize("path", ALLOWED)
async def test_a_method_that_does_not_exist_hears_which_do(
    register: Register, path: str, method: str
) -> None:
    answer = await register.http.request(method, path, headers={"Origin": "https://other.example"})

    if method in ALLOWED[path].split(", "):
        assert answer.status_code != 405
    else:
        assert (answer.status_code, answer.headers["Allow"]) == (405, ALLOWED[path])
        if method != "HEAD":
            expect_problem(answer, 405, "method-not-allowed")


GETS = ("/v1/code-lists", "/v1/code-lists/gender", "/v1/municipalities", "/v1/openapi.json", "/health/live")
REFUSED_GETS = ("/v1/nowhere", f"/v1/signals/{ANY}", "/v1/referrals")


@pytest.mark.parametrize("path", [*GETS, *REFUSED_GETS])
async def test_head_is_get_without_a_body(register: Register, path: str) -> None:
    headers = await register.headers("jpt-helmond", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    got = await register.http.get(path, headers=headers)
    head = await register.http.head(path, headers=headers)

    assert (head.status_code, head.content) == (got.status_code, b"")
    counted = {"ratelimit": ""}  # each of the two was counted
    assert dict(head.headers) | counted == dict(got.headers) | counted
    assert int(head.headers["Content-Length"]) == len(got.content) > 0


async def test_reading_by_head_is_recorded_too(register: Register) -> None:
    location = (await register.post_signal(signal())).headers["Location"]
    trace = uuid.uuid4().hex
    headers = await register.headers("jpt-helmond", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    answer = await register.http.head(location, headers=headers)

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert [row.act for row in await register.rows(AuditEntry) if row.trace_id == trace] == ["signal.read"]


ACCEPTS = {
    "json": (["application/json"], 200),
    "anything": (["*/*"], 200),
    "a browser's": (["text/html,application/xhtml+xml,*/*;q=0.8"], 200),
    "html": (["text/html"], 406),
    "not json": (["application/json;q=0"], 406),
    "anything but json": (["*/*", "application/json;q=0"], 406),
    "in two lines": (["text/html", "application/json"], 200),
}


@pytest.mark.parametrize(("lines", "status"), ACCEPTS.values(), ids=ACCEPTS.keys())
async def test_an_accept_header_leaves_an_answer_or_not(
    register: Register, lines: list[str], status: int
) -> None:
    headers = list((await register.headers("jpt-helmond")).items()) + [("Accept", line) for line in lines]
    request = register.http.build_request("GET", "/v1/code-lists")
    del request.headers["Accept"]
    request.headers = httpx.Headers([*request.headers.multi_items(), *headers])
    answer = await register.http.send(request)

    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/code-lists/none", "/health/live"])
async def test_a_problem_goes_on_with_the_callers_trace(register: Register, path: str) -> None:
    headers = await register.headers("jpt-helmond", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    answer = await register.http.get(path, headers=headers)

    if path != "/health/live":
        assert answer.json()["traceId"] == TRACE
        entries = [row for row in await register.rows(AuditEntry) if row.trace_id == TRACE]
        assert entries[-1].outcome == "not-found"


TRACEPARENTS = {
    "none": None,
    "zeros": f"00-{'0' * 32}-00f067aa0ba902b7-01",
    "capitals": f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
    "too short": f"00-{TRACE[:-1]}-00f067aa0ba902b7-01",
    "too long": f"00-{TRACE}0-00f067aa0ba902b7-01",
    "something behind it": f"00-{TRACE}-00f067aa0ba902b7-01-123456782",
    "a BSN": "123456782",
    "a text": CANARY,
}


@pytest.mark.parametrize("value", TRACEPARENTS.values(), ids=TRACEPARENTS.keys())
async def test_a_trace_of_another_form_is_replaced(register: Register, value: str | None) -> None:
    headers = {"traceparent": value} if value else {}
    first, second = [
        (await register.http.get("/nowhere", headers=headers)).json()["traceId"] for _ in range(2)
    ]

    assert first != second
    assert value is None or first not in value.lower()
    assert re.fullmatch(r"[0-9a-f]{32}", first)


async def test_an_error_that_nobody_expected_tells_nothing_of_itself(register: Register) -> None:
    posted = await register.post_signal(signal())
    async with register.database.writing() as session:  # as a fault of ours would: a row that cannot be read
        broken = update(Signal).where(Signal.id == uuid.UUID(posted.json()["id"]))
        await session.execute(broken.values(content={"primaryType": CANARY}))
    headers = await register.headers("jpt-helmond", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    answer = await register.http.get(posted.headers["Location"], headers=headers)

    expect_problem(answer, 500, "failed")
    assert answer.json()["traceId"] == TRACE
    assert CANARY not in answer.text
    assert "Error" not in answer.text


@asynccontextmanager
async def blocked(register: Register) -> AsyncIterator[None]:
    """Nothing can be committed inside the block, as on a database that hangs."""
    async with register.database.writing() as session:  # on SQLite this is the one writer
        if not register.database.is_sqlite:
            await session.execute(text("LOCK TABLE audit_entry, submission IN ACCESS EXCLUSIVE MODE"))
        yield


async def full(queue: Any, *requests: Any) -> list[asyncio.Task[httpx.Response]]:
    """One request being committed and one waiting: a queue of one is full."""
    tasks = []
    for request in requests:
        tasks.append(asyncio.create_task(request))
        await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        while not queue.full():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return tasks


def expect_overload(answer: httpx.Response) -> None:
    expect_problem(answer, 503, "overloaded")
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.fixture
async def narrow(engine: str, templates: Templates, tmp_path: Path) -> AsyncIterator[Register]:
    """A register in whose queues one entry can wait."""
    with templates.copy(engine) as url:
        more = {"queue_size": 1, "flushers": 1}
        async with in_process(url, templates.loaded[engine], tmp_path, **more) as running:
            yield running


async def test_a_full_intake_queue_is_503_and_loses_nothing(narrow: Register) -> None:
    await narrow.token("jpt-helmond")
    queue = narrow.app.app.state.intake.queue._queue  # type: ignore[union-attr]
    key = str(uuid.uuid4())
    async with blocked(narrow):
        tasks = await full(queue, narrow.post_signal(signal()), narrow.post_signal(signal()))
        refused = await narrow.post_signal(signal(), key=key)
    accepted = await asyncio.gather(*tasks)
    again = await narrow.post_signal(signal(), key=key)

    expect_overload(refused)
    assert [answer.status_code for answer in (*accepted, again)] == [201, 201, 201]
    assert len(await narrow.rows(Signal)) == 3


async def test_a_full_trail_discloses_nothing_to_readers_and_refuses_without_a_word(narrow: Register) -> None:
    location = (await narrow.post_signal(signal())).headers["Location"]
    headers = await narrow.headers("jpt-helmond")
    await narrow.http.get(location, headers=headers)  # its client is known from now on
    queue = narrow.app.app.state.trail._queue._queue  # type: ignore[union-attr]
    async with blocked(narrow):
        tasks = await full(
            queue, narrow.http.get(location, headers=headers), narrow.http.get(location, headers=headers)
        )
        read = await narrow.http.get(location, headers=headers)
        searched = await narrow.http.get("/v1/referrals", headers=headers)
        refused = await narrow.http.get(f"/v1/signals/{ANY}", headers=headers)
        nowhere = await narrow.http.get("/v1/nowhere", headers=headers)
        faulty = await narrow.http.post("/v1/signals", json={"a": CANARY}, headers=headers)
        unrecorded = await narrow.http.get("/v1/code-lists", headers=headers)
        nobody = await narrow.http.get(location)
    told = await asyncio.gather(*tasks)

    for answer in (read, searched, refused, nowhere, faulty):
        expect_overload(answer)
        assert "LOVERBOY" not in answer.text
    assert "errors" not in faulty.json()
    assert (unrecorded.status_code, nobody.status_code) == (200, 401)
    assert [answer.status_code for answer in told] == [200, 200]
    reads = [row for row in await narrow.rows(AuditEntry) if row.act == "signal.read"]
    assert len(reads) == 3


async def test_a_database_that_is_away_is_503_and_loses_nothing(
    templates: Templates, postgres: Postgres, tmp_path: Path
) -> None:
    loaded = templates.loaded["postgresql"]
    with templates.copy("postgresql") as url:
        async with in_process(url, loaded, tmp_path, client_recheck_seconds=0) as register:
            posted = await register.post_signal(signal())
            headers = await register.headers("jpt-helmond")
            credential = loaded.credentials["jpt-helmond"]
            key = str(uuid.uuid4())
            with postgres.away("fast"):
                ready = await register.http.get("/health/ready")
                live = await register.http.get("/health/live")
                read = await register.http.get(posted.headers["Location"], headers=headers)
                refused = await register.http.get("/v1/nowhere", headers=headers)
                post = await register.post_signal(signal(), key=key)
                asked = await register.http.post(
                    "/oauth/token",
                    data={"grant_type": "client_credentials"},
                    auth=(credential.client_id, credential.client_secret),
                )
            async with asyncio.timeout(20):
                while (await register.http.get("/health/ready")).status_code != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            again = await register.post_signal(signal(), key=key)
            stored = len(await register.rows(Signal))

    assert live.status_code == 200
    for answer in (ready, read, refused, post, asked):
        expect_problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert (again.status_code, stored) == (201, 2)


async def test_a_post_that_meets_a_lost_connection_is_still_registered_once(
    templates: Templates, postgres: Postgres, tmp_path: Path
) -> None:
    with templates.copy("postgresql") as url:
        async with in_process(url, templates.loaded["postgresql"], tmp_path) as register:
            await register.post_signal(signal())
            with postgres.away("fast"):
                pass  # every pooled connection is gone now, and nobody knows it yet
            answer = await register.post_signal(signal())
            await register.database.close()  # its connections are as stale
            stored = len(await register.rows(Signal))

    assert (answer.status_code, stored) == (201, 2)


@pytest.fixture(scope="module")
def real(
    templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerProcess, str]]:
    with (
        templates.copy("sqlite") as url,
        server(url, tmp_path_factory.mktemp("real"), public_url="http://127.0.0.1:8000") as running,
    ):
        yield running, url


async def test_the_real_server_says_nothing_about_itself(
    real: tuple[ServerProcess, str], templates: Templates
) -> None:
    running, url = real
    async with calling(running.url, url, templates.loaded["sqlite"]) as register:
        headers = await register.headers("jpt-helmond", idempotency_key=str(uuid.uuid4()))

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b" " * 1000

        answers = [
            await register.http.get("/v1/code-lists", headers=headers),
            await register.http.head("/v1/code-lists", headers=headers),
            await register.http.get("/nowhere"),
            await register.http.delete("/v1/signals"),
            await register.http.post("/v1/signals", json={}, headers=headers),
            await register.http.post(
                "/v1/signals", content=endless(), headers=headers | {"Content-Type": "application/json"}
            ),
            await register.http.post("/v1/signals", json=signal(), headers=headers),
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 404, 405, 400, 413, 201]
    for answer in answers:
        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
        for header, value in EVERYWHERE.items():
            assert answer.headers[header] == value, header
    assert answers[1].content == b""
    assert answers[1].headers["Content-Length"] == answers[0].headers["Content-Length"]
