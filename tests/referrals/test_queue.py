"""Working a queue over HTTP: claiming, leases, the fence, wrong states, histories and pages."""

import asyncio
import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from service.access.actions import add_client, add_secret
from service.demo.loading import LOADER, Credential, Loaded
from service.events.models import Event
from service.referrals.models import Referral, ReferralStep
from service.trail import AuditEntry
from tests.support.bodies import person, signal
from tests.support.register import Register

PROBLEM = "urn:signal-register:problem:"
ORGANISATION = "contact-point-helmond"

LOW = {"primaryType": "OTHER", "types": ["OTHER"], "flag": "YELLOW"}
DUE_IN_THREE = {"primaryType": "SHAME_SEXTING", "types": ["SHAME_SEXTING"], "flag": "BLACK"}
DUE_IN_TWO = {"primaryType": "SEXUAL_VIOLENCE", "types": ["SEXUAL_VIOLENCE"]}
ACUTE = {"urgency": "ACUTE"}
IN_DEURNE = {"persons": [person(municipality="GM0762")]}


async def referred(register: Register, *bodies: dict[str, Any]) -> list[uuid.UUID]:
    """The ids of the referrals of new signals, in the order of the bodies."""
    ids = []
    for body in bodies or ({},):
        answer = await register.post_signal(signal(**body))
        assert answer.status_code == 201, answer.text
        signal_id = uuid.UUID(answer.json()["id"])
        ids += [row.id for row in await register.rows(Referral) if row.signal_id == signal_id]
    return ids


async def claimed(register: Register, **wanted: Any) -> list[dict[str, Any]]:
    answer = await register.claim(**wanted)
    assert answer.status_code == 201, answer.text
    return list(answer.json()["items"])


async def accepted(register: Register) -> dict[str, Any]:
    await referred(register)
    (referral,) = await claimed(register)
    return dict((await register.step(referral, "acceptance")).json())


async def second_client(register: Register, *municipalities: str) -> str:
    """Another client of the same contact point, with a territory of its own."""
    name = "contact-point-helmond-2"
    async with register.database.writing() as session:
        client = await add_client(
            session,
            LOADER,
            organisation_id=register.loaded.organisations[ORGANISATION],
            name=name,
            role="coordinator",
            municipalities=municipalities,
        )
        _, secret = await add_secret(session, LOADER, client)
    credential = Credential(str(client.id), secret, "coordinator", ORGANISATION, client.organisation_id)
    register.loaded = Loaded(register.loaded.credentials | {name: credential}, register.loaded.organisations)
    return name


async def change(register: Register, referral_id: Any, **values: Any) -> None:
    table: Any = Referral
    async with register.database.writing() as session:
        await session.execute(update(table).where(table.id == uuid.UUID(str(referral_id))).values(**values))


async def everything(register: Register) -> list[Any]:
    """All that a step may write, to see that nothing moved."""
    return [sorted(map(str, await register.rows(model))) for model in (Referral, ReferralStep, Event)]


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix(PROBLEM)


async def test_the_most_urgent_come_first(register: Register) -> None:
    low, first, second, three, two, acute = await referred(
        register, LOW, {}, {}, DUE_IN_THREE, DUE_IN_TWO, ACUTE
    )
    order = []
    for _ in range(4):
        order += [(item["id"], item["priority"]) for item in await claimed(register, limit=2)]

    assert order == [
        (str(acute), "HIGH"),
        (str(two), "HIGH"),
        (str(three), "HIGH"),
        (str(first), "NORMAL"),
        (str(second), "NORMAL"),
        (str(low), "LOW"),
    ]


async def test_one_claim_gives_all_in_the_same_order(register: Register) -> None:
    low, normal, two, acute = await referred(register, LOW, {}, DUE_IN_TWO, ACUTE)
    items = await claimed(register)
    assert [item["id"] for item in items] == [str(id_) for id_ in (acute, two, normal, low)]
    days = [item["dueOn"] for item in items]
    assert days[0] < days[1] < days[2]


