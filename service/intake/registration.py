"""From one submission to the rows of its registration and its receipt, or to the problem that refuses it.

Pure: reference data, keys and the moment of receipt are given; nothing is written here.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.events.actions import event
from service.intake.judging import Judgement, judge
from service.intake.models import SubmittedPerson, SubmittedSignal
from service.intake.reference import Reference
from service.pseudonyms.sealing import Seal, digest_place
from service.referrals.models import PRIORITIES
from service.referrals.steps import waiting_event, waiting_referral
from service.signals.models import ACTIVE
from service.wire import on_the_wire

Row = dict[str, Any]

# Kept on the sealed side alone: a plain digest of it could be tried out.
SEALED = ("note", "partnerReference")
SEALED_OF_PERSON = ("pseudonym", "alsoKnownAs")
# Stored elsewhere: not part of a signal's content.
APART = ("persons", "reportedBy")


@dataclass(frozen=True, slots=True)
class Submission:
    """A validated post on its way: who, under which key, and what.

    `digest` is SHA-256 over all of the parsed body, for comparing with a repeated post; `body_digest` leaves out
    what is sealed, and is the one that is told. Both over canonical JSON (RFC 8785) without nulls.
    """

    caller: Caller
    key: UUID
    signal: SubmittedSignal
    content: Row
    digest: bytes
    body_digest: str

    @property
    def identity(self) -> tuple[UUID, UUID]:
        return self.caller.client_id, self.key


@dataclass(frozen=True, slots=True)
class Registration:
    """The rows of one registered signal, by table, and the answer."""

    submission: Row
    signal: Row
    persons: list[Row]
    sealed_persons: list[Row]
    sealed_signal: list[Row]
    decision: Row
    referral: Row
    audit: Row
    events: list[Row]
    answer: bytes


def submission_of(caller: Caller, key: UUID, signal: SubmittedSignal) -> Submission:
    """What enters the queue."""
    content = signal.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    digest = _sha256(content)
    for name in SEALED:
        content.pop(name, None)
    for person in content.get("persons", ()):
        for name in SEALED_OF_PERSON:
            person.pop(name, None)
    told = base64.b64encode(_sha256(content)).decode()
    for name in APART:
        content.pop(name, None)
    return Submission(caller, key, signal, content, digest, f"sha-256=:{told}:")


def _sha256(content: Row) -> bytes:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def register(
    submission: Submission,
    reference: Reference,
    seal: Seal,
    *,
    received_at: datetime,
    release_period: str,
) -> Registration:
    """The registration of a submission; raises the problem of intake that refuses it."""
    caller, signal = submission.caller, submission.signal
    day = clock.local_day(received_at)
    judgement = judge(
        caller, signal, reference, at=received_at, received_on=day, release_period=release_period
    )
    signal_id = new_id()
    persons = person_rows(signal_id, signal.persons)
    referral = first_referral(signal_id, 1, judgement, received_at)
    answer = receipt(signal_id, submission.body_digest, judgement, received_at)
    return Registration(
        submission={
            "client_id": caller.client_id,
            "key": submission.key,
            "key_label": seal.label,
            "digest": seal.close(submission.digest, digest_place(*submission.identity)),
            "signal_id": signal_id,
            "received_at": received_at,
            "answer": answer,
        },
        signal={
            "id": signal_id,
            "version": 1,
            "status": ACTIVE,
            "organisation_id": judgement.reporter_id,
            "entered_by_id": None if caller.role == "reporter" else caller.organisation_id,
            "received_at": received_at,
            **present_version(submission, judgement),
        },
        persons=persons,
        sealed_persons=sealed_person_rows(seal, signal_id, persons, signal.persons),
        sealed_signal=seal.signal_row(
            signal_id, note=signal.note, partner_reference=signal.partner_reference
        ),
        decision=decision_row(signal_id, 1, judgement),
        referral=referral,
        audit=trail.entry(
            caller.who,
            "signal.register",
            "intake",
            "signal",
            signal_id,
            ground=f"agreement:{judgement.agreement.id}",
        ),
        events=[
            event(
                "signal.received",
                f"/v1/signals/{signal_id}",
                judgement.reporter_id,
                received_at,
                audience="reporter",
            ),
            *waiting_event(referral, received_at),
        ],
        answer=answer,
    )


def present_version(submission: Submission, judgement: Judgement) -> Row:
    """The columns of `signal` that every version fills anew."""
    caller, signal = submission.caller, submission.signal
    return {
        "client_id": caller.client_id,
        "agreement_id": judgement.agreement.id,
        "remove_by": judgement.removal,
        "municipality": judgement.resolved.municipality,
        "primary_type": signal.primary_type,
        "incident_municipality": signal.municipalities.incident,
        "content": submission.content,
        "body_digest": submission.body_digest,
    }


def receipt(signal_id: UUID, digest: str, judgement: Judgement, received_at: datetime) -> bytes:
    """A receipt as JSON."""
    return orjson.dumps(
        {
            "id": signal_id,
            "receivedAt": on_the_wire(received_at),
            "bodyDigest": digest,
            **judgement.told,
        }
    )


def person_rows(signal_id: UUID, persons: Sequence[SubmittedPerson]) -> list[Row]:
    """The rows of `signal_person`, in the order of the body."""
    return [
        {
            "id": new_id(),
            "signal_id": signal_id,
            "position": position,
            "role": person.role,
            "age_band": person.age_band,
            "gender": person.gender,
            "municipality": person.municipality,
            "victim_status": person.victim_status,
        }
        for position, person in enumerate(persons)
    ]


def sealed_person_rows(
    seal: Seal, signal_id: UUID, rows: Sequence[Row], persons: Sequence[SubmittedPerson]
) -> list[Row]:
    """The rows of `sealed_person` for persons with their rows."""
    return [
        sealed
        for row, person in zip(rows, persons, strict=True)
        for sealed in seal.rows(signal_id, row["id"], person.tokens)
    ]


def decision_row(signal_id: UUID, version: int, judgement: Judgement) -> Row:
    """The row of `decision` for a version of a signal."""
    return {
        "signal_id": signal_id,
        "signal_version": version,
        "rule_set": judgement.rule_set.version,
        "rule": judgement.decision.rule,
        "facts": judgement.facts.as_json(),
        "outcome": judgement.outcome,
    }


def first_referral(signal_id: UUID, version: int, judgement: Judgement, received_at: datetime) -> Row:
    """The row of the referral to the contact point."""
    point = judgement.resolved.contact_point
    return waiting_referral(
        signal_id=signal_id,
        signal_version=version,
        organisation_id=point.organisation_id,
        contact_point_id=point.id,
        municipality=judgement.resolved.municipality,
        priority=PRIORITIES.index(judgement.decision.priority),
        received_at=received_at,
        due=judgement.due,
    )
