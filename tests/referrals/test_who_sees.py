"""What a queue tells, to whom, and that the trail has each of it."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from service.access.actions import add_client, add_secret
from service.demo.loading import LOADER, Credential
from service.referrals.models import Referral
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.register import Register

CONTACT_POINT = "contact-point-helmond"


async def waiting(register: Register, count: int = 1) -> None:
    for _ in range(count):
        assert (await register.post_signal(signal())).status_code == 201


async def acts(register: Register, client: str = CONTACT_POINT) -> list[tuple[str, str | None]]:
    """What the trail has of a client, tokens aside."""
    client_id = register.loaded.credentials[client].client_id
    rows = [row for row in await register.rows(AuditEntry) if str(row.client_id) == client_id]
    return [(row.act, row.object_id) for row in rows if row.act != "token.issue"]


async def let_the_lease_lapse(register: Register) -> None:
    async with register.database.writing() as session:
        await session.execute(update(Referral).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))


async def another_client(register: Register, role: str, organisation: str = CONTACT_POINT) -> str:
    """A further client of an organisation of the pack."""
    async with register.database.writing() as session:
        organisation_id = register.loaded.organisations[organisation]
        client = await add_client(
            session, LOADER, organisation_id=organisation_id, name=f"one more {role}", role=role
        )
        _, secret = await add_secret(session, LOADER, client)
    register.loaded.credentials["one more"] = Credential(
        str(client.id), secret, role, organisation, client.organisation_id
    )
    register.tokens.pop("one more None", None)
    return "one more"


async def test_a_repeated_claim_never_shows_what_a_later_claim_holds(register: Register) -> None:
    key = str(uuid.uuid4())
    await waiting(register)
    (first,) = (await register.claim(key=key)).json()["items"]
    await let_the_lease_lapse(register)
    (later,) = (await register.claim()).json()["items"]

    again = await register.claim(key=key)

    assert (again.status_code, again.json()["items"]) == (201, [])
    assert later["version"] > first["version"]
    assert (await register.step(first, "acceptance")).status_code == 412


async def test_a_repeated_claim_is_told_and_recorded_while_it_is_held(register: Register) -> None:
    key = str(uuid.uuid4())
    await waiting(register, 2)
    items = (await register.claim(key=key)).json()["items"]
    before = await acts(register)

    again = await register.claim(key=key)

    assert again.json()["items"] == items
    told = [("referral.search", None), *(("referral.read", item["id"]) for item in items)]
    assert (await acts(register))[len(before) :] == told


async def test_a_claim_that_finds_nothing_is_recorded(register: Register) -> None:
    assert (await register.claim()).json()["items"] == []
    assert await acts(register) == [("referral.search", None)]


async def test_a_page_is_recorded_referral_by_referral(register: Register) -> None:
    await waiting(register, 3)
    headers = await register.headers(CONTACT_POINT)
    shown = (await register.http.get("/v1/referrals?limit=2", headers=headers)).json()["items"]

    recorded = sorted(await acts(register), key=str)
    assert recorded == sorted(
        [("referral.search", None), *(("referral.read", one["id"]) for one in shown)], key=str
    )


async def test_a_recipient_of_a_contact_point_sees_no_first_line_referral(register: Register) -> None:
    await waiting(register)
    recipient = await another_client(register, "recipient")
    (referral,) = await register.rows(Referral)
    headers = await register.headers(recipient)

    page = await register.http.get("/v1/referrals", headers=headers)
    one = await register.http.get(f"/v1/referrals/{referral.id}", headers=headers)

    assert ((await register.claim(client=recipient)).json()["items"], page.json()["items"]) == ([], [])
    assert one.status_code == 404


async def test_nothing_is_forwarded_to_where_nobody_could_pull_it(register: Register) -> None:
    await waiting(register)
    (claimed,) = (await register.claim()).json()["items"]
    accepted: dict[str, Any] = (await register.step(claimed, "acceptance")).json()
    police = {"organisation": str(register.loaded.organisations["police-oost-brabant"])}

    refused = await register.step(accepted, "forwarding", police)

    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "nobody-there")
    assert [row.status for row in await register.rows(Referral)] == ["ACCEPTED"]
    await another_client(register, "recipient", "police-oost-brabant")
    assert (await register.step(accepted, "forwarding", police)).status_code == 200


async def test_a_refusal_names_the_object_and_the_actor_but_no_free_text(register: Register) -> None:
    headers, nobodys = await register.headers(CONTACT_POINT), str(uuid.uuid4())
    await register.http.get(f"/v1/referrals/{nobodys}", headers=headers)
    await register.http.get("/v1/code-lists/sanne-de-vries", headers=headers)
    await register.http.get("/v1/nothing/sanne-de-vries", headers=headers)

    rows = [row for row in await register.rows(AuditEntry) if row.outcome == "not-found"]
    assert [(row.object_id, row.actor) for row in rows] == [
        (nobodys, "staff.one"),
        (None, "staff.one"),
        (None, "staff.one"),
    ]
