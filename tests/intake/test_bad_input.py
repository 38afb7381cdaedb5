"""What intake refuses: which problem, with which faults, and that nothing of it stays anywhere."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from service import clock
from service.agreements.models import Agreement
from service.events.models import Event
from service.intake.models import Submission
from service.organisations.models import ContactPoint
from service.pseudonyms.models import SealedPerson
from service.referrals.models import Referral
from service.routing.models import RuleSetTurn, SignalDecision
from service.signals.models import Signal, SignalPerson
from service.snapshot import reference_changed
from service.trail import AuditEntry
from tests.conftest import ENGINES
from tests.support.bodies import person, signal, token
from tests.support.register import Register, Templates, in_process

CANARY = "Qz7canaryXw"
AMSTERDAM = "GM0363"
TWO_DAYS_ON = (clock.local_day(clock.now()) + timedelta(days=2)).isoformat()
EMPTIED = (Signal, SignalPerson, SealedPerson, SignalDecision, Referral, Submission, Event)
BODY_LIMIT = 64 * 1024

Faults = Sequence[tuple[str, str]]


async def running(
    request: pytest.FixtureRequest, templates: Templates, folders: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    with templates.copy(request.param) as url:
        folder = folders.mktemp("register")
        async with in_process(url, templates.loaded[request.param], folder) as register:
            yield register


@pytest.fixture(scope="module", params=ENGINES)
async def refusing(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    """One register for every refusal of this file: a refusal leaves nothing behind."""
    async for register in running(request, templates, tmp_path_factory):
        yield register


@pytest.fixture(scope="module", params=ENGINES)
async def accepting(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    """One register for what is refused now and accepted then."""
    async for register in running(request, templates, tmp_path_factory):
        yield register


def lone(**changes: Any) -> dict[str, Any]:
    """A signal whose one person is changed."""
    return signal(persons=[person(**changes)])


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def texts_in(value: Any) -> Iterator[str]:
    """Every string value that was sent (field names aside)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


async def post(register: Register, content: Any, **headers: str) -> httpx.Response:
    """Post raw bytes as JSON, with a new key, unless headers say otherwise."""
    sent = await register.headers("jpt-helmond", idempotency_key=str(uuid.uuid4()))
    sent |= {"Content-Type": "application/json"} | headers
    return await register.http.post(
        "/v1/signals", content=content, headers={name: value for name, value in sent.items() if value}
    )


async def trail_of(register: Register) -> list[AuditEntry]:
    return sorted(await register.rows(AuditEntry), key=lambda entry: entry.id)


async def expect_refusal(
    register: Register,
    answer: httpx.Response,
    status: int,
    slug: str,
    faults: Faults = (),
    *,
    client: str = "jpt-helmond",
) -> None:
    """The whole problem, and one audit entry of the client that tells its slug."""
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:signal-register:problem:{slug}")
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = [(fault["pointer"], fault["code"]) for fault in problem.get("errors", [])]
    assert sorted(told) == sorted(faults)
    entries = [entry for entry in await trail_of(register) if entry.trace_id == problem["traceId"]]
    assert [(str(entry.client_id), entry.act, entry.outcome, entry.times) for entry in entries] == [
        (register.loaded.credentials[client].client_id, "register_signal", slug, 1)
    ]


async def expect_nothing_stored(register: Register) -> None:
    for table in EMPTIED:
        assert await register.rows(table) == [], table.__tablename__


def unknown_codes() -> dict[str, Any]:
    """A body in which every code is unknown."""
    return {
        "primaryType": CANARY,
        "types": [CANARY],
        "observedFrom": "2026-11-01",
        "municipalities": {"incident": CANARY},
        "settings": [CANARY],
        "indicators": [{"code": CANARY, "observation": "OBSERVED"}, {"code": "C02", "observation": CANARY}],
        "urgency": CANARY,
        "flag": CANARY,
        "flagCriteria": [CANARY],
        "source": {"reliability": CANARY, "information": CANARY},
        "handlingCodes": [CANARY],
        "legalBasis": CANARY,
        "consent": CANARY,
        "persons": [
            {
                "pseudonym": token("one"),
                "role": CANARY,
                "ageBand": CANARY,
                "gender": CANARY,
                "municipality": CANARY,
                "victimStatus": CANARY,
            }
        ],
    }


