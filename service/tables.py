"""Every table of the register, imported so that the metadata is complete; for migrations and tests."""

from service.access.models import Client, ClientKey, ClientSecret, RevokedToken, UsedAssertion
from service.agreements.models import Agreement
from service.events.models import Event, EventFeed
from service.intake.models import Submission
from service.leases import JobState
from service.organisations.models import ContactPoint, Organisation
from service.pseudonyms.models import SealedPerson, SealedQuestion, SealedSignal, SealingKey
from service.referrals.models import (
    Feedback,
    Question,
    Referral,
    ReferralClaim,
    ReferralEscalation,
    ReferralStep,
)
from service.routing.models import RuleSet, RuleSetTurn, SignalDecision
from service.signals.models import Signal, SignalPerson, SignalVersion
from service.snapshot import ReferenceVersion
from service.statistics.models import AreaPlan, Compilation, Release, ReleaseCell
from service.trail import AuditEntry

__all__ = [
    "Agreement",
    "AreaPlan",
    "AuditEntry",
    "Client",
    "ClientKey",
    "ClientSecret",
    "Compilation",
    "ContactPoint",
    "Event",
    "EventFeed",
    "Feedback",
    "JobState",
    "Organisation",
    "Question",
    "ReferenceVersion",
    "Referral",
    "ReferralClaim",
    "ReferralEscalation",
    "ReferralStep",
    "Release",
    "ReleaseCell",
    "RevokedToken",
    "RuleSet",
    "RuleSetTurn",
    "SealedPerson",
    "SealedQuestion",
    "SealedSignal",
    "SealingKey",
    "Signal",
    "SignalDecision",
    "SignalPerson",
    "SignalVersion",
    "Submission",
    "UsedAssertion",
]
