"""Escalation on days of which we know by hand what happens: who is told, who reads along, and who is left alone."""

import asyncio
import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from service.access.actions import add_client, add_secret
from service.agreements.models import Agreement
from service.demo.loading import LOADER, Credential, Loaded
from service.events.models import Event
from service.organisations.models import ContactPoint
from service.referrals import escalation
from service.referrals.escalation import escalate
from service.referrals.models import Referral, ReferralEscalation
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.days import MovingClock
from tests.support.register import Register

Json = dict[str, Any]

LOCAL, REGION, HELP, HALT, ELSEWHERE = (
    "contact-point-helmond",
    "contact-point-brabant-zuidoost",
    "veilig-thuis-zuidoost-brabant",
    "halt-oost-brabant",
    "contact-point-gelderland-midden",
)
OBSERVED = {"observedFrom": "2026-01-05", "observedUntil": "2026-01-06"}
# A term of five working days: received, its last day, when holder and deputy hear, when the region reads along.
DAYS = {
    "a plain week": ("2026-11-02", "2026-11-09", "2026-11-10", "2026-11-11"),
    "Good Friday and Easter": ("2026-03-26", "2026-04-02", "2026-04-03", "2026-04-08"),
    "over Easter Monday": ("2026-03-27", "2026-04-07", "2026-04-08", "2026-04-09"),
    "King's Day": ("2026-04-17", "2026-04-24", "2026-04-25", "2026-04-29"),
    "5 May": ("2026-04-24", "2026-05-04", "2026-05-05", "2026-05-07"),
    "Ascension Day": ("2026-05-06", "2026-05-13", "2026-05-14", "2026-05-18"),
    "Whit Monday": ("2026-05-14", "2026-05-21", "2026-05-22", "2026-05-26"),
    "Christmas": ("2026-12-17", "2026-12-24", "2026-12-25", "2026-12-29"),
    "New Year": ("2026-12-23", "2026-12-31", "2027-01-01", "2027-01-05"),
}
RECEIVED, DUE, HEARD, CLIMBED = DAYS["a plain week"]
STEPS: dict[str, Json | None] = {
    "acceptance": None,
    "release": None,
    "renewal": {"leaseSeconds": 60},
    "assignment": {"actor": "staff.two"},
    "return": {"reason": "OTHER"},
    "forwarding": {"organisation": str(uuid.uuid4())},
    "questions": {"kind": "INFORMATION", "text": "Is er al contact geweest?"},
    "closure": {"outcome": "ADVICE_ONLY"},
}


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    clock = MovingClock(monkeypatch)
    clock.to(RECEIVED)
    return clock


async def received(register: Register, **changes: Any) -> str:
    """A signal comes in; the id of its referral."""
    answer = await register.post_signal(signal(**OBSERVED, **changes))
    assert answer.status_code == 201, answer.text
    signal_id = uuid.UUID(answer.json()["id"])
    (referral,) = [row for row in await register.rows(Referral) if row.signal_id == signal_id]
    return str(referral.id)


async def claimed(register: Register, client: str = LOCAL) -> Json:
    (item,) = (await register.claim(client=client)).json()["items"]
    return dict(item)


async def step(register: Register, referral: Json, name: str, body: Any = None, client: str = LOCAL) -> Json:
    answer = await register.step(referral, name, body, client=client)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def get(register: Register, path: str, client: str) -> Any:
    return await register.http.get(path, headers=await register.headers(client))


async def rungs(register: Register, referral_id: str) -> list[tuple[int, str, str]]:
    """The rungs that a referral has climbed, each with its term."""
    rows = await register.rows(ReferralEscalation)
    its = sorted((one for one in rows if str(one.referral_id) == referral_id), key=lambda one: one.at)
    return sorted((one.rung, one.reader, one.due_on.isoformat()) for one in its)


async def told(register: Register) -> Counter[tuple[str, str, str, str]]:
    """The events of escalation: type, for whom, by which role, and about what."""
    names = {id_: name for name, id_ in register.loaded.organisations.items()}
    events = [
        one for one in await register.rows(Event) if one.type in ("referral.overdue", "referral.escalated")
    ]
    return Counter((one.type, names[one.organisation_id], one.audience, one.subject) for one in events)