UNKNOWN_CODES = [
    (pointer, "unknown-code")
    for pointer in (
        *("/primaryType", "/types/0", "/municipalities/incident", "/settings/0", "/indicators/0/code"),
        *("/indicators/1/observation", "/urgency", "/flag", "/flagCriteria/0", "/source/reliability"),
        *("/source/information", "/handlingCodes/0", "/legalBasis", "/consent", "/persons/0/role"),
        *("/persons/0/ageBand", "/persons/0/gender", "/persons/0/municipality", "/persons/0/victimStatus"),
    )
]
PSEUDONYM = "/persons/0/pseudonym"
ALSO = "/persons/0/alsoKnownAs"
GOOD = token("one")

FAULTY: dict[str, tuple[dict[str, Any], Faults]] = {
    "every code unknown": (unknown_codes(), UNKNOWN_CODES),
    "a code in lower case": (signal(primaryType="loverboy"), [("/primaryType", "unknown-code")]),
    "a list where a code is": (signal(urgency=["CONCERN"]), [("/urgency", "unknown-code")]),
    "NUL in a code": (signal(urgency="CONCERN\0"), [("/urgency", "unknown-code")]),
    "nothing at all": (
        {},
        [
            ("/primaryType", "required"),
            ("/observedFrom", "required"),
            ("/municipalities", "required"),
            ("/indicators", "required"),
        ],
    ),
    "a person without anything": (
        signal(persons=[{}]),
        [(f"/persons/0/{name}", "required") for name in ("pseudonym", "role", "ageBand", "gender")],
    ),
    "neither indicator nor setting, and a wrong code": (
        signal(indicators=[], settings=[], urgency=CANARY),
        [("/indicators", "required"), ("/urgency", "unknown-code")],
    ),
    "unknown fields": (
        signal(
            score=CANARY,
            municipalities={"incident": "GM0794", "home": CANARY},
            persons=[person() | {"name": CANARY}],
        ),
        [
            ("/score", "unknown-field"),
            ("/municipalities/home", "unknown-field"),
            ("/persons/0/name", "unknown-field"),
        ],
    ),
    "a reference with room for a number": (
        signal(partnerReference="JPT-12345678"),
        [("/partnerReference", "wrong-form")],
    ),
    "a reference without a letter": (
        signal(partnerReference="2026-0417"),
        [("/partnerReference", "wrong-form")],
    ),
    "a reference of two": (signal(partnerReference="J1"), [("/partnerReference", "wrong-form")]),
    "a reference with an end of line": (
        signal(partnerReference="JPT-1\n"),
        [("/partnerReference", "wrong-form")],
    ),
    "a reference of 41": (signal(partnerReference="J" * 41), [("/partnerReference", "too-long")]),
    "a note of 281": (signal(note="a" * 281), [("/note", "too-long")]),
    "a note that is nothing": (signal(note=""), [("/note", "too-short")]),
    "a note with NUL": (signal(note="ze is bang\0"), [("/note", "wrong-form")]),
    "a note with everything": (
        signal(note="Sanne, 111222333, 0612345678, s@x.nl, 5701 AB 12, geb. 3-5-2010, 12-AB-34"),
        [
            ("/note", f"note.{kind}")
            for kind in ("bsn", "email", "phone", "address", "birth-date", "plate", "name")
        ],
    ),
    "a note that is doubtful": (signal(note="met Xandorf gesproken"), [("/note", "note.doubtful")]),
    "a reporter for somebody else": (
        signal(reportedBy="0199aaaa-0000-7000-8000-000000000001"),
        [("/reportedBy", "not-for-this-role")],
    ),
    "field names that hold data": (
        signal(persons=[person(**{"BSN 123456782": 1})]) | {"123456782": 1, "born\0 1-2-2011": 1},
        [("", "unknown-field"), ("", "unknown-field"), ("/persons/0", "unknown-field")],
    ),
    "a date-time without a zone": (
        signal(observedFrom="2026-11-01T10:00:00"),
        [("/observedFrom", "wrong-form")],
    ),
    "a date-time with a zone": (
        signal(observedFrom="2026-11-01T10:00:00Z"),
        [("/observedFrom", "wrong-form")],
    ),
    "a number as a day": (signal(observedFrom=1793491200), [("/observedFrom", "wrong-form")]),
    "a truth as a day": (signal(observedFrom=True), [("/observedFrom", "wrong-form")]),
    "nothing as a day": (signal(observedFrom=None), [("/observedFrom", "wrong-form")]),
    "a day without dashes": (signal(observedFrom="20261101"), [("/observedFrom", "wrong-form")]),
    "a day of a week": (signal(observedFrom="2026-W44-1"), [("/observedFrom", "wrong-form")]),
    "a Dutch day": (signal(observedFrom="01-11-2026"), [("/observedFrom", "wrong-form")]),
    "a day that is none": (signal(observedUntil="2026-02-30"), [("/observedUntil", "wrong-form")]),
    "digits that are not ASCII": (signal(observedFrom="２026-11-01"), [("/observedFrom", "wrong-form")]),
    "an end before the start": (signal(observedUntil="2026-10-31"), [("/observedUntil", "before-the-start")]),
    "days that have not come": (
        signal(observedFrom=TWO_DAYS_ON, observedUntil=TWO_DAYS_ON),
        [("/observedFrom", "in-the-future"), ("/observedUntil", "in-the-future")],
    ),
    "eleven persons": (signal(persons=[person(str(n)) for n in range(11)]), [("/persons", "too-many")]),
    "persons as an object": (signal(persons=person()), [("/persons", "wrong-type")]),
    "a person as a text": (signal(persons=[CANARY]), [("/persons/0", "wrong-type")]),
    "no persons but null": (signal(persons=None), [("/persons", "wrong-type")]),
    "four other tokens": (
        lone(alsoKnownAs=[token(str(n), "n") for n in range(4)]),
        [(ALSO, "too-many")],
    ),
    "UNKNOWN as another token": (lone(alsoKnownAs=["UNKNOWN"]), [(f"{ALSO}/0", "wrong-form")]),
    "UNKNOWN known by another token": (
        lone(pseudonym="UNKNOWN", alsoKnownAs=[token("one", "n")]),
        [("/persons/0", "not-for-unknown")],
    ),
    "the same token twice": (lone(alsoKnownAs=[GOOD]), [("/persons/0", "repeated")]),
    "a person twice in one role": (signal(persons=[person(), person()]), [("/persons", "repeated")]),
    "status of a victim for a suspect": (
        lone(role="SUSPECT", victimStatus="POSSIBLE"),
        [("/persons/0", "not-for-this-role")],
    ),
    "codes given twice": (
        signal(
            types=["LOVERBOY", "LOVERBOY"],
            settings=["SCHOOL", "SCHOOL"],
            indicators=[
                {"code": "C02", "observation": "OBSERVED"},
                {"code": "C02", "observation": "UNKNOWN"},
            ],
            flagCriteria=["CONSENT", "CONSENT"],
            handlingCodes=["H0", "H0"],
        ),
        [
            (pointer, "repeated")
            for pointer in ("/types", "/settings", "/indicators", "/flagCriteria", "/handlingCodes")
        ],
    ),
    "types without the primary": (signal(types=["SHAME_SEXTING"]), [("/types", "without-the-primary")]),
    "no types but an empty list": (signal(types=[]), [("/types", "too-few")]),
    "consensual sexting": (
        signal(primaryType="SEXTING_CONSENSUAL", types=["LOVERBOY", "SEXTING_CONSENSUAL"]),
        [("/primaryType", "not-registrable"), ("/types/1", "not-registrable")],
    ),
    "consent that was refused": (
        signal(legalBasis="CONSENT", consent="REFUSED"),
        [("/consent", "not-given")],
    ),
    "a green flag": (signal(flag="GREEN"), [("/flag", "not-registrable")]),
    "a group and persons": (
        signal(group={"size": 5, "setting": "STREET"}, urgency=CANARY),
        [("/persons", "group-or-persons"), ("/urgency", "unknown-code")],
    ),
    "a group of one": (
        signal(persons=[], group={"size": 1}),
        [("/group/size", "too-small"), ("/group/setting", "required")],
    ),
    "a crowd": (signal(persons=[], group={"size": 51, "setting": "STREET"}), [("/group/size", "too-large")]),
    "a size as a text": (
        signal(persons=[], group={"size": "7", "setting": "STREET"}),
        [("/group/size", "wrong-type")],
    ),
    "a size beyond numbers": (
        signal(persons=[], group={"size": 10**30, "setting": "STREET"}),
        [("/group/size", "wrong-type")],
    ),
}
FAULTY |= {
    f"pseudonym: {name}": (lone(pseudonym=value), [(PSEUDONYM, code)])
    for name, value, code in (
        ("a BSN", "123456782", "wrong-form"),
        ("a number", 123456782, "wrong-type"),
        ("null", None, "wrong-type"),
        ("empty", "", "wrong-form"),
        ("a name", CANARY, "wrong-form"),
        ("another kind", GOOD.replace(".b.", ".x."), "wrong-form"),
        ("epoch 0", GOOD.replace("e1.", "e0."), "wrong-form"),
        ("one character less", GOOD[:-1], "wrong-form"),
        ("one character more", f"{GOOD}A", "wrong-form"),
        ("padding", f"{GOOD}=", "wrong-form"),
        ("a line end", f"{GOOD}\n", "wrong-form"),
        ("NUL", f"{GOOD[:-1]}\0", "wrong-form"),
        ("a last character that is not canonical", f"{GOOD[:-1]}B", "wrong-form"),
        ("much too long", "e1.b." + "A" * 5000, "too-long"),
    )
}


