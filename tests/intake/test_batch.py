"""Batches: an answer for every line, in order; a bad one spoils no good one; nothing twice, nothing lost."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.errors import TooLarge
from service.intake.batch import MAX_LINES, PartnerGone, groups_of
from service.intake.errors import TooManyLines
from service.intake.models import Submission
from service.signals.models import Signal
from service.sizes import BODY_LIMIT
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.register import Register, Templates, calling, server

Json = dict[str, Any]
NDJSON = "application/x-ndjson"


def line(key: str | None = None, **changes: Any) -> str:
    return json.dumps({"idempotencyKey": key or str(uuid.uuid4()), "signal": signal(**changes)})


async def send(
    register: Register, content: Any, client: str = "jpt-helmond", **headers: str
) -> httpx.Response:
    told = await register.headers(client) | {"Content-Type": NDJSON} | headers
    return await register.http.post("/v1/signals/_batch", content=content, headers=told)


def answers(response: httpx.Response) -> list[Json]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == NDJSON
    assert response.text.endswith("\n") or not response.text
    return [json.loads(one) for one in response.text.splitlines()]


def slug(answer: Json) -> str:
    return str(answer["problem"]["type"].rpartition(":")[2])


async def test_each_line_gets_the_answer_that_a_post_would(register: Register) -> None:
    key = str(uuid.uuid4())
    told = answers(await send(register, f"{line(key)}\n{line(urgency='ACUTE')}\n"))
    assert [(one["line"], one["status"]) for one in told] == [(1, 201), (2, 201)]
    single = await register.post_signal(signal(), key=key)
    assert (single.status_code, single.json()) == (201, told[0]["receipt"])
    assert told[1]["receipt"]["referral"]["priority"] == "HIGH"
    assert len(await register.rows(Signal)) == 2


async def test_bad_lines_spoil_no_good_ones(register: Register) -> None:
    canary = "Qz7canaryXw"
    lines = [
        line(),
        '{"idempotencyKey": "' + canary,
        line(primaryType=canary),
        json.dumps({"signal": signal()}),
        json.dumps({"idempotencyKey": "123456782", "signal": signal()}),
        json.dumps([canary]),
        "null",
        line(handlingCodes=["H1"]),
        line(note="Sanne woont in de Kerkstraat 12"),
        json.dumps({"idempotencyKey": str(uuid.uuid4()), "signal": signal(), canary: 1}),
        "a" * (BODY_LIMIT + 1),
        "[" * 5000,
        line(),
    ]
    response = await send(register, "\n".join(lines).encode() + b'\n\xff\xfe{"a": 1}\n')
    told = answers(response)
    assert [one["line"] for one in told] == list(range(1, 15))
    assert [one["status"] for one in told] == [
        201,
        400,
        400,
        400,
        400,
        400,
        400,
        409,
        400,
        400,
        413,
        400,
        201,
        400,
    ]
    assert [one["pointer"] for one in told[3]["problem"]["errors"]] == ["/idempotencyKey"]
    assert [one["pointer"] for one in told[2]["problem"]["errors"]][0] == "/signal/primaryType"
    assert {one["code"] for one in told[8]["problem"]["errors"]} == {"note.address", "note.name"}
    assert all(one["problem"]["traceId"] for one in told if one["status"] != 201)
    assert canary not in response.text
    assert "Sanne" not in response.text
    assert len(await register.rows(Signal)) == 2
    refused = [one for one in await register.rows(AuditEntry) if one.act == "register_signals"]
    assert len(refused) == 12
    assert all(one.object_id is None for one in refused)


async def test_equal_keys_make_one_signal(register: Register) -> None:
    key, other = str(uuid.uuid4()), str(uuid.uuid4())
    content = "\n".join([line(key), line(key), line(key, urgency="INFO"), line(other)])
    told = answers(await send(register, content))
    assert [one["status"] for one in told] == [201, 201, 409, 201]
    assert told[0]["receipt"] == told[1]["receipt"]
    assert slug(told[2]) == "idempotency-key-reused"
    again = answers(await send(register, content))
    assert [one.get("receipt") for one in again] == [one.get("receipt") for one in told]
    assert len(await register.rows(Signal)) == 2


async def test_batches_and_posts_of_the_same_keys_at_once(register: Register) -> None:
    keys = [str(uuid.uuid4()) for _ in range(40)]
    forward = "\n".join(line(key) for key in keys)
    backward = "\n".join(line(key) for key in reversed(keys))
    one, two, *posts = await asyncio.gather(
        send(register, forward),
        send(register, backward),
        *(register.post_signal(signal(), key=key) for key in keys[::4]),
    )
    assert {answer["status"] for answer in (*answers(one), *answers(two))} == {201}
    by_key = dict(zip(keys, (answer["receipt"] for answer in answers(one)), strict=True))
    assert [answer["receipt"] for answer in answers(two)] == [by_key[key] for key in reversed(keys)]
    assert [post.json() for post in posts] == [by_key[key] for key in keys[::4]]
    assert len(await register.rows(Signal)) == 40


ENDINGS = {"LF": "\n", "CRLF": "\r\n", "empty lines between": "\n\n  \r\n"}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
@pytest.mark.parametrize("closed", [True, False])
async def test_lines_end_in_one_way_or_another(register: Register, ending: str, closed: bool) -> None:
    content = ending.join([line(), line()]) + (ending if closed else "")
    told = answers(await send(register, content))
    assert [(one["line"], one["status"]) for one in told] == [(1, 201), (2, 201)]


@pytest.mark.parametrize("content", [b"", b"\n", b"  \r\n\r\n"])
async def test_nothing_is_nothing(register: Register, content: bytes) -> None:
    assert answers(await send(register, content)) == []


async def test_a_batch_has_at_most_a_thousand_lines(register: Register) -> None:
    content = "\n".join([line(), *["{}"] * (MAX_LINES - 1), line(), line()])
    told = answers(await send(register, content))
    assert len(told) == MAX_LINES + 1
    assert (told[-1]["line"], told[-1]["status"], slug(told[-1])) == (MAX_LINES + 1, 413, "too-many-lines")
    assert len(await register.rows(Signal)) == 1


async def test_more_than_eight_megabytes_are_refused_at_once_or_where_they_come(register: Register) -> None:
    refused = await send(register, b"x" * (8 * 1024 * 1024 + 1))
    assert (refused.status_code, refused.json()["detail"]) == (413, "A batch is at most 8 MB.")

    async def pieces() -> AsyncIterator[bytes]:
        yield line().encode() + b"\n"
        for _ in range(9 * 16):
            yield b" " * (64 * 1024 - 1) + b"\n"
        yield line().encode() + b"\n"

    told = answers(await send(register, pieces()))
    assert [(one["line"], one["status"]) for one in told] == [(1, 201), (2, 413)]
    assert len(await register.rows(Signal)) == 1


@pytest.mark.parametrize("kind", ["application/json", "text/plain", None])
async def test_another_content_type_is_refused(register: Register, kind: str | None) -> None:
    headers = await register.headers("jpt-helmond") | ({"Content-Type": kind} if kind else {})
    answer = await register.http.post("/v1/signals/_batch", content=line(), headers=headers)
    assert answer.status_code == 415


async def test_batches_have_a_limit_of_their_own(templates: Templates, engine: str, tmp_path: Path) -> None:
    from tests.support.register import in_process

    with templates.copy(engine) as url:
        async with in_process(url, templates.loaded[engine], tmp_path, limit_batches=2) as register:
            statuses = [(await send(register, line())).status_code for _ in range(3)]
            single = await register.post_signal(signal())
    assert statuses == [200, 200, 429]
    assert single.status_code == 201


async def pieces_of(*chunks: bytes, gone: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if gone:
        raise PartnerGone


async def lines_of(stream: AsyncIterator[bytes]) -> list[Any]:
    return [one for group in [group async for group in groups_of(stream)] for one in group]


async def test_lines_are_the_same_however_the_wire_cuts_them() -> None:
    content = b"one\ntwo\r\n\n" + b"x" * (BODY_LIMIT + 5) + b"\nthree"
    for size in (1, 3, 1000, 70_000, len(content)):
        chunks = [content[start : start + size] for start in range(0, len(content), size)]
        found = await lines_of(pieces_of(*chunks))
        assert [one.strip() if isinstance(one, bytes) else type(one) for one in found] == [
            b"one",
            b"two",
            TooLarge,
            b"three",
        ]


async def test_of_a_line_that_breaks_off_nothing_is_taken() -> None:
    with pytest.raises(PartnerGone):
        await lines_of(pieces_of(b'one\n{"whole": 1}', gone=True))


@pytest.mark.parametrize("extra", [0, 1, 150])
async def test_the_line_too_many_is_told_once(extra: int) -> None:
    content = b"{}\n" * (MAX_LINES + extra)
    found = await lines_of(pieces_of(content[:1000], content[1000:]))
    assert sum(isinstance(one, bytes) for one in found) == MAX_LINES
    assert sum(isinstance(one, TooManyLines) for one in found) == (1 if extra else 0)


async def test_what_a_partner_sent_before_it_went_is_registered(
    templates: Templates, engine: str, tmp_path: Path
) -> None:
    """Over a real connection that is cut in the middle of a line, the client not reading at all."""
    keys = [str(uuid.uuid4()) for _ in range(30)]
    whole = "".join(f"{line(key)}\n" for key in keys).encode()
    with templates.copy(engine) as url, server(url, tmp_path) as running:
        async with calling(running.url, url, templates.loaded[engine]) as register:
            token = await register.token("jpt-helmond")
            host, port = running.url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                f"POST /v1/signals/_batch HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: {NDJSON}\r\nContent-Length: 1000000\r\n\r\n".encode()
            )
            writer.write(whole + line().encode())
            await writer.drain()
            await asyncio.sleep(0.3)
            writer.close()
            for _ in range(100):
                stored = {str(one.key) for one in await register.rows(Submission)}
                if len(stored) == len(keys):
                    break
                await asyncio.sleep(0.05)
            assert stored == set(keys)
            again = answers(await send(register, whole))
            assert {one["status"] for one in again} == {201}
            assert len(await register.rows(Signal)) == len(keys)


async def test_a_partner_that_reads_nothing_until_all_is_sent_is_not_stuck(
    templates: Templates, engine: str, tmp_path: Path
) -> None:
    """A megabyte of answers waits while the body is still coming."""
    content = "".join(f"{line()}\n" for _ in range(MAX_LINES)).encode()
    with templates.copy(engine) as url, server(url, tmp_path) as running:
        async with calling(running.url, url, templates.loaded[engine]) as register:
            told = answers(await send(register, content))
            assert [one["status"] for one in told] == [201] * MAX_LINES
            assert len(await register.rows(Signal)) == MAX_LINES
