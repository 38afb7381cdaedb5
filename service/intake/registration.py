"""From one submission to the rows of its registration and its receipt, or to the problem that refuses it.

Pure: reference data, keys and the moment of receipt are given; nothing is written here. The receipt depends on
the submission and the rules alone, never on whether somebody is known.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.events.actions import event
from service.intake import errors
from service.intake.agreement import not_agreed
from service.intake.models import SubmittedSignal
from service.intake.reference import Reference
from service.pseudonyms.sealing import Sealer
from service.referrals.actions import waiting_referral
from service.referrals.models import PRIORITIES
from service.referrals.terms import due_on, shortest
from service.routing.decide import Facts, PersonFacts, decide
from service.routing.queries import ActiveRuleSet
from service.routing.resolve import places_of, resolve
from service.signals.actions import ACTIVE
from service.signals.removal import remove_by
from service.wire import on_the_wire

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Submission:
    """A validated post on its way: who, under which key, what, and the digest of its parsed body."""

    caller: Caller
    key: UUID
    signal: SubmittedSignal
    content: Row
    digest: str

    @property
    def identity(self) -> tuple[UUID, UUID]:
        return self.caller.client_id, self.key


@dataclass(frozen=True, slots=True)
class Registration:
    """The rows of one registered signal, by table, and the answer."""

    submission: Row
    signal: Row
    persons: list[Row]
    sealed: list[Row]
    decision: Row
    referral: Row
    audit: Row
    events: list[Row]
    answer: bytes


def submission_of(caller: Caller, key: UUID, signal: SubmittedSignal) -> Submission:
    """What enters the queue. The digest is SHA-256 over the canonical JSON (RFC 8785) of the parsed body."""
    content = signal.model_dump(mode="json", by_alias=True, exclude_unset=True)
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    digest = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    content.pop("persons", None)
    return Submission(caller, key, signal, content, f"sha-256=:{digest}:")


def register(
    submission: Submission,
    reference: Reference,
    sealer: Sealer,
    *,
    received_at: datetime,
    release_period: str,
) -> Registration:
    """The registration of a submission; raises the problem of intake that refuses it."""
    caller, signal = submission.caller, submission.signal
    agreement = reference.agreements.get(caller.organisation_id)
    organisation = reference.organisations[caller.organisation_id]
    if agreement is None or organisation.type not in agreement.content.sending:
        raise errors.NoAgreement
    faults = not_agreed(signal, agreement.content.sending[organisation.type])
    if faults:
        raise errors.NotAgreed(errors=faults)
    home = next(iter(caller.municipalities), None)
    places = places_of(
        [(person.role, person.municipality) for person in signal.persons],
        signal.municipalities.incident,
        home,
    )
    rule_set = _rule_set(places, reference)
    facts = _facts(signal, organisation.type)
    decision = decide(facts, rule_set.rules)
    agreed = agreement.content
    resolved = resolve(
        decision.level, places, reference.directory, agreed.parties, agreed.municipalities, reporter=home
    )
    if resolved is None:
        raise errors.NoContactPoint

    signal_id, day = new_id(), clock.local_day(received_at)
    persons = _person_rows(signal_id, signal)
    terms = agreement.content.terms
    due = due_on(day, shortest(terms.decision_working_days, decision.due_working_days))
    removal = remove_by(
        day,
        months=terms.retention_months,
        release_period=release_period,
        legal_basis=signal.legal_basis,
        age_bands=[person.age_band for person in signal.persons],
    )
    outcome = rule_set.outcomes[decision.rule]
    point = resolved.contact_point
    answer = orjson.dumps(
        {
            "id": signal_id,
            "receivedAt": on_the_wire(received_at),
            "bodyDigest": submission.digest,
            "removeBy": removal,
            "decision": {"ruleSet": rule_set.version, **outcome},
            "referral": {
                "contactPoint": {
                    "organisation": reference.organisations[point.organisation_id].name,
                    "function": point.function,
                    "phone": point.phone,
                },
                "priority": decision.priority,
                "dueOn": due,
            },
        }
    )
    referral = waiting_referral(
        signal_id=signal_id,
        signal_version=1,
        organisation_id=point.organisation_id,
        contact_point_id=point.id,
        municipality=resolved.municipality,
        priority=PRIORITIES.index(decision.priority),
        received_at=received_at,
        due=due,
    )
    return Registration(
        submission={
            "client_id": caller.client_id,
            "key": submission.key,
            "digest": submission.digest,
            "signal_id": signal_id,
            "received_at": received_at,
            "answer": answer,
        },
        signal={
            "id": signal_id,
            "version": 1,
            "status": ACTIVE,
            "organisation_id": caller.organisation_id,
            "client_id": caller.client_id,
            "agreement_id": agreement.id,
            "received_at": received_at,
            "remove_by": removal,
            "municipality": resolved.municipality,
            "primary_type": signal.primary_type,
            "incident_municipality": signal.municipalities.incident,
            "content": submission.content,
            "body_digest": submission.digest,
        },
        persons=persons,
        sealed=[
            row
            for stored, person in zip(persons, signal.persons, strict=True)
            for row in sealer.rows(signal_id, stored["id"], person.tokens)
        ],
        decision={
            "signal_id": signal_id,
            "signal_version": 1,
            "rule_set": rule_set.version,
            "rule": decision.rule,
            "facts": facts.as_json(),
            "outcome": outcome,
        },
        referral=referral,
        audit=trail.entry(
            caller.who, "signal.register", "intake", "signal", signal_id, ground=f"agreement:{agreement.id}"
        ),
        events=[
            event("signal.received", f"/v1/signals/{signal_id}", caller.organisation_id, received_at),
            event("referral.waiting", f"/v1/referrals/{referral['id']}", point.organisation_id, received_at),
        ],
        answer=answer,
    )


def _rule_set(places: tuple[str, ...], reference: Reference) -> ActiveRuleSet:
    """The active rule set of the first place that has one; raises `NoRules`."""
    for place in places:
        if place in reference.rule_sets:
            return reference.rule_sets[place]
    raise errors.NoRules


def _facts(signal: SubmittedSignal, reporter_type: str) -> Facts:
    return Facts(
        primary_type=signal.primary_type,
        types=frozenset(signal.all_types),
        settings=frozenset([*signal.settings, *([signal.group.setting] if signal.group else [])]),
        indicators=frozenset(
            indicator.code for indicator in signal.indicators if indicator.observation == "OBSERVED"
        ),
        urgency=signal.urgency,
        flag=signal.flag,
        flag_criteria=frozenset(signal.flag_criteria),
        reporter_type=reporter_type,
        persons=tuple(
            PersonFacts(person.role, person.age_band, person.gender, person.victim_status)
            for person in signal.persons
        ),
        group=signal.group is not None,
    )


def _person_rows(signal_id: UUID, signal: SubmittedSignal) -> list[Row]:
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
        for position, person in enumerate(signal.persons)
    ]