@pytest.mark.parametrize(("body", "faults"), FAULTY.values(), ids=FAULTY.keys())
async def test_every_fault_is_told_with_its_place_and_nothing_else(
    refusing: Register, body: dict[str, Any], faults: Faults
) -> None:
    answer = await refusing.post_signal(body)

    await expect_refusal(refusing, answer, 400, "invalid", faults)
    told = [text for text in texts_in(body) if len(text) > 3 and text != "UNKNOWN" and text in answer.text]
    assert told == []
    for canary in (CANARY, "123456782", "1-2-2011", "BSN", "\\u0000"):
        assert canary not in answer.text
    await expect_nothing_stored(refusing)


SHAPES = {
    "a list": (b"[]", "wrong-type"),
    "a list with a signal": (json.dumps([signal()]).encode(), "wrong-type"),
    "a text": (b'"Qz7canaryXw"', "wrong-type"),
    "a number": (b"123456782", "wrong-type"),
    "a truth": (b"true", "wrong-type"),
    "null": (b"null", "wrong-type"),
    "nothing": (b"", "required"),
    "half an object": (b'{"primaryType": "Qz7canaryXw"', "broken-json"),
    "two objects": (b"{}{}", "broken-json"),
    "a comma too many": (b'{"a": 1,}', "broken-json"),
    "single quotes": (b"{'Qz7canaryXw': 1}", "broken-json"),
    "a comment": (b"{} // Qz7canaryXw", "broken-json"),
    "not a number": (b'{"group": {"size": NaN}}', "broken-json"),
    "infinity": (b'{"group": {"size": Infinity}}', "broken-json"),
    "not UTF-8": (b'{"primaryType": "\xff\xfeQz7canaryXw"}', "broken-json"),
    "UTF-16": ('{"primaryType": "Qz7canaryXw"}'.encode("utf-16"), "broken-json"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "broken-json"),
    "half a surrogate pair": (b'{"primaryType": "\\ud800"}', "broken-json"),
    "lists 5,000 deep": (b"[" * 5000 + b"]" * 5000, "broken-json"),
    "objects 5,000 deep": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "broken-json"),
}


