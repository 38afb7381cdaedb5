"""Canaries in free texts: of a text that is refused nothing is said and nothing stays, wherever it was sent."""

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.database import Database
from service.screening.kinds import Kind
from tests.conftest import ENGINES
from tests.house.test_canaries import columns_of, output_of
from tests.screening.test_guard import FOUND
from tests.support.bodies import signal
from tests.support.register import Register, Templates, calling, server

CANARY = "qzcanaryxw"
TEXTS = {kind: f"{texts[0]} {CANARY}{number}" for number, (kind, texts) in enumerate(FOUND.items())}
SCHOOL = "school-helmond"


@dataclass
class Left:
    """What was answered, and what a server left behind."""

    answers: list[tuple[str, httpx.Response]]
    output: bytes
    columns: dict[str, bytes]
    files: bytes


async def refused(register: Register) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Every kind of personal data in every way that a note can take."""
    headers = await register.headers(SCHOOL)
    accepted = await register.post_signal(signal(), client=SCHOOL)
    assert accepted.status_code == 201, accepted.text
    corrections = f"{accepted.headers['Location']}/corrections"
    call = register.http.post
    for kind, text in TEXTS.items():
        body = signal(note=text)
        key = {"Idempotency-Key": str(uuid.uuid4())}
        yield f"{kind} post", await call("/v1/signals", json=body, headers=headers | key)
        yield f"{kind} check", await call("/v1/signals/_check", json=body, headers=headers)
        yield f"{kind} correction", await call(corrections, json=body, headers=headers | {"If-Match": '"1"'})
        line = json.dumps({"idempotencyKey": str(uuid.uuid4()), "signal": body})
        told = headers | {"Content-Type": "application/x-ndjson"}
        yield f"{kind} batch", await call("/v1/signals/_batch", content=line, headers=told)
    staff = await register.headers("contact-point-helmond")
    for actor in (f"sanne.{CANARY}", f"111222333.{CANARY}", f"0612345678.{CANARY}"):
        yield "actor", await register.http.get("/v1/referrals", headers=staff | {"Actor": actor})
        await register.http.get("/v1/nowhere", headers=staff | {"Actor": actor})


@pytest.fixture(scope="module", params=ENGINES)
async def left(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Left:
    engine, folder = str(request.param), tmp_path_factory.mktemp("texts")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    files = b""
    with templates.copy(engine) as url, output_of(folder, capture) as output:
        with server(url, folder, log_level="DEBUG") as running:
            async with calling(running.url, url, templates.loaded[engine]) as register:
                answers = [one async for one in refused(register)]
                if engine == "sqlite":  # while the server runs: what was committed stands in the WAL
                    file = Path(url.removeprefix("sqlite+aiosqlite:///"))
                    files = b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
        database = Database(url, pool_size=1)
        columns = await columns_of(database)
        await database.close()
        return Left(answers, output.read_bytes(), columns, files)


def problem_of(name: str, answer: httpx.Response) -> dict[str, Any]:
    if name.endswith("batch"):
        (line,) = [json.loads(one) for one in answer.text.splitlines()]
        return dict(line["problem"])
    return dict(answer.json())


def test_each_was_refused_by_its_kind_and_place(left: Left) -> None:
    assert len(left.answers) == 4 * len(Kind) + 3
    for name, answer in left.answers:
        problem = problem_of(name, answer)
        assert problem["status"] == 400, name
        if name == "actor":
            assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [
                ("header:Actor", "not-opaque")
            ]
            continue
        pointer = "/signal/note" if name.endswith("batch") else "/note"
        assert {one["pointer"] for one in problem["errors"]} == {pointer}
        assert f"note.{name.split()[0]}" in {one["code"] for one in problem["errors"]}


def test_nothing_of_them_is_said_or_kept(left: Left) -> None:
    canary = CANARY.encode()
    for name, answer in left.answers:
        assert canary not in answer.content.lower(), name
        assert canary not in repr(answer.headers.raw).lower().encode(), name
    assert canary not in left.output.lower()
    assert canary not in left.files.lower()
    for column, written in left.columns.items():
        assert canary not in written.lower(), column


def test_that_they_were_refused_is_kept(left: Left) -> None:
    acts = left.columns["audit_entry.act"]
    for operation in (
        "register_signal",
        "register_signals",
        "check_signal",
        "correct_signal",
        "list_referrals",
    ):
        assert f'"{operation}"'.encode() in acts
    assert b'"signal.register"' in acts