async def test_the_first_days_around_holidays_are_those_of_the_calendar(
    register: Register, time: MovingClock
) -> None:
    looks: list[tuple[str, str, str, int]] = []
    for name, (came, _, heard, climbed) in DAYS.items():
        eves = [(date.fromisoformat(day) - timedelta(1)).isoformat() for day in (heard, climbed)]
        looks += [(came, "10:00", name, -1), (eves[0], "23:59", name, 0), (heard, "00:01", name, 2)]
        looks += [(eves[1], "23:59", name, 2), (climbed, "00:01", name, 3)]
    ids: dict[str, str] = {}
    for day, at, name, expected in sorted(looks):
        time.to(day, at)
        if expected < 0:
            ids[name] = await received(register)
            continue
        await escalate(register.database)
        due = DAYS[name][1]
        ladder = [(0, "HOLDER", due), (1, "DEPUTY", due), (2, "REGIONAL", due)]
        assert await rungs(register, ids[name]) == ladder[:expected], f"{name}, {day} {at}"


async def test_each_rung_is_told_once_however_often_the_job_runs(
    register: Register, time: MovingClock
) -> None:
    path = f"/v1/referrals/{await received(register)}"
    for day in (HEARD, HEARD, CLIMBED, CLIMBED, "2026-12-01", "2026-12-31"):
        time.to(day)
        await escalate(register.database)
    assert await told(register) == {
        ("referral.overdue", LOCAL, "coordinator", path): 1,
        (
            "referral.escalated",
            LOCAL,
            "coordinator",
            path,
        ): 2,  # to its deputy; and that the region reads along
        ("referral.escalated", REGION, "coordinator", path): 1,
    }
    entries = [one for one in await register.rows(AuditEntry) if one.act == "referral.escalate"]
    assert {(one.object_type, one.object_id, one.outcome) for one in entries} == {
        ("referral", path.rpartition("/")[2], "done")
    }
    assert len(entries) == 3