@pytest.mark.parametrize(("content", "code"), SHAPES.values(), ids=SHAPES.keys())
async def test_what_is_no_json_object_is_one_fault_of_the_whole(
    refusing: Register, content: bytes, code: str
) -> None:
    answer = await post(refusing, content)

    await expect_refusal(refusing, answer, 400, "invalid", [("", code)])
    assert CANARY not in answer.text
    assert "123456782" not in answer.text
    await expect_nothing_stored(refusing)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
async def test_another_content_type_is_415(refusing: Register, content_type: str) -> None:
    answer = await post(refusing, json.dumps(signal()).encode(), **{"Content-Type": content_type})

    await expect_refusal(refusing, answer, 415, "unsupported-media-type")
    await expect_nothing_stored(refusing)


async def test_json_may_be_named_in_other_ways(accepting: Register) -> None:
    for content_type in ("application/json; charset=utf-8", "Application/JSON"):
        answer = await post(accepting, json.dumps(signal()).encode(), **{"Content-Type": content_type})
        assert answer.status_code == 201


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
async def test_64_kb_is_accepted_and_one_byte_more_is_413(refusing: Register, chunked: bool) -> None:
    # Not a good signal, so that nothing is stored: what counts is whether its size is the reason.
    padded = json.dumps(signal(urgency=CANARY)).encode().ljust(BODY_LIMIT)
    just = await post(refusing, in_pieces(padded) if chunked else padded)
    over = await post(refusing, in_pieces(padded + b" ") if chunked else padded + b" ")

    await expect_refusal(refusing, just, 400, "invalid", [("/urgency", "unknown-code")])
    await expect_refusal(refusing, over, 413, "too-large")
    await expect_nothing_stored(refusing)