async def test_a_claimed_referral_tells_its_holder_all_that_it_may_see(register: Register) -> None:
    receipt = (await register.post_signal(signal())).json()
    began = datetime.now(UTC)
    answer = (await register.claim(leaseSeconds=60, limit=1)).json()

    (item,) = answer["items"]
    ((stored),) = await register.rows(Referral)
    lease = datetime.fromisoformat(answer["leaseUntil"])
    assert began + timedelta(seconds=58) <= lease <= datetime.now(UTC) + timedelta(seconds=60)
    assert item == {
        "id": str(stored.id),
        "status": "CLAIMED",
        "version": 2,
        "priority": "NORMAL",
        "receivedAt": receipt["receivedAt"],
        "dueOn": receipt["referral"]["dueOn"],
        "leaseUntil": answer["leaseUntil"],
        "children": [],
        "reporter": {
            "organisation": "Jeugd Preventie Team Helmond",
            "type": "JPT",
            "function": "Coördinator jeugd- en jongerenwerk",
            "phone": "0800-000001",
        },
        "signal": signal()
        | {"persons": [{"role": "VICTIM", "ageBand": "A12_15", "gender": "F", "municipality": "GM0794"}]},
        "decision": receipt["decision"],
        "questions": [],
        "escalations": [],
        "history": [
            {"at": item["history"][0]["at"], "move": "claim", "status": "CLAIMED", "actor": "staff.one"}
        ],
    }
    assert str(stored.held_by) == register.loaded.credentials[ORGANISATION].client_id


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({"limit": 2}, [3, 1], id="a limit"),
        pytest.param({"priority": "NORMAL"}, [1, 2], id="a priority"),
        pytest.param({"priority": "LOW"}, [0], id="another priority"),
        pytest.param({"municipality": "GM0762"}, [2], id="a municipality"),
        pytest.param({"municipality": "GM0762", "priority": "HIGH"}, [], id="both, and there is none"),
        pytest.param({"municipality": "GM0344"}, [], id="a municipality outside of the territory"),
    ],
)
async def test_a_claim_takes_no_more_than_it_asks_for(
    register: Register, wanted: dict[str, Any], expected: list[int]
) -> None:
    ids = await referred(register, LOW, {}, IN_DEURNE, ACUTE)
    items = await claimed(register, **wanted)
    assert [item["id"] for item in items] == [str(ids[place]) for place in expected]
    rows = {row.id: row.status for row in await register.rows(Referral)}
    assert sum(status == "CLAIMED" for status in rows.values()) == len(expected)


WRONG_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"limit": 0}, "/limit"),
    ({"limit": 51}, "/limit"),
    ({"leaseSeconds": 29}, "/leaseSeconds"),
    ({"leaseSeconds": 3601}, "/leaseSeconds"),
    ({"priority": "URGENT"}, "/priority"),
    ({"municipality": "GM9999"}, "/municipality"),
    ({"organisation": "x"}, "/organisation"),
]


async def test_a_wrong_claim_says_where(register: Register) -> None:
    await referred(register)
    for wanted, pointer in WRONG_CLAIMS:
        answer = await register.claim(**wanted)
        assert (answer.status_code, slug(answer)) == (400, "invalid"), wanted
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert [row.status for row in await register.rows(Referral)] == ["WAITING"]


async def test_a_territory_narrows_the_queue(register: Register) -> None:
    helmond, deurne = await referred(register, {}, IN_DEURNE)
    narrow = await second_client(register, "GM0762")
    headers = await register.headers(narrow)

    listed = (await register.http.get("/v1/referrals", headers=headers)).json()["items"]
    assert [item["id"] for item in listed] == [str(deurne)]
    assert (await register.http.get(f"/v1/referrals/{helmond}", headers=headers)).status_code == 404
    assert [item["id"] for item in await claimed(register, client=narrow)] == [str(deurne)]


