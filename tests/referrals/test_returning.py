"""Returning: to the covering contact point, then to nobody's queue, and from there where the administration says."""

import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from service import clock
from service.access.actions import add_client, add_secret
from service.access.models import Client
from service.demo.loading import LOADER, Credential
from service.events.models import Event
from service.organisations.actions import add_contact_point
from service.organisations.models import ContactPoint, ContactPointContent, Organisation
from service.referrals.models import Feedback, Referral
from service.trail import AuditEntry
from tests.intake.test_changes import change as change_signal
from tests.referrals.test_queue import claimed, everything, slug
from tests.support.bodies import CONTACT_POINT as POINT
from tests.support.bodies import person, signal
from tests.support.register import Register

Json = dict[str, Any]
HELMOND, REGION = "contact-point-helmond", "contact-point-brabant-zuidoost"
HALT, VEILIG_THUIS, CARE = "halt-oost-brabant", "veilig-thuis-zuidoost-brabant", "care-coordination-helmond"
IN_EINDHOVEN = {"municipalities": {"incident": "GM0772"}, "persons": [person(municipality="GM0772")]}
INVOLVED = {"reason": "INVOLVED"}


async def posted(register: Register, **changes: Any) -> str:
    answer = await register.post_signal(signal(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def taken(register: Register, client: str, *, accept: bool = False) -> Json:
    """What waits in a queue, claimed or accepted."""
    (one,) = await claimed(register, client=client)
    if accept:
        one = (await register.step(one, "acceptance", client=client)).json()
    return dict(one)


async def returned(register: Register, client: str = HELMOND, *, accept: bool = False) -> Json:
    """What waits in a queue, after its contact point has returned it."""
    one = await taken(register, client, accept=accept)
    answer = await register.step(one, "return", INVOLVED, client=client)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def heard(register: Register, signal_id: str) -> list[tuple[str, str | None]]:
    """What the reporter hears: codes, and to which kind of organisation it went."""
    path, headers = f"/v1/signals/{signal_id}/feedback", await register.headers("jpt-helmond")
    items = (await register.http.get(path, headers=headers)).json()["items"]
    return [(item["code"], item.get("organisationType")) for item in items]


async def in_nobodys_queue(register: Register) -> list[Json]:
    headers = await register.headers("administrator")
    answer = await register.http.get("/v1/returned-referrals", headers=headers)
    assert answer.status_code == 200
    return list(answer.json()["items"])


async def place(
    register: Register, one: Json, point: Any, *, client: str = "administrator", tag: str | None = ""
) -> httpx.Response:
    headers = await register.headers(client)
    if tag is not None:
        headers |= {"If-Match": tag or f'"{one["version"]}"'}
    path = f"/v1/returned-referrals/{one['id']}/placement"
    return await register.http.post(path, json={"contactPoint": str(point)}, headers=headers)


async def point_of(register: Register, organisation: str) -> uuid.UUID:
    rows = await register.rows(ContactPoint)
    return next(row.id for row in rows if row.organisation_id == register.loaded.organisations[organisation])


async def another_point(
    register: Register, *, municipality: str = "GM0794", worked: bool = True, role: str = "coordinator"
) -> uuid.UUID:
    """The care coordination as a further contact point of a place, with a client for its queue or without."""
    organisation_id = register.loaded.organisations[CARE]
    content = ContactPointContent.model_validate(POINT | {"municipalities": [municipality]})
    async with register.database.writing() as session:
        organisation = await session.get_one(Organisation, organisation_id)
        point = await add_contact_point(session, LOADER, organisation=organisation, content=content)
        table: Any = Client
        if not worked:
            ended = update(table).where(table.organisation_id == organisation_id).values(ended_at=clock.now())
            await session.execute(ended)
            return point.id
        client = await add_client(
            session, LOADER, organisation_id=organisation_id, name="care-point", role=role
        )
        _, secret = await add_secret(session, LOADER, client)
    known = Credential(str(client.id), secret, role, CARE, organisation_id)
    register.loaded.credentials["care-point"] = known
    register.tokens.pop("care-point None", None)
    return point.id


@pytest.mark.parametrize("accept", [False, True], ids=["claimed", "accepted"])
async def test_what_a_contact_point_returns_goes_to_the_region_as_it_came(
    register: Register, accept: bool
) -> None:
    signal_id = await posted(register, urgency="ACUTE", partnerReference="JPT-1")
    (first,) = await register.rows(Referral)
    one = await taken(register, HELMOND, accept=accept)
    answer = await register.step(one, "return", INVOLVED)

    assert (answer.status_code, answer.headers["ETag"]) == (200, f'"{one["version"] + 1}"')
    gone = answer.json()
    last = gone["history"][-1]
    assert (gone["status"], last["move"], last["detail"]) == ("RETURNED", "return", "INVOLVED")
    assert "leaseUntil" not in gone

    (there,) = await claimed(register, client=REGION)
    same = ("priority", "receivedAt", "signal", "decision", "reporter", "partnerReference")
    assert {name: there[name] for name in same} == {name: one[name] for name in same}
    assert (there["dueOn"], there["returnedFrom"]) == (str(first.due_on), one["id"])
    assert (there["priority"], there["id"] != one["id"]) == ("HIGH", True)
    assert await claimed(register) == []

    taken_up = [("F02_TAKEN_UP", None)] if accept else []
    assert await heard(register, signal_id) == [("F01_RECEIVED", None), *taken_up, ("F04_REFERRED", "ZVH")]
    within = [row.within_term for row in sorted(await register.rows(Feedback), key=lambda row: row.id)]
    assert within == [True, None][: len(within)]


async def test_a_return_leaves_its_trail_and_both_queues_hear_of_it(register: Register) -> None:
    await posted(register)
    acute = await posted(register, urgency="ACUTE")
    for one in await claimed(register):
        assert (await register.step(one, "return", {"reason": "NO_CAPACITY"})).status_code == 200
    rows = {row.id: row for row in await register.rows(Referral)}
    events = await register.rows(Event)
    for row in rows.values():
        told = [one.type for one in events if one.subject == f"/v1/referrals/{row.id}"]
        waiting = "referral.waiting-acute" if str(row.signal_id) == acute else "referral.waiting"
        new = row.returned_from_id is not None
        assert told == ([waiting] if new else [waiting, "referral.claim", "referral.return"])
        where = {one.organisation_id for one in events if one.subject == f"/v1/referrals/{row.id}"}
        assert where == {register.loaded.organisations[REGION if new else HELMOND]}
    entries = [row for row in await register.rows(AuditEntry) if row.act == "referral.return"]
    assert {(row.actor, row.outcome) for row in entries} == {("staff.one", "done")}
    assert len(entries) == 2
    assert all(row.decided_at and row.ended_at for row in rows.values() if row.status == "RETURNED")


async def test_a_return_needs_a_reason_of_ours(register: Register) -> None:
    await posted(register)
    one = await taken(register, HELMOND)
    before = await everything(register)
    for body in ({}, {"reason": "TIRED"}, {"reason": "OTHER", "why": "Sanne"}):
        answer = await register.step(one, "return", body)
        assert (answer.status_code, slug(answer)) == (400, "invalid")
        assert "Sanne" not in answer.text
    assert await everything(register) == before


async def test_what_is_returned_twice_is_in_nobodys_queue_and_listed_without_content(
    register: Register,
) -> None:
    signal_id = await posted(register, partnerReference="JPT-1")
    first, second = await returned(register), await returned(register, REGION)

    (listed,) = await in_nobodys_queue(register)
    (row,) = [row for row in await register.rows(Referral) if row.status == "WAITING"]
    assert row.organisation_id is None
    moments = [one.pop("at") for one in listed["returns"]]
    assert moments == [first["history"][-1]["at"], second["history"][-1]["at"]]
    assert listed == {
        "id": str(row.id),
        "version": 1,
        "municipality": "GM0794",
        "priority": "NORMAL",
        "receivedAt": first["receivedAt"],
        "dueOn": first["dueOn"],
        "returns": [
            {"organisation": "Centraal meldpunt Helmond en De Peel", "reason": "INVOLVED"},
            {"organisation": "Zorg- en Veiligheidshuis Brabant-Zuidoost", "reason": "INVOLVED"},
        ],
    }
    for client in (HELMOND, REGION, VEILIG_THUIS):
        assert await claimed(register, client=client) == []
        path, headers = f"/v1/referrals/{row.id}", await register.headers(client)
        assert (await register.http.get(path, headers=headers)).status_code == 404
    assert await heard(register, signal_id) == [("F01_RECEIVED", None), ("F04_REFERRED", "ZVH")]
    acts = [row.act for row in await register.rows(AuditEntry)]
    assert acts.count("returned-referral.search") == 1


async def test_what_nobody_else_covers_is_in_nobodys_queue_at_its_first_return(register: Register) -> None:
    await posted(register, **IN_EINDHOVEN)
    await returned(register, REGION)
    (listed,) = await in_nobodys_queue(register)
    assert [one["reason"] for one in listed["returns"]] == ["INVOLVED"]


async def test_where_nobody_works_at_the_region_it_is_in_nobodys_queue_at_its_first_return(
    register: Register,
) -> None:
    path = f"/v1/clients/{register.loaded.credentials[REGION].client_id}/termination"
    ended = await register.http.post(path, headers=await register.headers("administrator"))
    assert ended.status_code == 200, ended.text
    await posted(register)
    await returned(register)
    assert len(await in_nobodys_queue(register)) == 1


async def test_the_administration_places_it_and_its_reporter_hears(register: Register) -> None:
    signal_id = await posted(register)
    await returned(register)
    await returned(register, REGION)
    point = await another_point(register)
    (one,) = await in_nobodys_queue(register)
    answer = await place(register, one, point)
    assert (answer.status_code, answer.content) == (204, b"")

    assert await in_nobodys_queue(register) == []
    (there,) = await claimed(register, client="care-point")
    assert (there["id"], there["version"], there["dueOn"]) == (one["id"], 3, one["dueOn"])
    assert [(step["move"], step["status"]) for step in there["history"]] == [
        ("place", "WAITING"),
        ("claim", "CLAIMED"),
    ]
    assert (await heard(register, signal_id))[-1] == ("F04_REFERRED", "ZORGCOORDINATOR")
    (entry,) = [row for row in await register.rows(AuditEntry) if row.act == "referral.place"]
    assert (entry.role, entry.object_id, entry.outcome) == ("administrator", one["id"], "done")
    (told,) = [row for row in await register.rows(Event) if row.type == "referral.place"]
    assert told.organisation_id == register.loaded.organisations[CARE]
    assert (await place(register, one, point)).status_code == 404  # it is in a queue now

    again = await register.step(there, "return", INVOLVED, client="care-point")
    assert again.status_code == 200
    (listed,) = await in_nobodys_queue(register)
    assert len(listed["returns"]) == 3
    assert (await place(register, listed, point)).status_code == 409


async def test_it_is_placed_nowhere_else(register: Register) -> None:
    await posted(register)
    await returned(register)
    await returned(register, REGION)
    (one,) = await in_nobodys_queue(register)
    before = await everything(register)
    points = {
        "one that returned it": await point_of(register, HELMOND),
        "the region that returned it": await point_of(register, REGION),
        "one of another agreement": await point_of(register, "contact-point-ede"),
        "none that we know": uuid.uuid4(),
    }
    for name, point in points.items():
        answer = await place(register, one, point)
        assert (answer.status_code, slug(answer)) == (409, "no-such-contact-point"), name
    assert await everything(register) == before


async def test_it_is_not_placed_where_nobody_could_pull_it(register: Register) -> None:
    await posted(register, **IN_EINDHOVEN)
    await returned(register, REGION)
    (one,) = await in_nobodys_queue(register)
    before = await everything(register)
    for point in (
        await point_of(register, HELMOND),
        await another_point(register, worked=False),
        await another_point(register, municipality="GM0772", role="recipient"),  # which sees no whole signal
    ):
        answer = await place(register, one, point)
        assert (answer.status_code, slug(answer)) == (409, "nobody-there")
    assert await everything(register) == before


async def test_a_placement_shows_the_version_that_it_was_decided_on(register: Register) -> None:
    await posted(register)
    await returned(register)
    await returned(register, REGION)
    point = await another_point(register)
    (one,) = await in_nobodys_queue(register)
    for tag, status in (('"2"', 412), (None, 428), ("*", 400)):
        assert (await place(register, one, point, tag=tag)).status_code == status
    for client in (HELMOND, REGION, "jpt-helmond", "auditor", "analyst"):
        assert (await place(register, one, point, client=client)).status_code == 403
        headers = await register.headers(client)
        assert (await register.http.get("/v1/returned-referrals", headers=headers)).status_code == 403
    assert (await place(register, one | {"id": str(uuid.uuid4())}, point)).status_code == 404
    assert [row.version for row in await register.rows(Referral) if row.organisation_id is None] == [1]


async def states(register: Register) -> list[tuple[str, int]]:
    """State and version of every referral, oldest first."""
    return [
        (row.status, row.version) for row in sorted(await register.rows(Referral), key=lambda row: row.id)
    ]


async def test_a_correction_leaves_it_where_it_was_returned_to(register: Register) -> None:
    signal_id = await posted(register)
    await returned(register)
    one = await taken(register, REGION, accept=True)
    answer = await change_signal(register, signal_id, "corrections", signal(urgency="ACUTE"))
    assert answer.status_code == 201
    assert await states(register) == [("RETURNED", 3), ("ACCEPTED", 4)]
    headers = await register.headers(REGION)
    again = (await register.http.get(f"/v1/referrals/{one['id']}", headers=headers)).json()
    assert (again["priority"], again["dueOn"], again["signal"]["urgency"]) == ("HIGH", one["dueOn"], "ACUTE")


async def test_a_correction_by_which_the_rules_name_who_has_it_leaves_it_there_too(
    register: Register,
) -> None:
    signal_id = await posted(register)
    await returned(register)
    await taken(register, REGION, accept=True)
    answer = await change_signal(register, signal_id, "corrections", signal(**IN_EINDHOVEN))
    assert answer.status_code == 201
    assert await states(register) == [("RETURNED", 3), ("ACCEPTED", 4)]


async def test_a_correction_by_which_the_rules_name_a_third_sends_it_there(register: Register) -> None:
    signal_id = await posted(register)
    await returned(register)
    await taken(register, REGION, accept=True)
    await another_point(register, municipality="GM0772")
    answer = await change_signal(register, signal_id, "corrections", signal(**IN_EINDHOVEN))
    assert answer.status_code == 201
    assert await states(register) == [("RETURNED", 3), ("WITHDRAWN", 4), ("WAITING", 1)]
    (there,) = await claimed(register, client="care-point")
    assert "returnedFrom" not in there


async def test_what_is_in_nobodys_queue_follows_its_signal(register: Register) -> None:
    signal_id = await posted(register)
    await returned(register)
    await returned(register, REGION)
    await change_signal(register, signal_id, "corrections", signal(urgency="ACUTE"))
    (one,) = await in_nobodys_queue(register)
    assert (one["version"], one["priority"], len(one["returns"])) == (2, "HIGH", 2)

    withdrawal = {"reason": "DUPLICATE"}
    assert (await change_signal(register, signal_id, "withdrawal", withdrawal, tag='"2"')).status_code == 200
    assert await in_nobodys_queue(register) == []
    assert await states(register) == [("RETURNED", 3), ("RETURNED", 3), ("WITHDRAWN", 3)]
    # Its state is what stops it, wherever it should go: so every step refuses.
    for point in (await another_point(register), await point_of(register, "contact-point-ede")):
        answer = await place(register, one | {"version": 3}, point)
        assert (answer.status_code, slug(answer)) == (409, "not-possible-now")
    assert "signal.withdrawn" not in [
        row.type for row in await register.rows(Event) if row.audience == "coordinator"
    ]


async def forward(register: Register, one: Json, to: str, *, client: str = HELMOND) -> httpx.Response:
    body = {"organisation": str(register.loaded.organisations[to])}
    return await register.step(one, "forwarding", body, client=client)


async def test_what_a_recipient_returns_is_its_contact_points_again(register: Register) -> None:
    signal_id = await posted(register)
    one = await taken(register, HELMOND, accept=True)
    assert (await forward(register, one, VEILIG_THUIS)).status_code == 200
    child = await returned(register, VEILIG_THUIS)
    assert (child["status"], child["history"][-1]["detail"]) == ("RETURNED", "INVOLVED")
    assert await states(register) == [("ACCEPTED", 5), ("RETURNED", 3)]

    headers = await register.headers(HELMOND)
    one = (await register.http.get(f"/v1/referrals/{one['id']}", headers=headers)).json()
    assert [step["move"] for step in one["history"]] == ["claim", "accept", "forward", "resume"]
    assert [told["status"] for told in one["children"]] == ["RETURNED"]
    told = [("F01_RECEIVED", None), ("F02_TAKEN_UP", None), ("F04_REFERRED", "VEILIG_THUIS")]
    assert await heard(register, signal_id) == told  # it stays with the contact point that took it up
    assert (await forward(register, one, VEILIG_THUIS)).status_code == 200


async def test_it_is_forwarded_to_another_beside_one_that_has_it_but_not_to_the_same_again(
    register: Register,
) -> None:
    persons = [person("victim"), person("suspect", role="SUSPECT", gender="M")]
    await posted(register, persons=persons)
    one = await taken(register, HELMOND, accept=True)
    one = (await forward(register, one, VEILIG_THUIS)).json()
    before = await everything(register)
    again = await forward(register, one, VEILIG_THUIS)
    assert (again.status_code, slug(again)) == (409, "forwarded-already")
    assert await everything(register) == before

    both = await forward(register, one, HALT)
    assert (both.status_code, both.json()["status"], both.json()["version"]) == (200, "FORWARDED", 5)
    assert [child["type"] for child in both.json()["children"]] == ["VEILIG_THUIS", "HALT"]
    await returned(register, VEILIG_THUIS)
    assert (await states(register))[0] == ("FORWARDED", 5)
    assert (await forward(register, both.json(), VEILIG_THUIS)).status_code == 200
    await returned(register, HALT)
    await returned(register, VEILIG_THUIS, accept=True)
    assert (await states(register))[0] == ("ACCEPTED", 7)


async def test_nothing_goes_in_a_circle(register: Register) -> None:
    await posted(register)
    one = await taken(register, HELMOND, accept=True)
    assert (await forward(register, one, HELMOND)).status_code == 409
    assert (await forward(register, one, REGION)).status_code == 200
    child = await taken(register, REGION, accept=True)
    for to in (HELMOND, REGION, VEILIG_THUIS):
        answer = await forward(register, child, to, client=REGION)
        assert (answer.status_code, slug(answer)) == (409, "not-possible-now"), to
    back = await register.step(child, "return", INVOLVED, client=REGION)
    assert back.status_code == 200
    assert await states(register) == [("ACCEPTED", 5), ("RETURNED", 4)]  # no third one