KEYS = {
    "missing": ("", "required"),
    "a BSN": ("123456782", "wrong-form"),
    "a UUID with something behind it": (f"{uuid.uuid4()}x", "wrong-form"),
}


@pytest.mark.parametrize(("key", "code"), KEYS.values(), ids=KEYS.keys())
async def test_a_post_needs_a_uuid_as_its_key_and_hears_so_with_all_else(
    refusing: Register, key: str, code: str
) -> None:
    body = json.dumps(signal(urgency=CANARY)).encode()
    answer = await post(refusing, body, **{"idempotency-key": key})

    faults = [("header:Idempotency-Key", code), ("/urgency", "unknown-code")]
    await expect_refusal(refusing, answer, 400, "invalid", faults)
    assert "123456782" not in answer.text
    await expect_nothing_stored(refusing)


async def test_the_agreement_opens_types_roles_grounds_and_fields(refusing: Register) -> None:
    body = signal(
        primaryType="FORCED_SERVICE",
        types=["FORCED_SERVICE", "LOVERBOY", "FORCED_BEGGING"],
        legalBasis="WPG_16",
        source={"reliability": "A", "information": "1"},
        handlingCodes=["H1"],
        persons=[person(role="FACILITATOR"), person("two", victimStatus="POSSIBLE")],
    )
    answer = await refusing.post_signal(body, client="school-helmond")

    pointers = (
        *("/primaryType", "/types/0", "/types/2", "/legalBasis", "/source", "/handlingCodes"),
        *("/persons/0/role", "/persons/1/victimStatus"),
    )
    faults = [(pointer, "not-agreed") for pointer in pointers]
    await expect_refusal(refusing, answer, 409, "not-agreed", faults, client="school-helmond")
    await expect_nothing_stored(refusing)


async def test_every_field_of_the_body_can_be_kept_closed(register: Register) -> None:
    async with register.database.writing() as session:
        rows = (await session.execute(Agreement.__table__.select())).all()
        for row in rows:
            content = json.loads(json.dumps(row.content))
            for sending in content["sending"].values():
                sending["fields"] = []
            await session.execute(update(Agreement).where(Agreement.id == row.id).values(content=content))
        await reference_changed(session)
    persons = await register.post_signal(
        signal(
            flagCriteria=["CONSENT"],
            source={"reliability": "A", "information": "1"},
            handlingCodes=["H1"],
            persons=[person(alsoKnownAs=[token("one", "n")], victimStatus="POSSIBLE")],
        )
    )
    group = await register.post_signal(
        without(signal(persons=[], group={"size": 3, "setting": "STREET"}), "types", "observedUntil")
    )

    always = ["/settings", "/indicators", "/urgency", "/flag", "/legalBasis", "/consent"]
    named = ["/types", "/flagCriteria", "/observedUntil", "/source", "/handlingCodes"]
    of_person = [f"/persons/0/{name}" for name in ("alsoKnownAs", "municipality", "victimStatus")]
    closed = [(pointer, "not-agreed") for pointer in (*always, *named, *of_person)]
    await expect_refusal(register, persons, 409, "not-agreed", closed)
    await expect_refusal(
        register, group, 409, "not-agreed", [(pointer, "not-agreed") for pointer in (*always, "/group")]
    )
    await expect_nothing_stored(register)