async def test_anothers_referral_is_as_if_it_were_not_there(register: Register) -> None:
    (theirs,) = await referred(register)
    stranger = "contact-point-brabant-zuidoost"  # its territory holds all of theirs
    told = []
    for id_ in (theirs, uuid.uuid4()):
        headers = await register.headers(stranger)
        read = await register.http.get(f"/v1/referrals/{id_}", headers=headers)
        steps = [
            await register.step({"id": id_, "version": 1}, step, body, client=stranger)
            for step, body in (
                ("acceptance", None),
                ("forwarding", {"organisation": str(uuid.uuid4())}),
                ("closure", {"outcome": "ADVICE_ONLY"}),
            )
        ]
        for answer in (read, *steps):
            body = answer.json()
            told.append((answer.status_code, {**body, "traceId": ""}))
    assert told[:4] == told[4:]
    assert {status for status, _ in told} == {404}
    assert await claimed(register, client=stranger) == []
    listed = await register.http.get("/v1/referrals", headers=await register.headers(stranger))
    assert (listed.json(), "Link" in listed.headers) == ({"items": []}, False)


FENCES = {
    "the version before": ('"1"', 412, "stale"),
    "a version to come": ('"3"', 412, "stale"),
    "none": (None, 428, "if-match-required"),
    "without quotes": ("2", 400, "invalid"),
    "weak": ('W/"2"', 400, "invalid"),
    "any": ("*", 400, "invalid"),
    "two": ('"2", "3"', 400, "invalid"),
    "leading zero": ('"02"', 400, "invalid"),
    "empty": ("", 400, "invalid"),
}


async def test_a_step_shows_the_version_that_it_was_decided_on(register: Register) -> None:
    await referred(register)
    (referral,) = await claimed(register)
    before = await everything(register)
    for name, (if_match, status, problem) in FENCES.items():
        for step, body in (("acceptance", None), ("closure", {"outcome": "ADVICE_ONLY"})):
            headers = await register.headers(ORGANISATION)
            headers |= {} if if_match is None else {"If-Match": if_match}
            path = f"/v1/referrals/{referral['id']}/{step}"
            answer = await register.http.post(path, json=body, headers=headers)
            assert (answer.status_code, slug(answer)) == (status, problem), name
    assert await everything(register) == before


