"""Registering one signal: the receipt, and every row that belongs to it."""

import uuid

from service.events.models import Event
from service.intake.models import Receipt, Submission
from service.pseudonyms.models import SealedPerson
from service.referrals.models import Referral
from service.routing.models import SignalDecision
from service.signals.models import Signal, SignalPerson
from service.trail import AuditEntry
from tests.support.bodies import person, signal, token
from tests.support.register import Register


async def test_a_signal_gets_its_receipt_and_all_its_rows(register: Register) -> None:
    answer = await register.post_signal(
        signal(
            persons=[person("one", alsoKnownAs=[token("one", "n")]), person("UNKNOWN", pseudonym="UNKNOWN")]
        )
    )

    assert answer.status_code == 201
    receipt = Receipt.model_validate_json(answer.text)
    assert answer.headers["Location"] == f"/v1/signals/{receipt.id}"
    assert answer.headers["ETag"] == '"1"'
    assert receipt.decision.rule == "loverboy-minor"
    assert "Helmond" in receipt.referral.contact_point.organisation

    (stored,) = await register.rows(Signal)
    assert (stored.id, stored.primary_type, stored.status) == (receipt.id, "LOVERBOY", "ACTIVE")
    assert "persons" not in stored.content
    assert [p.role for p in await register.rows(SignalPerson)] == ["VICTIM", "VICTIM"]
    assert {(s.position, s.kind) for s in await register.rows(SealedPerson)} == {(0, "b"), (1, "n")}
    (decision,) = await register.rows(SignalDecision)
    assert decision.facts["persons"][0]["ageBand"] == "A12_15"
    (referral,) = await register.rows(Referral)
    assert (referral.status, referral.version, referral.due_on) == ("WAITING", 1, receipt.referral.due_on)
    assert len(await register.rows(Submission)) == 1
    assert {event.type for event in await register.rows(Event)} == {"signal.received", "referral.waiting"}
    entries = [e for e in await register.rows(AuditEntry) if e.act == "signal.register"]
    assert [(e.object_id, e.outcome) for e in entries] == [(str(receipt.id), "done")]


async def test_the_same_key_and_body_give_the_first_answer_byte_for_byte(register: Register) -> None:
    key = str(uuid.uuid4())
    first = await register.post_signal(signal(), key=key)
    again = await register.post_signal(dict(reversed(signal().items())), key=key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert len(await register.rows(Signal)) == 1


async def test_an_unknown_residence_differs_from_one_that_was_left_out(register: Register) -> None:
    unknown, left_out = person("one", municipality="UNKNOWN"), person("two")
    del left_out["municipality"]
    answer = await register.post_signal(signal(persons=[unknown, left_out]))

    headers = await register.headers("jpt-helmond")
    read = (await register.http.get(answer.headers["Location"], headers=headers)).json()
    assert [one.get("municipality") for one in read["persons"]] == ["UNKNOWN", None]
