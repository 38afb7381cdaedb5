"""Corrections and withdrawals: a new version, decided anew, and what becomes of the referral."""

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from service import clock
from service.events.models import Event
from service.pseudonyms.models import SealedPerson, SealedSignal
from service.referrals.models import Referral
from service.routing.models import SignalDecision
from service.signals.models import Signal, SignalPerson, SignalVersion
from service.trail import AuditEntry
from tests.support.bodies import person, signal, token
from tests.support.register import Register

Json = dict[str, Any]


async def change(
    register: Register,
    signal_id: str,
    step: str,
    body: Any,
    *,
    tag: str | None = '"1"',
    client: str = "jpt-helmond",
) -> httpx.Response:
    headers = await register.headers(client, **({"if_match": tag} if tag else {}))
    return await register.http.post(f"/v1/signals/{signal_id}/{step}", json=body, headers=headers)


async def posted(register: Register, **changes: Any) -> Json:
    answer = await register.post_signal(signal(**changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def own(register: Register, signal_id: str, client: str = "jpt-helmond") -> httpx.Response:
    return await register.http.get(f"/v1/signals/{signal_id}", headers=await register.headers(client))


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


async def test_a_correction_is_a_new_version_that_is_decided_anew(register: Register) -> None:
    first = await posted(register, partnerReference="JPT-1")
    corrected = signal(urgency="ACUTE", partnerReference="JPT-2", persons=[person("other", ageBand="A16_17")])
    answer = await change(register, first["id"], "corrections", corrected)

    assert (answer.status_code, answer.headers["ETag"]) == (201, '"2"')
    assert answer.headers["Location"] == f"/v1/signals/{first['id']}"
    receipt = answer.json()
    assert set(receipt) == set(first)
    assert (receipt["id"], receipt["receivedAt"]) == (first["id"], first["receivedAt"])
    assert receipt["bodyDigest"] != first["bodyDigest"]
    assert receipt["referral"]["priority"] == "HIGH"

    read = (await own(register, first["id"])).json()
    assert (read["version"], read["signal"]["urgency"], read["partnerReference"]) == (2, "ACUTE", "JPT-2")
    assert read["bodyDigest"] == receipt["bodyDigest"]
    (kept,) = await register.rows(SignalVersion)
    assert (kept.version, kept.content["urgency"], kept.body_digest) == (1, "CONCERN", first["bodyDigest"])
    assert [one["ageBand"] for one in kept.persons] == ["A12_15"]
    assert token("one") not in str(kept.persons)
    decided = await register.rows(SignalDecision)
    assert sorted(one.signal_version for one in decided) == [1, 2]
    assert len(await register.rows(SealedSignal)) == 1
    (sealed,) = await register.rows(SealedPerson)
    (now,) = await register.rows(SignalPerson)
    assert sealed.person_id == now.id
    acts = [one.act for one in await register.rows(AuditEntry)]
    assert acts.count("signal.correct") == 1
    assert acts.count("referral.correct") == 1


async def test_the_same_contact_point_sees_a_higher_version_and_a_late_step_is_stale(
    register: Register,
) -> None:
    first = await posted(register)
    (claimed,) = (await register.claim()).json()["items"]
    accepted = (await register.step(claimed, "acceptance")).json()
    await change(register, first["id"], "corrections", signal(urgency="STRUCTURAL"))

    stale = await register.step(accepted, "closure", {"outcome": "ADVICE_ONLY"})
    assert (stale.status_code, slug(stale)) == (412, "stale")
    headers = await register.headers("contact-point-helmond")
    again = (await register.http.get(f"/v1/referrals/{claimed['id']}", headers=headers)).json()
    assert (again["status"], again["version"]) == ("ACCEPTED", accepted["version"] + 1)
    assert again["signal"]["urgency"] == "STRUCTURAL"
    last = again["history"][-1]
    assert (last["move"], last["status"]) == ("correct", "ACCEPTED")
    assert "actor" not in last
    assert len(await register.rows(Referral)) == 1


async def test_another_contact_point_gets_a_new_referral_and_the_old_one_is_withdrawn(
    register: Register,
) -> None:
    first = await posted(register)
    (claimed,) = (await register.claim()).json()["items"]
    elsewhere = person("one", municipality="GM0762")
    points = {one["contactPoint"]["organisation"] for one in (first["referral"],)}
    answer = await change(
        register,
        first["id"],
        "corrections",
        signal(municipalities={"incident": "GM0772"}, persons=[elsewhere | {"municipality": "GM0772"}]),
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["referral"]["contactPoint"]["organisation"] not in points
    old, new = sorted(await register.rows(Referral), key=lambda one: one.id)
    assert (old.status, new.status, new.signal_version) == ("WITHDRAWN", "WAITING", 2)
    assert (old.lease_until, old.held_by) == (None, None)
    headers = await register.headers("contact-point-helmond")
    gone = (await register.http.get(f"/v1/referrals/{claimed['id']}", headers=headers)).json()
    assert gone["status"] == "WITHDRAWN"
    assert "signal" not in gone
    assert "decision" not in gone


async def test_a_correction_of_what_was_closed_is_looked_at_again(register: Register) -> None:
    first = await posted(register)
    (claimed,) = (await register.claim()).json()["items"]
    accepted = (await register.step(claimed, "acceptance")).json()
    await register.step(accepted, "closure", {"outcome": "ADVICE_ONLY"})
    await change(register, first["id"], "corrections", signal(urgency="ACUTE"))
    old, new = sorted(await register.rows(Referral), key=lambda one: one.id)
    assert (old.status, new.status) == ("CLOSED", "WAITING")


async def test_a_recipient_never_sees_another_person_by_a_correction(register: Register) -> None:
    two = [person("sender", role="SUSPECT", gender="M"), person("pupil")]
    first = await posted(
        register, primaryType="SHAME_SEXTING", types=["SHAME_SEXTING"], flag="YELLOW", persons=two
    )
    (claimed,) = (await register.claim()).json()["items"]
    accepted = (await register.step(claimed, "acceptance")).json()
    halt = {"organisation": str(register.loaded.organisations["halt-oost-brabant"])}
    assert (await register.step(accepted, "forwarding", halt)).status_code == 200
    (child,) = (await register.claim(client="halt-oost-brabant")).json()["items"]
    assert [one["role"] for one in child["signal"]["persons"]] == ["SUSPECT"]

    async def seen() -> list[tuple[str, str]]:
        headers = await register.headers("halt-oost-brabant")
        told = (await register.http.get(f"/v1/referrals/{child['id']}", headers=headers)).json()
        return [(one["role"], one["ageBand"]) for one in told["signal"].get("persons", [])]

    again = signal(primaryType="SHAME_SEXTING", types=["SHAME_SEXTING"], flag="YELLOW")
    swapped = [person("pupil"), person("sender", role="SUSPECT", gender="M", ageBand="A16_17")]
    await change(register, first["id"], "corrections", again | {"persons": swapped})
    assert await seen() == [("SUSPECT", "A16_17")]
    replaced = [person("third", role="SUSPECT"), person("sender", role="VICTIM")]
    answer = await change(register, first["id"], "corrections", again | {"persons": replaced}, tag='"2"')
    assert answer.status_code == 201
    assert await seen() == []


async def test_who_was_counted_stays_counted(register: Register) -> None:
    first = await posted(register, persons=[person("one"), person("two", role="AT_RISK")])
    day = date(2026, 6, 30)
    async with register.database.writing() as session:
        await session.execute(update(SignalPerson.__table__).values(counted_on=day))  # type: ignore[attr-defined]
    persons = [person("new"), person("two", role="AT_RISK"), person("one", ageBand="A16_17")]
    await change(register, first["id"], "corrections", signal(persons=persons))
    rows = sorted(await register.rows(SignalPerson), key=lambda one: one.position)
    assert [one.counted_on for one in rows] == [None, day, day]


REFUSED = {
    "a stale tag": (signal(), '"2"', "jpt-helmond", 412),
    "no tag": (signal(), None, "jpt-helmond", 428),
    "a tag that is none": (signal(), "W/1", "jpt-helmond", 400),
    "another's": (signal(legalBasis="WPG_16"), '"1"', "police-oost-brabant", 404),
    "a body with faults": (signal(primaryType="X"), '"1"', "jpt-helmond", 400),
    "what is not open": (signal(handlingCodes=["H1"]), '"1"', "jpt-helmond", 409),
    "an empty body": ({}, '"1"', "jpt-helmond", 400),
}


@pytest.mark.parametrize(("body", "tag", "client", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_correction_that_is_refused_changes_nothing(
    register: Register, body: Any, tag: str | None, client: str, status: int
) -> None:
    first = await posted(register)
    answer = await change(register, first["id"], "corrections", body, tag=tag, client=client)
    assert answer.status_code == status
    read = (await own(register, first["id"])).json()
    assert (read["version"], read["bodyDigest"]) == (1, first["bodyDigest"])
    assert await register.rows(SignalVersion) == []
    assert len(await register.rows(Referral)) == 1


async def test_of_two_corrections_at_once_one_is_stale(register: Register) -> None:
    first = await posted(register)
    bodies = [signal(urgency=one) for one in ("ACUTE", "STRUCTURAL", "INFO")]
    answers = await asyncio.gather(*(change(register, first["id"], "corrections", body) for body in bodies))
    assert sorted(one.status_code for one in answers) == [201, 412, 412]
    assert len(await register.rows(SignalVersion)) == 1


async def test_a_withdrawal_ends_the_referral_and_tells_the_contact_point(register: Register) -> None:
    first = await posted(register)
    answer = await change(register, first["id"], "withdrawal", {"reason": "RISK_ENDED"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    told = answer.json()
    assert (told["status"], told["withdrawalReason"]) == ("WITHDRAWN", "RISK_ENDED")
    assert told["withdrawnAt"].endswith("Z")
    assert told["removeBy"] == first["removeBy"]
    (referral,) = await register.rows(Referral)
    assert (referral.status, referral.ended_at is None) == ("WITHDRAWN", False)
    assert (await register.claim()).json()["items"] == []
    point = register.loaded.organisations["contact-point-helmond"]
    events = [one.type for one in await register.rows(Event) if one.organisation_id == point]
    assert "signal.withdrawn" in events
    assert "referral.withdraw" in events


async def test_an_unjustified_signal_goes_today(register: Register) -> None:
    first = await posted(register)
    told = (await change(register, first["id"], "withdrawal", {"reason": "UNJUSTIFIED"})).json()
    assert told["removeBy"] == clock.local_day(clock.now()).isoformat() < first["removeBy"]


async def test_what_was_withdrawn_is_not_changed_again(register: Register) -> None:
    first = await posted(register)
    await change(register, first["id"], "withdrawal", {"reason": "DUPLICATE"})
    for step, body in (("corrections", signal()), ("withdrawal", {"reason": "DUPLICATE"})):
        answer = await change(register, first["id"], step, body, tag='"2"')
        assert (answer.status_code, slug(answer)) == (409, "not-active")
    again = await register.post_signal(signal(), key="0199aaaa-0000-4000-8000-000000000001")
    assert again.status_code == 201
    for reason in ("TERM_EXPIRED", "because", None):
        fault = await change(register, again.json()["id"], "withdrawal", {"reason": reason})
        assert (fault.status_code, fault.json()["errors"][0]["pointer"]) == (400, "/reason")


async def test_a_withdrawal_takes_what_was_forwarded_with_it(register: Register) -> None:
    first = await posted(register)
    (claimed,) = (await register.claim()).json()["items"]
    accepted = (await register.step(claimed, "acceptance")).json()
    recipient = {"organisation": str(register.loaded.organisations["veilig-thuis-zuidoost-brabant"])}
    await register.step(accepted, "forwarding", recipient)
    await change(register, first["id"], "withdrawal", {"reason": "UNJUSTIFIED"})
    assert {one.status for one in await register.rows(Referral)} == {"WITHDRAWN"}
    headers = await register.headers("veilig-thuis-zuidoost-brabant")
    (seen,) = (await register.http.get("/v1/referrals", headers=headers)).json()["items"]
    assert "signal" not in seen


async def test_the_first_key_still_gives_the_first_answer(register: Register) -> None:
    key = "0199aaaa-0000-4000-8000-000000000002"
    first = await register.post_signal(signal(), key=key)
    await change(register, first.json()["id"], "corrections", signal(urgency="ACUTE"))
    again = await register.post_signal(signal(), key=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert len(await register.rows(Signal)) == 1