async def test_the_regional_contact_point_reads_along_and_nobody_else(
    register: Register, time: MovingClock
) -> None:
    referral_id = await received(register)
    path, listing = f"/v1/referrals/{referral_id}", "/v1/referrals?escalated=true"
    time.to(HEARD)
    await escalate(register.database)
    for name in (REGION, ELSEWHERE, HELP, HALT):
        assert (await get(register, path, name)).status_code == 404, name
        assert (await get(register, listing, name)).json() == {"items": []}, name

    at = time.to(CLIMBED, "08:00")
    await escalate(register.database)
    read = await get(register, path, REGION)
    assert read.status_code == 200
    assert read.headers["ETag"] == '"1"'
    body = read.json()
    assert body == (await get(register, path, LOCAL)).json()
    assert (body["status"], body["dueOn"], body["version"]) == ("WAITING", DUE, 1)
    assert body["escalations"] == [
        {"at": f"{HEARD}T09:00:00Z", "dueOn": DUE, "reader": "HOLDER"},
        {"at": f"{HEARD}T09:00:00Z", "dueOn": DUE, "reader": "DEPUTY"},
        {"at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "dueOn": DUE, "reader": "REGIONAL"},
    ]
    assert (await get(register, listing, REGION)).json() == {"items": [body]}
    assert (await get(register, "/v1/referrals", REGION)).json() == {"items": []}, "its own queue is another"
    figures = (await get(register, "/v1/workload", REGION)).json()
    assert (figures.pop("readingAlong"), set(figures.values())) == (1, {0})
    for name in (ELSEWHERE, HELP, HALT):
        assert (await get(register, path, name)).status_code == 404, name
        assert (await get(register, listing, name)).json() == {"items": []}, name
    assert (await get(register, path, "jpt-helmond")).status_code == 403
    by_region = [
        one.act
        for one in await register.rows(AuditEntry)
        if one.organisation_id == register.loaded.organisations[REGION] and one.object_id == referral_id
    ]
    assert by_region.count("referral.read") == 2


async def test_who_reads_along_moves_nothing(register: Register, time: MovingClock) -> None:
    await received(register)
    time.to(CLIMBED)
    await escalate(register.database)
    assert (await register.claim(client=REGION)).json()["items"] == []
    held = await claimed(register)
    for name, body in STEPS.items():
        answer = await register.step(held, name, body, client=REGION)
        assert answer.status_code == 404, name
    (row,) = await register.rows(Referral)
    assert (row.status, row.version) == ("CLAIMED", held["version"])


async def test_a_client_of_the_region_reads_along_only_in_its_territory(
    register: Register, time: MovingClock
) -> None:
    await received(register)
    time.to(CLIMBED)
    await escalate(register.database)
    organisation = register.loaded.organisations[REGION]
    async with register.database.writing() as session:
        client = await add_client(
            session,
            LOADER,
            organisation_id=organisation,
            name="other",
            role="coordinator",
            municipalities=["GM0772"],
        )
        _, secret = await add_secret(session, LOADER, client)
    other = Credential(str(client.id), secret, "coordinator", REGION, organisation)
    register.loaded = Loaded(register.loaded.credentials | {"other": other}, register.loaded.organisations)
    assert (await get(register, "/v1/referrals?escalated=true", "other")).json() == {"items": []}
    assert (await get(register, "/v1/workload", "other")).json()["readingAlong"] == 0


async def test_a_new_term_has_a_ladder_of_its_own(register: Register, time: MovingClock) -> None:
    referral_id = await received(register)
    time.to(CLIMBED)
    await escalate(register.database)
    accepted = await step(register, await claimed(register), "acceptance")
    assert accepted["dueOn"] == "2026-12-23"
    assert len(accepted["escalations"]) == 3
    path = f"/v1/referrals/{referral_id}"
    assert (await get(register, path, REGION)).status_code == 404, "its new term has not passed"
    assert (await get(register, "/v1/referrals?escalated=true", REGION)).json() == {"items": []}

    first = [(0, "HOLDER", DUE), (1, "DEPUTY", DUE), (2, "REGIONAL", DUE)]
    time.to("2026-12-23", "23:59")
    await escalate(register.database)
    assert await rungs(register, referral_id) == first
    time.to("2026-12-27", "23:59")  # one working day after it, and Christmas
    await escalate(register.database)
    assert len(await rungs(register, referral_id)) == 5
    time.to("2026-12-28")
    await escalate(register.database)
    again = [(rung, reader, "2026-12-23") for rung, reader, _ in first]
    assert await rungs(register, referral_id) == sorted(first + again)
    assert (await get(register, path, REGION)).status_code == 200


@pytest.mark.parametrize("end", ["closed", "returned", "withdrawn"])
async def test_what_has_ended_never_climbs(register: Register, time: MovingClock, end: str) -> None:
    referral_id = await received(register)
    held = await claimed(register)
    if end == "closed":
        await step(register, await step(register, held, "acceptance"), "closure", {"outcome": "ADVICE_ONLY"})
    elif end == "returned":
        await step(register, held, "return", {"reason": "NOT_COMPETENT"})
    else:
        (row,) = await register.rows(Referral)
        headers = await register.headers("jpt-helmond", if_match='"1"')
        path = f"/v1/signals/{row.signal_id}/withdrawal"
        answer = await register.http.post(path, json={"reason": "UNJUSTIFIED"}, headers=headers)
        assert answer.status_code == 200
    time.to("2027-06-01")
    await escalate(register.database)
    assert await rungs(register, referral_id) == []


async def test_whoever_read_along_does_not_any_more_when_it_has_ended(
    register: Register, time: MovingClock
) -> None:
    referral_id = await received(register)
    time.to(CLIMBED)
    await escalate(register.database)
    await step(register, await claimed(register), "return", {"reason": "NO_CAPACITY"})
    assert (await get(register, f"/v1/referrals/{referral_id}", REGION)).status_code == 404
    await escalate(register.database)
    (successor,) = [row for row in await register.rows(Referral) if row.returned_from_id]
    assert [rung for rung, *_ in await rungs(register, str(successor.id))] == [0, 1, 2], "its term ran on"
    path = f"/v1/referrals/{successor.id}"
    mine = {key: times for key, times in (await told(register)).items() if key[3] == path}
    assert mine == {
        ("referral.overdue", REGION, "coordinator", path): 1,
        ("referral.escalated", REGION, "coordinator", path): 2,
    }


async def test_a_child_tells_its_holder_and_who_forwarded_it_and_climbs_no_ladder(
    register: Register, time: MovingClock
) -> None:
    parent_id = await received(register)
    accepted = await step(register, await claimed(register), "acceptance")
    organisation = {"organisation": str(register.loaded.organisations[HELP])}
    forwarded = await step(register, accepted, "forwarding", organisation)
    ((child_id, child_due),) = [(child["id"], child["dueOn"]) for child in forwarded["children"]]
    assert child_due == DUE
    for day in (HEARD, CLIMBED, "2026-12-01"):
        time.to(day)
        await escalate(register.database)
    assert await rungs(register, child_id) == [(0, "HOLDER", DUE)]
    assert await rungs(register, parent_id) == []
    assert await told(register) == {
        ("referral.overdue", HELP, "recipient", f"/v1/referrals/{child_id}"): 1,
        ("referral.overdue", LOCAL, "coordinator", f"/v1/referrals/{parent_id}"): 1,
    }
    for id_ in (child_id, parent_id):
        assert (await get(register, f"/v1/referrals/{id_}", REGION)).status_code == 404
    assert (await get(register, "/v1/referrals?escalated=true", HELP)).json() == {"items": []}
    read = (await get(register, f"/v1/referrals/{child_id}", HELP)).json()
    assert [one["reader"] for one in read["escalations"]] == ["HOLDER"]


async def test_what_is_in_nobodys_queue_stands_on_the_list_of_the_administration(
    register: Register, time: MovingClock
) -> None:
    await received(register)
    await step(register, await claimed(register), "return", {"reason": "NO_CAPACITY"})
    await step(register, await claimed(register, REGION), "return", {"reason": "INVOLVED"}, REGION)
    time.to("2026-12-01")
    await escalate(register.database)
    assert await register.rows(ReferralEscalation) == []
    (listed,) = (await get(register, "/v1/returned-referrals", "administrator")).json()["items"]
    assert listed["dueOn"] == DUE


@pytest.mark.parametrize(
    "ladder", [[], [("REGIONAL", 0), ("DEPUTY", 1)]], ids=["none", "the other way round"]
)
async def test_the_ladder_is_that_of_the_agreement(
    register: Register, time: MovingClock, ladder: list[tuple[str, int]]
) -> None:
    table: Any = Agreement.__table__
    content_of = {row.id: row.content for row in await register.rows(Agreement)}
    async with register.database.writing() as session:
        for id_, content in content_of.items():
            steps = [{"to": to, "afterWorkingDays": days} for to, days in ladder]
            await session.execute(
                update(table).where(table.c.id == id_).values(content={**content, "escalation": steps})
            )
    referral_id = await received(register)
    time.to(HEARD)
    await escalate(register.database)
    climbed = [(0, "HOLDER", DUE), (1, "REGIONAL", DUE), (2, "DEPUTY", DUE)]
    assert await rungs(register, referral_id) == climbed[: 1 + len(ladder)]
    assert (await get(register, f"/v1/referrals/{referral_id}", REGION)).status_code == (
        200 if ladder else 404
    )
    for name in (LOCAL, REGION):  # that its term has passed makes nobody read along by itself
        listed = (await get(register, "/v1/referrals?escalated=true", name)).json()["items"]
        assert len(listed) == (1 if ladder else 0), name


async def test_where_no_region_covers_it_the_holder_hears_it_and_nobody_reads_along(
    register: Register, time: MovingClock
) -> None:
    table: Any = ContactPoint.__table__
    region = register.loaded.organisations[REGION]
    async with register.database.writing() as session:
        its = table.c.organisation_id == region
        await session.execute(update(table).where(its).values(ended_at=datetime.now(UTC)))
    referral_id = await received(register)
    time.to(CLIMBED)
    await escalate(register.database)
    assert len(await rungs(register, referral_id)) == 3
    assert {key[1]: times for key, times in (await told(register)).items()} == {LOCAL: 2}
    assert (await get(register, f"/v1/referrals/{referral_id}", REGION)).status_code == 404


async def test_jobs_at_once_climb_once(
    register: Register, time: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several times, for what they have to get wrong is short: to look before and to write after each other."""
    monkeypatch.setattr(escalation, "AT_A_TIME", 1)
    ids = [await received(register) for _ in range(8)]
    time.to(CLIMBED)
    for _ in range(5 if not register.database.is_sqlite else 1):
        await asyncio.gather(*(escalate(register.database) for _ in range(6)))
        await escalate(register.database)  # what another had locked is for the next run
        for id_ in ids:
            assert [rung for rung, *_ in await rungs(register, id_)] == [0, 1, 2]
        assert sum((await told(register)).values()) == len(ids) * 4
        async with register.database.writing() as session:
            for model in (ReferralEscalation, Event):
                table: Any = model.__table__
                await session.execute(delete(table))


async def test_more_than_fit_into_one_transaction_all_climb(
    register: Register, time: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalation, "AT_A_TIME", 2)
    for _ in range(5):
        await received(register)
    time.to(CLIMBED)
    await escalate(register.database)
    rows = await register.rows(ReferralEscalation)
    assert Counter(row.rung for row in rows) == {0: 5, 1: 5, 2: 5}
