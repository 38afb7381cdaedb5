"""How much a client may ask: counted by client and class, told in headers, and no way to flood the trail."""

import json
from pathlib import Path
from typing import Any

import httpx

from service.limits import REMEMBERED, Limits
from service.signals.models import Signal
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.register import Templates, in_process


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_begins_with_the_first_request_and_ends_after_a_minute() -> None:
    clock = Clock()
    limits = Limits({"reading": 2}, clock)
    told = [limits.take("one", "reading") for _ in range(3)]
    assert [(one.remaining, one.exceeded) for one in told] == [(1, False), (0, False), (0, True)]
    assert told[0].resets_in == 60
    clock.now += 59
    assert (limits.take("one", "reading").exceeded, limits.take("one", "reading").resets_in) == (True, 1)
    clock.now += 1
    assert limits.take("one", "reading").remaining == 1


def test_clients_and_classes_are_counted_apart() -> None:
    limits = Limits({"reading": 1, "writing": 1}, Clock())
    assert not limits.take("one", "reading").exceeded
    assert not limits.take("one", "writing").exceeded
    assert not limits.take("other", "reading").exceeded
    assert limits.take("one", "reading").exceeded


def test_memory_is_bounded() -> None:
    limits = Limits({"reading": 1}, Clock())
    for number in range(REMEMBERED + 500):
        limits.take(number, "reading")
    assert len(limits._windows) == REMEMBERED


def told_in(answer: httpx.Response) -> tuple[str | None, str | None]:
    return answer.headers.get("RateLimit-Policy"), answer.headers.get("RateLimit")


async def test_every_answer_tells_what_is_left(engine: str, templates: Templates, tmp_path: Path) -> None:
    with templates.copy(engine) as url:
        loaded = templates.loaded[engine]
        async with in_process(url, loaded, tmp_path, limit_reading=5, limit_writing=9) as register:
            headers = await register.headers("jpt-helmond")
            policy = '"reading";q=5;w=60'
            for path, left in (("/v1/me", 4), ("/v1/referrals", 3), ("/v1/code-lists/nothing", 2)):
                answer = await register.http.get(path, headers=headers)
                assert told_in(answer) == (policy, f'"reading";r={left};t=60'), path
            assert told_in(await register.post_signal({})) == ('"writing";q=9;w=60', '"writing";r=8;t=60')
            assert told_in(await register.http.get("/v1/me")) == (None, None)
            assert told_in(await register.http.get("/v1/openapi.json")) == (None, None)


async def test_who_asks_too_much_waits_and_nobody_else_does(
    engine: str, templates: Templates, tmp_path: Path
) -> None:
    with templates.copy(engine) as url:
        loaded = templates.loaded[engine]
        async with in_process(url, loaded, tmp_path, limit_writing=2) as register:
            answers = [await register.post_signal(signal()) for _ in range(6)]
            other = await register.post_signal(signal(), client="police-oost-brabant")
            reading = await register.http.get("/v1/me", headers=await register.headers("jpt-helmond"))
            stored = len(await register.rows(Signal))
            await register.app.app.state.trail.stop()  # type: ignore[union-attr]
            entries = [one for one in await register.rows(AuditEntry) if one.outcome == "too-many-requests"]
            register.app.app.state.trail.start()  # type: ignore[union-attr]

    assert [answer.status_code for answer in answers] == [201, 201, 429, 429, 429, 429]
    refused = answers[-1]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert json.loads(refused.content)["type"].endswith("too-many-requests")
    assert (other.status_code, reading.status_code, stored) == (409, 200, 3 - 1)
    (entry,) = entries
    assert (entry.act, entry.times, entry.actor) == ("register_signal", 4, None)
    assert str(entry.client_id) == loaded.credentials["jpt-helmond"].client_id


async def test_a_broken_body_is_counted_too(engine: str, templates: Templates, tmp_path: Path) -> None:
    with templates.copy(engine) as url:
        async with in_process(url, templates.loaded[engine], tmp_path, limit_writing=2) as register:
            told: list[Any] = [(await register.post_signal({})).status_code for _ in range(4)]
    assert told == [400, 400, 429, 429]
