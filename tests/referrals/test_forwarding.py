"""Forwarding: what a recipient hears, what it never hears, and when nothing is forwarded at all."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from service.events.models import Event
from service.organisations.models import Organisation
from service.referrals.models import Referral
from service.trail import AuditEntry
from tests.support.bodies import person, signal
from tests.support.register import Register

PROBLEM = "urn:signal-register:problem:"
HALT, VEILIG_THUIS, CONTACT_POINT = (
    "halt-oost-brabant",
    "veilig-thuis-zuidoost-brabant",
    "contact-point-helmond",
)
SHAME_SEXTING = {
    "primaryType": "SHAME_SEXTING",
    "types": ["SHAME_SEXTING"],
    "persons": [person("victim", victimStatus="POSSIBLE"), person("suspect", role="SUSPECT", gender="M")],
}
POLICE = {"legalBasis": "WPG_20", "persons": [person("victim"), person("suspect", role="SUSPECT")]}


@dataclass
class Forwarding:
    """A register with one accepted referral at the contact point."""

    register: Register
    parent: dict[str, Any]
    holder: str = CONTACT_POINT

    async def forward(self, to: Any, **more: Any) -> Any:
        to = str(self.register.loaded.organisations.get(to, to))
        body = {"organisation": to} | more
        answer = await self.register.step(self.parent, "forwarding", body, client=self.holder)
        if answer.status_code == 200:
            self.parent = answer.json()
        return answer

    async def read(self, client: str = CONTACT_POINT) -> dict[str, Any]:
        headers = await self.register.headers(client)
        answer = await self.register.http.get(f"/v1/referrals/{self.parent['id']}", headers=headers)
        assert answer.status_code == 200
        return dict(answer.json())

    async def claimed(self, client: str) -> dict[str, Any]:
        (child,) = (await self.register.claim(client=client)).json()["items"]
        return dict(child)

    async def taken_on(self, client: str) -> dict[str, Any]:
        answer = await self.register.step(await self.claimed(client), "acceptance", client=client)
        return dict(answer.json())

    async def close(self, referral: dict[str, Any], client: str) -> Any:
        return await self.register.step(referral, "closure", {"outcome": "HALT_PROGRAMME"}, client=client)


async def accepted(
    register: Register, *, sender: str = "jpt-helmond", holder: str = CONTACT_POINT, **changes: Any
) -> Forwarding:
    answer = await register.post_signal(signal(**changes), client=sender)
    assert answer.status_code == 201, answer.text
    (referral,) = (await register.claim(client=holder)).json()["items"]
    answer = await register.step(referral, "acceptance", client=holder)
    assert answer.status_code == 200
    return Forwarding(register, answer.json(), holder)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).removeprefix(PROBLEM)


async def test_a_recipient_gets_the_agreed_fields_of_the_agreed_persons_and_nothing_else(
    register: Register,
) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    forwarded = await at_hand.forward(HALT)
    assert (forwarded.status_code, forwarded.json()["status"]) == (200, "FORWARDED")
    assert forwarded.headers["ETag"] == '"4"'

    child = await at_hand.claimed(HALT)
    assert forwarded.json()["children"] == [
        {
            "id": child["id"],
            "organisation": "Halt Oost-Brabant",
            "type": "HALT",
            "status": "WAITING",
            "dueOn": child["dueOn"],
        }
    ]
    assert child == {
        "id": child["id"],
        "status": "CLAIMED",
        "version": 2,
        "priority": "NORMAL",
        "receivedAt": child["receivedAt"],
        "dueOn": child["dueOn"],
        "leaseUntil": child["leaseUntil"],
        "parent": at_hand.parent["id"],
        "children": [],
        "forwardedBy": "Centraal meldpunt Helmond en De Peel",
        "signal": {
            "primaryType": "SHAME_SEXTING",
            "types": ["SHAME_SEXTING"],
            "observedFrom": "2026-11-01",
            "settings": ["SCHOOL", "ONLINE"],
            "flag": "RED",
            "persons": [{"role": "SUSPECT", "ageBand": "A12_15", "gender": "M"}],
        },
        "questions": [],
        "escalations": [],
        "history": [
            {"at": child["history"][0]["at"], "move": "claim", "status": "CLAIMED", "actor": "staff.one"}
        ],
    }
    headers = await register.headers(HALT)
    listed = (await register.http.get("/v1/referrals", headers=headers)).json()["items"]
    read = (await register.http.get(f"/v1/referrals/{child['id']}", headers=headers)).json()
    assert listed == [child] == [read]
    assert (
        await register.http.get(f"/v1/referrals/{at_hand.parent['id']}", headers=headers)
    ).status_code == 404


async def test_another_agreement_rule_shares_other_fields(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    await at_hand.forward(VEILIG_THUIS)
    child = await at_hand.claimed(VEILIG_THUIS)
    whole = signal(**SHAME_SEXTING)
    told = {"role": "VICTIM", "ageBand": "A12_15", "gender": "F", "municipality": "GM0794"}
    assert child["signal"] == whole | {
        "persons": [told | {"victimStatus": "POSSIBLE"}, told | {"role": "SUSPECT", "gender": "M"}]
    }
    assert not {"decision", "reporter"} & child.keys()


async def test_only_the_persons_that_it_concerns_are_forwarded(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    await at_hand.forward(VEILIG_THUIS, persons=[0])
    child = await at_hand.claimed(VEILIG_THUIS)
    assert [told["role"] for told in child["signal"]["persons"]] == ["VICTIM"]


async def test_where_an_agreement_shares_no_persons_the_signal_goes_without_them(register: Register) -> None:
    at_hand = await accepted(register, primaryType="LABOUR_EXPLOITATION", types=["LABOUR_EXPLOITATION"])
    answer = await at_hand.forward("labour-inspectorate-brabant-zuidoost")
    assert answer.status_code == 200, answer.text
    (child,) = [row for row in await register.rows(Referral) if row.parent_id]
    assert (child.shared["persons"], "persons" in child.shared["fields"]) == ([], False)


async def test_a_street_group_has_nobody_to_leave_out(register: Register) -> None:
    at_hand = await accepted(register, persons=[], group={"size": 6, "setting": "STREET"})
    assert (await at_hand.forward(VEILIG_THUIS)).status_code == 200
    child = await at_hand.claimed(VEILIG_THUIS)
    assert (child["signal"]["persons"], "group" in child["signal"]) == ([], False)


async def test_the_contact_point_goes_on_when_the_recipient_has_ended(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    await at_hand.forward(HALT)
    child = await at_hand.taken_on(HALT)
    assert (await at_hand.read())["status"] == "FORWARDED"
    closed = (await at_hand.close(child, HALT)).json()
    assert (closed["status"], closed["outcome"]) == ("CLOSED", "HALT_PROGRAMME")

    parent = at_hand.parent = await at_hand.read()
    assert (parent["status"], parent["version"]) == ("ACCEPTED", 5)
    assert [step["move"] for step in parent["history"]] == ["claim", "accept", "forward", "resume"]
    again = await at_hand.forward(VEILIG_THUIS)
    assert (again.status_code, len(again.json()["children"])) == (200, 2)

    child = await at_hand.taken_on(VEILIG_THUIS)
    await at_hand.close(child, VEILIG_THUIS)
    assert (await at_hand.close(await at_hand.read(), CONTACT_POINT)).json()["status"] == "CLOSED"


async def test_the_contact_point_waits_for_the_last_of_two_recipients(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    await at_hand.forward(HALT)
    await beside(register, VEILIG_THUIS)

    await at_hand.close(await at_hand.taken_on(HALT), HALT)
    assert (await at_hand.read())["status"] == "FORWARDED"
    await at_hand.close(await at_hand.taken_on(VEILIG_THUIS), VEILIG_THUIS)
    assert (await at_hand.read())["status"] == "ACCEPTED"


async def test_two_last_recipients_that_end_together_agree_on_who_was_last(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    await at_hand.forward(HALT)
    await beside(register, VEILIG_THUIS)
    children = [(await at_hand.taken_on(client), client) for client in (HALT, VEILIG_THUIS)]
    async with held_up(register, 2):
        closing = [asyncio.create_task(at_hand.close(child, client)) for child, client in children]
    answers = await asyncio.gather(*closing)
    assert [answer.status_code for answer in answers] == [200, 200]
    parent = await at_hand.read()
    assert (parent["status"], [step["move"] for step in parent["history"]].count("resume")) == ("ACCEPTED", 1)


@asynccontextmanager
async def held_up(register: Register, steps: int) -> AsyncIterator[None]:
    """On PostgreSQL: let so many steps go on together, after each has changed its row (SQLite has one writer)."""
    if register.database.is_sqlite:
        yield
        return
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'audit_entry'::regclass")
    async with register.database.writing() as session:
        await session.execute(text("LOCK TABLE audit_entry IN SHARE ROW EXCLUSIVE MODE"))
        yield
        for _ in range(500):
            if (await session.execute(waiting)).scalar_one() == steps:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the steps did not wait for each other")


async def beside(register: Register, recipient: str) -> None:
    """A second child next to the first: no operation makes two at a time yet, so by SQL."""
    table: Any = Referral
    (child,) = [row._asdict() for row in await register.rows(Referral) if row.parent_id]
    child |= {"id": uuid.uuid4(), "organisation_id": register.loaded.organisations[recipient]}
    async with register.database.writing() as session:
        await session.execute(insert(table.__table__), [child])


async def test_forwarding_leaves_its_trail_and_everybody_hears_of_their_own(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    await at_hand.forward(HALT)
    child = await at_hand.taken_on(HALT)
    await at_hand.close(child, HALT)

    acts = {(entry.act, entry.object_id): entry for entry in await register.rows(AuditEntry)}
    shared = acts["referral.share", child["id"]]
    assert shared.ground.startswith("agreement:")
    assert str(shared.client_id) == register.loaded.credentials[CONTACT_POINT].client_id
    resumed = acts["referral.resume", at_hand.parent["id"]]
    assert str(resumed.client_id) == register.loaded.credentials[HALT].client_id

    owners = {"parent": CONTACT_POINT, "child": HALT}
    ids = {"parent": at_hand.parent["id"], "child": child["id"]}
    events = [event for event in await register.rows(Event) if event.type.startswith("referral.")]
    for name, id_ in ids.items():
        heard = [event for event in events if event.subject == f"/v1/referrals/{id_}"]
        assert {event.organisation_id for event in heard} == {register.loaded.organisations[owners[name]]}
    assert [event.type for event in events if event.subject.endswith(ids["parent"])] == [
        f"referral.{name}" for name in ("waiting", "claim", "accept", "forward", "resume")
    ]


@pytest.mark.parametrize(
    ("codes", "recipient", "refused"),
    [
        pytest.param(["H2"], VEILIG_THUIS, True, id="H2 stops any forwarding"),
        pytest.param(["H2"], HALT, True, id="H2 stops it to Halt too"),
        pytest.param(["H1"], HALT, True, id="H1 stops it to Halt"),
        pytest.param(["H1"], "police-oost-brabant", True, id="H1 stops it to the police"),
        pytest.param(
            ["H1"], "labour-inspectorate-brabant-zuidoost", True, id="H1 stops it to the inspectorate"
        ),
        pytest.param(["H1"], VEILIG_THUIS, False, id="H1 lets help through"),
        pytest.param(["H0", "H1", "H2"], VEILIG_THUIS, True, id="the strictest holds"),
        pytest.param(["H0"], HALT, False, id="H0 stops nothing"),
    ],
)
async def test_handling_codes_of_the_sender_stop_forwarding(
    register: Register, codes: list[str], recipient: str, refused: bool
) -> None:
    at_hand = await accepted(register, sender="police-oost-brabant", handlingCodes=codes, **POLICE)
    answer = await at_hand.forward(recipient)
    if refused:
        assert refusal(answer) == (409, "handling-code-forbids")
        assert (await at_hand.read())["status"] == "ACCEPTED"
        assert len(await register.rows(Referral)) == 1
    else:
        assert answer.status_code == 200


async def test_nobody_outside_the_agreement_gets_anything(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    strangers = {
        "another agreement's": "halt-midden-nederland",
        "a type that nothing is shared with": "lev-helmond",
        "nobody that we know": uuid.uuid4(),
        "itself": CONTACT_POINT,
    }
    for name, recipient in strangers.items():
        assert refusal(await at_hand.forward(recipient)) == (409, "no-such-recipient"), name

    table: Any = Organisation
    ended = register.loaded.organisations[HALT]
    async with register.database.writing() as session:
        await session.execute(update(table).where(table.id == ended).values(ended_at=datetime.now(UTC)))
    assert refusal(await at_hand.forward(HALT)) == (409, "no-such-recipient")
    assert (await at_hand.read())["status"] == "ACCEPTED"
    assert len(await register.rows(Referral)) == 1


async def test_a_contact_point_of_a_shared_type_does_not_forward_to_itself(register: Register) -> None:
    region = "contact-point-brabant-zuidoost"
    at_hand = await accepted(register, holder=region, persons=[person(municipality="GM0772")])
    assert refusal(await at_hand.forward(region)) == (409, "no-such-recipient")


async def test_what_was_forwarded_is_not_forwarded_on(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    await at_hand.forward(VEILIG_THUIS)
    child = await at_hand.taken_on(VEILIG_THUIS)
    passing_on = Forwarding(register, child, VEILIG_THUIS)
    assert refusal(await passing_on.forward(HALT)) == (409, "not-possible-now")
    assert len(await register.rows(Referral)) == 2


async def test_where_no_person_may_be_shared_nothing_is_forwarded(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    for persons in ([0], [5], [0, 9]):
        assert refusal(await at_hand.forward(HALT, persons=persons)) == (409, "nobody-to-forward"), persons
    assert (await at_hand.forward(HALT, persons=[0, 1])).status_code == 200
    (child,) = [row for row in await register.rows(Referral) if row.parent_id]
    assert child.shared["persons"] == [1]


async def test_a_wrong_forwarding_says_where(register: Register) -> None:
    at_hand = await accepted(register, **SHAME_SEXTING)
    for more in ({"persons": []}, {"persons": [10]}, {"persons": [-1]}, {"fields": ["persons"]}):
        answer = await at_hand.forward(HALT, **more)
        assert refusal(answer) == (400, "invalid"), more
    assert refusal(await at_hand.forward("x")) == (400, "invalid")
