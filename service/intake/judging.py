"""What a submission would get: may it, what do the rules decide, and where does it go. Pure.

Asked before a signal is registered or corrected, and by a dry run. Reference data and the day are given. It
depends on the submission, the agreement and the rules alone, never on whether somebody is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.agreements.queries import AgreementInForce
from service.caller import Caller
from service.errors import Fault, Invalid
from service.intake import errors
from service.intake.agreement import not_agreed
from service.intake.models import SubmittedSignal
from service.intake.reference import Reference
from service.referrals.terms import due_on, shortest
from service.routing.decide import Decision, decide
from service.routing.facts import Facts, PersonFacts
from service.routing.queries import ActiveRuleSet
from service.routing.resolve import Resolved, places_of, resolve
from service.signals.removal import remove_by


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to a submission: who reports, under which agreement, what is decided, and who gets it."""

    reporter_id: UUID
    agreement: AgreementInForce
    facts: Facts
    rule_set: ActiveRuleSet
    decision: Decision
    resolved: Resolved
    due: date
    removal: date
    contact_organisation: str

    @property
    def outcome(self) -> Mapping[str, Any]:
        """What the rule decides, as it is stored and told."""
        return self.rule_set.outcomes[self.decision.rule]

    @property
    def told(self) -> dict[str, Any]:
        """The part of a receipt that a dry run tells too."""
        point = self.resolved.contact_point
        return {
            "removeBy": self.removal,
            "decision": {"ruleSet": self.rule_set.version, **self.outcome},
            "referral": {
                "contactPoint": {
                    "organisation": self.contact_organisation,
                    "function": point.function,
                    "phone": point.phone,
                },
                "priority": self.decision.priority,
                "dueOn": self.due,
            },
        }


def judge(
    caller: Caller,
    signal: SubmittedSignal,
    reference: Reference,
    *,
    at: datetime,
    received_on: date,
    release_period: str,
) -> Judgement:
    """Judge a submission by the rules of a moment; its terms count from the day on which the signal was received.

    Raises the problem of intake that refuses it.
    """
    agreement = reference.agreements.get(caller.organisation_id)
    if agreement is None:
        raise errors.NoAgreement
    reporter_id = _reporter(caller, signal, agreement)
    reporter = reference.organisations[reporter_id]
    sending = agreement.content.sending.get(reporter.type)
    if sending is None:
        raise errors.NoAgreement
    if faults := not_agreed(signal, sending):
        raise errors.NotAgreed(errors=faults)
    home = next(iter(caller.municipalities), None)
    persons = [(person.role, person.municipality) for person in signal.persons]
    places = places_of(persons, signal.municipalities.incident, home)
    rule_set = _rule_set(places, reference, at)
    facts = _facts(signal, reporter.type)
    decision = decide(facts, rule_set.rules)
    content = agreement.content
    resolved = resolve(
        decision.level, places, reference.directory, content.parties, content.municipalities, reporter=home
    )
    if resolved is None:
        raise errors.NoContactPoint
    term = shortest(content.terms.decision_working_days, decision.due_working_days)
    removal = remove_by(
        received_on,
        months=content.terms.retention_months,
        release_period=release_period,
        legal_basis=signal.legal_basis,
        age_bands=[person.age_band for person in signal.persons],
    )
    organisation = reference.organisations[resolved.contact_point.organisation_id].name
    due = due_on(received_on, term)
    return Judgement(reporter_id, agreement, facts, rule_set, decision, resolved, due, removal, organisation)


def _reporter(caller: Caller, signal: SubmittedSignal, agreement: AgreementInForce) -> UUID:
    """The organisation that reports: the caller's own, or the party that phoned its contact point."""
    if caller.role == "reporter":
        if signal.reported_by is not None:
            told = "A reporter reports for its own organisation."
            raise Invalid(errors=[Fault("/reportedBy", "not-for-this-role", told)])
        return caller.organisation_id
    if signal.reported_by is None:
        raise Invalid(errors=[Fault("/reportedBy", "required", "Name the organisation that phoned.")])
    if signal.reported_by not in agreement.content.parties:
        told = "It takes no part in your working agreement."
        raise errors.NotAgreed(errors=[Fault("/reportedBy", "no-party", told)])
    return signal.reported_by


def _rule_set(places: tuple[str, ...], reference: Reference, at: datetime) -> ActiveRuleSet:
    """The rule set that holds at a moment in the first place that has one; raises `NoRules`."""
    for place in places:
        if (found := reference.rules.at(place, at)) is not None:
            return found
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