async def test_a_late_holder_is_fenced_off_and_another_gets_the_referral(register: Register) -> None:
    await referred(register)
    (referral,) = await claimed(register)
    other = await second_client(register, "GM0794")
    assert await claimed(register, client=other) == []

    await change(register, referral["id"], lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert (await register.step(referral, "acceptance")).status_code == 412
    (again,) = await claimed(register, client=other)
    assert (again["id"], again["version"]) == (referral["id"], 4)
    assert [step["move"] for step in again["history"]] == ["claim", "lapse", "claim"]

    late = await register.step(referral, "acceptance")
    assert (late.status_code, slug(late)) == (412, "stale")
    taken = await register.step(again, "acceptance", client=other)
    assert (taken.status_code, taken.json()["status"]) == (200, "ACCEPTED")


async def test_only_the_holder_takes_a_step_while_its_lease_runs(register: Register) -> None:
    await referred(register)
    (referral,) = await claimed(register)
    other = await second_client(register, "GM0794")
    before = await everything(register)
    answer = await register.step(referral, "acceptance", client=other)
    assert (answer.status_code, slug(answer)) == (409, "not-the-holder")
    assert await everything(register) == before


async def test_of_equal_steps_at_the_same_moment_one_is_taken(register: Register) -> None:
    await referred(register)
    (referral,) = await claimed(register)
    answers = await asyncio.gather(*(register.step(referral, "acceptance") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    assert [step.move for step in await register.rows(ReferralStep)] == ["claim", "accept"]


STEPS: dict[str, tuple[Any, set[str]]] = {
    "acceptance": (None, {"CLAIMED"}),
    "renewal": ({}, {"CLAIMED"}),
    "release": (None, {"CLAIMED"}),
    "assignment": ({"actor": "staff.two"}, {"ACCEPTED"}),
    "return": ({"reason": "OTHER"}, {"CLAIMED", "ACCEPTED"}),
    "forwarding": ("halt-oost-brabant", {"ACCEPTED", "FORWARDED"}),
    "questions": (
        {"kind": "INFORMATION", "text": "Is er nog contact?"},
        {"CLAIMED", "ACCEPTED", "FORWARDED"},
    ),
    "closure": ({"outcome": "ADVICE_ONLY"}, {"ACCEPTED"}),
}
STATES = ("WAITING", "CLAIMED", "ACCEPTED", "FORWARDED", "RETURNED", "CLOSED", "WITHDRAWN", "EXPIRED")


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_from_a_wrong_state_moves_nothing(register: Register, step: str) -> None:
    suspect = {"persons": [person(role="SUSPECT")]}
    (referral_id,) = await referred(register, suspect)
    body, right = STEPS[step]
    if isinstance(body, str):
        body = {"organisation": str(register.loaded.organisations[body])}
    holder = uuid.UUID(register.loaded.credentials[ORGANISATION].client_id)
    referral = {"id": referral_id, "version": 1}
    for state in STATES:
        held = {"held_by": holder, "lease_until": datetime.now(UTC) + timedelta(minutes=5)}
        free = {"held_by": None, "lease_until": None}
        await change(register, referral_id, status=state, **(held if state == "CLAIMED" else free))
        if state in right:
            continue
        before = await everything(register)
        answer = await register.step(referral, step, body)
        assert (answer.status_code, slug(answer)) == (409, "not-possible-now"), state
        assert await everything(register) == before, state

    state = min(right)
    await change(register, referral_id, status=state, **(held if state == "CLAIMED" else free))
    assert (await register.step(referral, step, body)).status_code == 200


async def test_a_lost_answer_to_a_claim_can_be_asked_for_again(register: Register) -> None:
    await referred(register, {}, {}, {})
    key = str(uuid.uuid4())
    first = await register.claim(key=key, limit=2)
    again = await register.claim(key=key, limit=2)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(first.json()["items"]) == 2

    explicit = await register.claim(key=key, limit=2, leaseSeconds=900)
    assert explicit.json() == first.json()
    other = await register.claim(key=key, limit=3)
    assert (other.status_code, slug(other)) == (409, "idempotency-key-reused")
    statuses = sorted(row.status for row in await register.rows(Referral))
    assert statuses == ["CLAIMED", "CLAIMED", "WAITING"]


async def test_equal_claims_at_the_same_moment_are_one_claim(register: Register) -> None:
    await referred(register, {}, {}, {}, {})
    key = str(uuid.uuid4())
    await register.token(ORGANISATION)
    answers = await asyncio.gather(*(register.claim(key=key, limit=1) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum(row.status == "CLAIMED" for row in await register.rows(Referral)) == 1


async def test_a_claim_needs_a_key(register: Register) -> None:
    answer = await register.http.post(
        "/v1/referral-claims", json={}, headers=await register.headers(ORGANISATION)
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "header:Idempotency-Key"


async def test_every_step_leaves_its_history_trail_and_event(register: Register) -> None:
    referral = await accepted(register)
    closed = (await register.step(referral, "closure", {"outcome": "ADVICE_ONLY"})).json()

    assert (closed["status"], closed["outcome"], closed["assignedTo"]) == (
        "CLOSED",
        "ADVICE_ONLY",
        "staff.one",
    )
    assert "leaseUntil" not in closed
    assert [(step["move"], step["status"], step["actor"]) for step in closed["history"]] == [
        ("claim", "CLAIMED", "staff.one"),
        ("accept", "ACCEPTED", "staff.one"),
        ("close", "CLOSED", "staff.one"),
    ]
    (row,) = await register.rows(Referral)
    assert (row.version, row.held_by, row.decided_at <= row.ended_at) == (4, None, True)

    credential = register.loaded.credentials[ORGANISATION]
    entries = [e for e in await register.rows(AuditEntry) if str(e.client_id) == credential.client_id]
    assert [
        (e.act, e.object_type, e.object_id, e.actor, e.role, e.outcome)
        for e in entries
        if e.object_type == "referral"
    ] == [
        (act, "referral", closed["id"], "staff.one", "coordinator", "done")
        for act in ("referral.claim", "referral.accept", "referral.close")
    ]
    events = [e for e in await register.rows(Event) if e.type.startswith("referral.")]
    assert [(e.type, e.subject, e.organisation_id) for e in events] == [
        (f"referral.{name}", f"/v1/referrals/{closed['id']}", register.loaded.organisations[ORGANISATION])
        for name in ("waiting", "claim", "accept", "close")
    ]


async def test_a_referral_is_read_with_its_etag_and_recorded(register: Register) -> None:
    (referral,) = [await accepted(register)]
    headers = await register.headers(ORGANISATION)
    answer = await register.http.get(f"/v1/referrals/{referral['id']}", headers=headers)
    assert (answer.status_code, answer.headers["ETag"], answer.json()) == (200, '"3"', referral)
    reads = [e for e in await register.rows(AuditEntry) if e.act == "referral.read"]
    assert [(e.object_id, e.outcome) for e in reads] == [(referral["id"], "done")]


async def test_the_queue_is_read_page_by_page(register: Register) -> None:
    ids = await referred(register, {}, ACUTE, LOW, {}, {})
    await claimed(register, priority="LOW")
    headers = await register.headers(ORGANISATION)

    async def walked(path: str) -> tuple[list[str], int]:
        """Ids in order, and the number of pages."""
        seen, pages = [], 0
        while path:
            answer = await register.http.get(path, headers=headers)
            assert answer.status_code == 200, answer.text
            assert answer.json().keys() == {"items"}
            seen += [item["id"] for item in answer.json()["items"]]
            pages += 1
            link = answer.headers.get("Link")
            path = link.partition("<")[2].partition(">")[0] if link else ""
            assert link is None or link == f'<{path}>; rel="next"'
        return seen, pages

    told = [str(id_) for id_ in ids]
    assert await walked("/v1/referrals") == (told, 1)
    assert await walked("/v1/referrals?limit=2") == (told, 3)
    assert await walked("/v1/referrals?limit=5") == (told, 1)
    waiting = [*told[:2], *told[3:]]
    assert await walked("/v1/referrals?limit=1&status=WAITING") == (waiting, 4)


ANY_ID = "019aa0d2-0000-7000-8000-000000000000"


def cursor_of(*parts: str) -> str:
    return base64.urlsafe_b64encode("\x1f".join(parts).encode()).decode().rstrip("=")


CURSORS = {
    "not base64": "!!!",
    "one part": cursor_of("2026-11-01T00:00:00+00:00"),
    "no moment": cursor_of("x", ANY_ID),
    "no id": cursor_of("2026-11-01T00:00:00+00:00", "x"),
    "a moment without zone": cursor_of("2026-11-01T00:00:00", ANY_ID),
    "a moment before the first": cursor_of("0001-01-01T00:00:00+23:59", ANY_ID),
    "no ascii": "é",
    "no text": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
}


async def test_a_cursor_of_ones_own_making_is_refused(register: Register) -> None:
    headers = await register.headers(ORGANISATION)
    told = {}
    for name, cursor in CURSORS.items():
        answer = await register.http.get("/v1/referrals", params={"cursor": cursor}, headers=headers)
        told[name] = answer.status_code
    assert told == dict.fromkeys(CURSORS, 400)


@contextmanager
def counted(register: Register) -> Iterator[list[str]]:
    """The statements that run inside the block, on the connections for requests."""
    statements: list[str] = []

    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(register.database.engine.sync_engine, "before_cursor_execute", count)
    yield statements
    event.remove(register.database.engine.sync_engine, "before_cursor_execute", count)


async def test_a_page_takes_the_same_statements_at_any_length(register: Register) -> None:
    await register.token("jpt-helmond")
    await asyncio.gather(*(register.post_signal(signal()) for _ in range(50)))
    headers = await register.headers(ORGANISATION)
    await register.http.get("/v1/referrals?limit=1", headers=headers)  # the token is known from here on
    lengths = []
    for limit in (5, 50):
        with counted(register) as statements:
            answer = await register.http.get(f"/v1/referrals?limit={limit}", headers=headers)
        assert len(answer.json()["items"]) == limit
        lengths.append(len(statements))
    assert 2 <= lengths[0] == lengths[1] <= 6