ENDED = date(2025, 12, 31)
MISSING = {
    "no agreement": (Agreement, {"valid_until": ENDED}, "no-agreement"),
    "an agreement of tomorrow": (Agreement, {"valid_from": date(2099, 1, 1)}, "no-agreement"),
    "no rules": (RuleSetTurn, {"version": None}, "no-rules"),
    "no contact point": (ContactPoint, {"valid_until": ENDED}, "no-contact-point"),
}


@pytest.mark.parametrize(("model", "change", "slug"), MISSING.values(), ids=MISSING.keys())
async def test_what_is_missing_is_told_and_the_key_stays_good(
    accepting: Register, model: Any, change: dict[str, Any], slug: str
) -> None:
    body = signal(municipalities={"incident": AMSTERDAM}, persons=[person(municipality=AMSTERDAM)])
    before = await accepting.post_signal(signal())  # reads the reference data that is about to change
    kept = [len(await accepting.rows(table)) for table in EMPTIED]
    key = str(uuid.uuid4())
    async with changed(accepting, model, change):
        refused = await accepting.post_signal(body, key=key)
        left = [len(await accepting.rows(table)) for table in EMPTIED]
    after = await accepting.post_signal(body, key=key)

    await expect_refusal(accepting, refused, 409, slug)
    assert (before.status_code, left) == (201, kept)
    # Nobody serves Amsterdam, so it goes to the contact point of the reporter.
    contact_point = after.json()["referral"]["contactPoint"]["organisation"]
    assert (after.status_code, contact_point) == (201, "Centraal meldpunt Helmond en De Peel")


@asynccontextmanager
async def changed(register: Register, model: Any, change: dict[str, Any]) -> AsyncIterator[None]:
    """The reference data is changed inside the block, as it was after it."""
    table = model.__table__
    async with register.database.writing() as session:
        rows = (await session.execute(select(table))).all()
        await session.execute(update(table).values(change))
        await reference_changed(session)
    try:
        yield
    finally:
        async with register.database.writing() as session:
            for row in rows:
                values = row._asdict()
                same = [column == values[column.name] for column in table.primary_key]
                await session.execute(update(table).where(*same).values(values))
            await reference_changed(session)


async def test_a_refusal_does_not_use_up_its_key(accepting: Register) -> None:
    key = str(uuid.uuid4())
    refused = await accepting.post_signal(signal(urgency=CANARY), key=key)
    accepted = await accepting.post_signal(signal(), key=key)

    assert (refused.status_code, accepted.status_code) == (400, 201)


async def test_a_key_belongs_to_one_body_of_one_client(accepting: Register) -> None:
    key = str(uuid.uuid4())
    before = len(await accepting.rows(Signal))
    first = await accepting.post_signal(signal(), key=key)
    other_body = await accepting.post_signal(signal(legalBasis="VITAL_OR_LEGIT"), key=key)
    other_client = await accepting.post_signal(signal(), key=key, client="lev-helmond")

    await expect_refusal(accepting, other_body, 409, "idempotency-key-reused")
    assert (first.status_code, other_client.status_code) == (201, 201)
    assert len(await accepting.rows(Signal)) == before + 2


async def test_the_key_of_an_erased_signal_is_gone(accepting: Register) -> None:
    key = str(uuid.uuid4())
    await accepting.post_signal(signal(), key=key)
    before = len(await accepting.rows(Signal))
    async with accepting.database.writing() as session:
        await session.execute(update(Submission).where(Submission.key == uuid.UUID(key)).values(answer=None))
    again = await accepting.post_signal(signal(), key=key)

    await expect_refusal(accepting, again, 410, "erased")
    assert len(await accepting.rows(Signal)) == before
