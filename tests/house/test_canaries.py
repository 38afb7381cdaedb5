"""Canaries: whatever is sent, in a field, a header, a path or a query, is found nowhere but where it belongs.

A real server at log level DEBUG gets requests that are full of canaries; afterwards its output, its answers and
every column of every table are searched for them.
"""

import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

import service.tables  # noqa: F401  (every table, so that none is left out)
from service.database import Database
from service.paging import encode_cursor
from tests.conftest import ENGINES
from tests.support.bodies import person, signal, token
from tests.support.register import Register, Templates, calling, server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SEALED = "sealed_person"
SAID_BY_THE_SERVER = b"WARNING:  Invalid HTTP request received."  # about a method that HTTP does not know


@dataclass
class Canaries:
    """Makes canaries and keeps what they were made for."""

    made: dict[str, str] = field(default_factory=dict)

    def one(self, place: str, form: str = "Qz{}Xw") -> str:
        canary = form.format(uuid.uuid4().hex[:12])
        self.made[place] = canary
        return canary

    def found_in(self, written: bytes) -> set[str]:
        """The places whose canary was written, in whatever case."""
        lowered = written.lower()
        return {place for place, canary in self.made.items() if canary.lower().encode() in lowered}


async def columns_of(database: Database) -> dict[str, bytes]:
    """Every value of every column, as text and, for bytes, as they are."""
    found: dict[str, bytes] = {}
    async with database.reading() as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in await session.execute(select(*table.columns)):
                for name, value in row._mapping.items():
                    written = value if isinstance(value, bytes) else json.dumps(value, default=str).encode()
                    key = f"{table.name}.{name}"
                    found[key] = found.get(key, b"") + b"\n" + written
    return found


@dataclass
class Heard:
    """All that a server said and kept, after it ended."""

    canaries: Canaries
    answers: dict[str, httpx.Response]
    output: bytes
    columns: dict[str, bytes]
    files: bytes
    tokens: list[str]
    secrets: list[str]


async def refused_requests(
    register: Register, canaries: Canaries
) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Requests that are all refused, a canary in every place where one fits."""
    c = canaries.one
    headers = await register.headers("jpt-helmond", idempotency_key=str(uuid.uuid4()))
    staff = await register.headers("contact-point-helmond")
    call = register.http.request
    everywhere = {
        "primaryType": c("primaryType"),
        "types": [c("types")],
        "observedFrom": c("observedFrom"),
        "observedUntil": c("observedUntil"),
        "municipalities": {"incident": c("incident"), c("field of municipalities"): 1},
        "settings": [c("settings")],
        "indicators": [{"code": c("indicator"), "observation": c("observation")}],
        "urgency": c("urgency"),
        "flag": c("flag"),
        "flagCriteria": [c("flagCriteria")],
        "group": {"size": c("size"), "setting": c("group setting")},
        "source": {"reliability": c("reliability"), "information": c("information")},
        "handlingCodes": [c("handlingCodes")],
        "legalBasis": c("legalBasis"),
        "consent": c("consent"),
        "note": c("note"),
        "partnerReference": c("partnerReference"),
        c("field name"): c("field value"),
        "persons": [
            {
                "pseudonym": c("pseudonym"),
                "alsoKnownAs": [c("alsoKnownAs")],
                "role": c("role"),
                "ageBand": c("ageBand"),
                "gender": c("gender"),
                "municipality": c("residence"),
                "victimStatus": c("victimStatus"),
                c("field of person"): c("value of person"),
            }
        ],
    }
    broken = json.dumps({"a": c("broken JSON")}).encode()[:-1]
    odd = {
        "Accept": f"application/{c('Accept')}",
        "Cookie": f"session={c('Cookie')}",
        "User-Agent": c("User-Agent"),
        "Referer": f"https://example.nl/{c('Referer')}",
        "X-Forwarded-For": c("X-Forwarded-For"),
        "X-Request-Id": c("X-Request-Id"),
        "tracestate": f"a={c('tracestate')}",
        "baggage": f"a={c('baggage')}",
        c("header name"): c("header value"),
    }
    yield "a body", await call("POST", "/v1/signals", json=everywhere, headers=headers)
    yield (
        "broken",
        await call(
            "POST", "/v1/signals", content=broken, headers=headers | {"Content-Type": "application/json"}
        ),
    )
    yield "too large", await call("POST", "/v1/signals", json={"a": c("too large") * 6000}, headers=headers)
    yield (
        "content type",
        await call(
            "POST",
            "/v1/signals",
            content=c("other content"),
            headers=headers | {"Content-Type": f"text/{c('Content-Type')}"},
        ),
    )
    yield (
        "key",
        await call(
            "POST", "/v1/signals", json=signal(), headers=headers | {"idempotency-key": c("Idempotency-Key")}
        ),
    )
    yield "headers", await call("GET", "/v1/code-lists", headers=headers | odd)
    yield "trace", await call("GET", "/v1/nowhere", headers=headers | {"traceparent": c("traceparent")})
    yield "actor", await call("GET", "/v1/code-lists", headers=headers | {"Actor": c("Actor", "Piet {}")})
    yield (
        "fence",
        await call(
            "POST", f"/v1/referrals/{uuid.uuid4()}/acceptance", headers=staff | {"If-Match": c("If-Match")}
        ),
    )
    yield "path", await call("GET", f"/v1/signals/{c('id in a path')}", headers=headers)
    yield "name", await call("GET", f"/v1/code-lists/{c('name in a path')}", headers=headers)
    yield "nowhere", await call("GET", f"/v1/{c('unknown path')}", headers=headers)
    yield "outside", await call("GET", f"/{c('path outside')}?a={c('query outside')}")
    yield (
        "another method",
        await call("DELETE", f"/v1/signals/{c('path of another method')}", headers=headers),
    )
    yield "method", await call(c("method").upper(), "/v1/signals", headers=headers)
    yield (
        "query",
        await call(
            "GET",
            "/v1/referrals",
            params={
                "status": c("status"),
                "limit": c("limit"),
                "cursor": encode_cursor(c("moment of a cursor"), c("id of a cursor")),
                c("query name"): c("query value"),
            },
            headers=staff,
        ),
    )
    yield "bearer", await call("GET", "/v1/code-lists", headers={"Authorization": f"Bearer {c('token')}"})
    yield (
        "basic",
        await call(
            "POST",
            "/oauth/token",
            data={"grant_type": "client_credentials", "scope": c("scope"), c("form name"): c("form value")},
            auth=(c("client id"), c("secret")),
        ),
    )
    yield (
        "form",
        await call(
            "POST",
            "/oauth/token",
            data={
                "grant_type": c("grant type"),
                "client_id": c("client id in form"),
                "client_secret": c("form secret"),
            },
        ),
    )
    credential = register.loaded.credentials["jpt-helmond"]
    yield (
        "scope",
        await call(
            "POST",
            "/oauth/token",
            data={"grant_type": "client_credentials", "scope": c("scope of a client")},
            auth=(credential.client_id, credential.client_secret),
        ),
    )
    yield (
        "claim",
        await call(
            "POST",
            "/v1/referral-claims",
            json={
                "limit": c("claim limit"),
                "municipality": c("claim municipality"),
                "priority": c("claim priority"),
            },
            headers=staff | {"Idempotency-Key": str(uuid.uuid4())},
        ),
    )
    yield (
        "not agreed",
        await call(
            "POST",
            "/v1/signals",
            json=signal(legalBasis="WPG_16", persons=[person(c("refused person"))]),
            headers=headers,
        ),
    )


async def accepted_requests(
    register: Register, canaries: Canaries
) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Requests that are accepted although unknown headers and parts of headers hold canaries."""
    c = canaries.one
    staff = await register.headers("contact-point-helmond")
    odd = {
        "User-Agent": c("User-Agent accepted"),
        "Accept": f"application/json;a={c('Accept accepted')}",
        "Cookie": c("Cookie accepted"),
        c("header name accepted"): c("header value accepted"),
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    headers = await register.headers("jpt-helmond", idempotency_key=str(uuid.uuid4())) | odd
    body = signal(persons=[person("canary", alsoKnownAs=[token("canary", "n")])])
    posted = await register.http.post("/v1/signals", json=body, headers=headers)
    yield "post", posted
    yield "again", await register.http.post("/v1/signals", json=body, headers=headers)
    yield "read", await register.http.get(posted.headers["Location"], headers=headers)
    yield "claim", await register.claim()
    yield "queue", await register.http.get("/v1/referrals", headers=staff | odd)


@pytest.fixture(scope="module", params=ENGINES)
async def heard(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Heard:
    """Plays every request against a server process and keeps all that it leaves behind."""
    engine, folder = str(request.param), tmp_path_factory.mktemp("canaries")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    canaries, answers = Canaries(), {}
    with templates.copy(engine) as url, output_of(folder, capture) as output:
        with server(url, folder, log_level="DEBUG") as running:
            async with calling(running.url, url, templates.loaded[engine]) as register:
                async for name, answer in refused_requests(register, canaries):
                    answers[f"refused: {name}"] = answer
                async for name, answer in accepted_requests(register, canaries):
                    answers[f"accepted: {name}"] = answer
                await break_a_row(register, canaries, answers)
                if engine == "sqlite":  # while the server runs: what was committed stands in the WAL
                    file = Path(url.removeprefix("sqlite+aiosqlite:///"))
                    files = b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
                else:
                    files = b""
                tokens = list(register.tokens.values())
        database = Database(url, pool_size=1)
        columns = await columns_of(database)
        await database.close()
        written = output.read_bytes()
    secrets = [one.client_secret for one in templates.loaded[engine].credentials.values()]
    return Heard(canaries, answers, written, columns, files, tokens, secrets)


async def break_a_row(register: Register, canaries: Canaries, answers: dict[str, httpx.Response]) -> None:
    """An error of ours whose text holds what stands in the row: a canary. Put right again afterwards."""
    location = answers["accepted: post"].headers["Location"]
    table = SQLModel.metadata.tables["signal"]
    this = table.c.id == uuid.UUID(location.rpartition("/")[2])
    async with register.database.writing() as session:
        content = (await session.execute(select(table.c.content).where(this))).scalar_one()
        broken = {"primaryType": canaries.one("row that cannot be read")}
        await session.execute(table.update().where(this).values(content=broken))
    headers = await register.headers("jpt-helmond")
    answers["failed: read"] = await register.http.get(location, headers=headers)
    async with register.database.writing() as session:
        await session.execute(table.update().where(this).values(content=content))


class output_of:  # noqa: N801  (reads like the context manager that it is)
    """What processes started inside the block write to our standard error and output, as a file."""

    def __init__(self, folder: Path, capture: Any) -> None:
        self.file = folder / "output"
        self._capture = capture

    def __enter__(self) -> Path:
        self._capture.suspend_global_capture(in_=False)
        self._kept = os.dup(1), os.dup(2)
        target = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.close(target)
        return self.file

    def __exit__(self, *_: object) -> None:
        for number, kept in zip((1, 2), self._kept, strict=True):
            os.dup2(kept, number)
            os.close(kept)
        self._capture.resume_global_capture()


def lines_of(heard: Heard) -> Iterator[dict[str, Any]]:
    for line in heard.output.splitlines():
        if line.strip() != SAID_BY_THE_SERVER:
            yield json.loads(line)


def test_the_requests_did_what_they_should(heard: Heard) -> None:
    statuses = {name: answer.status_code for name, answer in heard.answers.items()}

    assert {status for name, status in statuses.items() if name.startswith("accepted")} == {200, 201}
    refused = {status for name, status in statuses.items() if name.startswith("refused")}
    assert refused == {400, 401, 404, 405, 406, 409, 413, 415}
    assert statuses["failed: read"] == 500
    assert len(heard.canaries.made) > 60


def test_no_canary_is_in_an_answer(heard: Heard) -> None:
    for name, answer in heard.answers.items():
        said = answer.content + repr(answer.headers.raw).encode()
        assert heard.canaries.found_in(said) == set(), name


def test_no_canary_is_in_the_log_and_the_log_is_there(heard: Heard) -> None:
    lines = list(lines_of(heard))

    assert heard.canaries.found_in(heard.output) == set()
    assert len([line for line in lines if line["event"] == "request"]) >= len(heard.answers)
    assert [line["error"] for line in lines if line["event"] == "failed"] == ["ValidationError"]
    assert TRACE.encode() in heard.output  # the search does find what is written


def test_a_log_line_has_the_allowed_fields_only(heard: Heard) -> None:
    allowed = {
        "request": {"operation", "status", "ms", "client", "trace", "event", "level", "timestamp"},
        "failed": {"error", "places", "trace", "event", "level", "timestamp"},
    }
    for line in lines_of(heard):
        assert set(line) == allowed[line["event"]]


def test_no_canary_is_in_the_database(heard: Heard) -> None:
    found = {column: heard.canaries.found_in(written) for column, written in heard.columns.items()}

    assert {column: places for column, places in found.items() if places} == {}
    assert "audit_entry.actor" in heard.columns
    assert TRACE.encode() in heard.columns["audit_entry.trace_id"]


@pytest.mark.parametrize("kind", ["b", "n"])
def test_the_token_of_a_person_is_in_clear_nowhere(heard: Heard, kind: str) -> None:
    whole = token("canary", kind)
    characters = whole.rpartition(".")[2].encode()
    refused = token(heard.canaries.made["refused person"])

    assert len(characters) == 43
    for column, written in heard.columns.items():
        assert characters not in written, column
    for said in (heard.files, heard.output, *(answer.content for answer in heard.answers.values())):
        assert characters not in said
        assert refused.rpartition(".")[2].encode() not in said
    assert heard.columns[f"{SEALED}.token"]  # sealed, it is there


def test_the_files_of_sqlite_hold_what_was_committed(heard: Heard) -> None:
    # Else the search of the files above would find nothing because there was nothing.
    if heard.files:
        assert heard.answers["accepted: post"].json()["bodyDigest"].encode() in heard.files
        assert heard.canaries.found_in(heard.files) == {"row that cannot be read"}


def test_access_tokens_and_secrets_are_kept_and_said_nowhere(heard: Heard) -> None:
    told = [answer.content for answer in heard.answers.values()]

    assert heard.tokens
    for secret in (*heard.tokens, *heard.secrets):
        for said in (heard.files, heard.output, *told, *heard.columns.values()):
            assert secret.encode() not in said


def test_the_subject_of_a_person_is_only_on_the_sealed_side(heard: Heard) -> None:
    subjects = [row for row in heard.columns[f"{SEALED}.subject"].split(b"\n") if len(row) == 32]

    for subject in subjects:
        forms = (subject, subject.hex().encode())
        for column, written in heard.columns.items():
            if column != f"{SEALED}.subject":
                assert not any(form in written for form in forms), column
        for said in (heard.output, *(answer.content for answer in heard.answers.values())):
            assert not any(form in said for form in forms)


def test_an_actor_and_a_key_stand_in_their_own_columns_only(heard: Heard) -> None:
    holding = {column for column, written in heard.columns.items() if b'"staff.one"' in written}

    assert holding <= {"audit_entry.actor", "referral.held_by", "referral.assigned_to", "referral_step.actor"}
    assert "audit_entry.actor" in holding
