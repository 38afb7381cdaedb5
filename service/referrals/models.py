"""Shapes of referrals: tables, what goes over the wire."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import Column, Index, UniqueConstraint, text
from sqlmodel import Field as TableField
from sqlmodel import SQLModel

from service.columns import Json, Moment
from service.signals.models import MAX_PERSONS
from service.vocabulary.types import MunicipalityCode, OneOf, ReferralOutcome
from service.wire import Answer, Instant, Text, Wire

PRIORITIES = ("HIGH", "NORMAL", "LOW")
Priority = Annotated[str, OneOf(PRIORITIES)]
MAX_CLAIM = 50
MIN_LEASE_SECONDS = 30
MAX_LEASE_SECONDS = 3600


class Referral(SQLModel, table=True):
    """A referral in the queue of one organisation. `priority` is the place in PRIORITIES.

    `shared` is set on a child that was forwarded: the agreement, fields and roles that the recipient may see.
    """

    __tablename__ = "referral"
    __table_args__ = (
        Index(
            "ix_referral_queue",
            "organisation_id",
            "priority",
            "due_on",
            "id",
            postgresql_where=text("status = 'WAITING'"),
            sqlite_where=text("status = 'WAITING'"),
        ),
        Index(
            "ix_referral_lease",
            "lease_until",
            postgresql_where=text("status = 'CLAIMED'"),
            sqlite_where=text("status = 'CLAIMED'"),
        ),
        Index(
            "ix_referral_parent",
            "parent_id",
            postgresql_where=text("parent_id IS NOT NULL"),
            sqlite_where=text("parent_id IS NOT NULL"),
        ),
        Index("ix_referral_page", "organisation_id", "received_at", "id"),
        Index("ix_referral_signal_id", "signal_id"),
    )

    id: UUID = TableField(primary_key=True)
    signal_id: UUID = TableField(foreign_key="signal.id")
    signal_version: int
    parent_id: UUID | None = TableField(foreign_key="referral.id")
    organisation_id: UUID = TableField(foreign_key="organisation.id")
    contact_point_id: UUID | None
    municipality: str = TableField(max_length=8)
    status: str = TableField(max_length=10)
    version: int
    priority: int
    received_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    due_on: date
    lease_until: datetime | None = TableField(sa_column=Column(Moment))
    held_by: UUID | None
    assigned_to: str | None = TableField(max_length=64)
    decided_at: datetime | None = TableField(sa_column=Column(Moment))
    ended_at: datetime | None = TableField(sa_column=Column(Moment))
    outcome: str | None = TableField(max_length=40)
    shared: dict[str, Any] | None = TableField(sa_column=Column(Json))


class ReferralStep(SQLModel, table=True):
    """One move of a referral: the history that its holder sees."""

    __tablename__ = "referral_step"

    id: UUID = TableField(primary_key=True)
    referral_id: UUID = TableField(foreign_key="referral.id", index=True)
    version: int
    move: str = TableField(max_length=10)
    status: str = TableField(max_length=10)
    at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    organisation_id: UUID | None
    actor: str | None = TableField(max_length=64)


class ReferralClaim(SQLModel, table=True):
    """An answered claim, so that a lost answer can be asked for again."""

    __tablename__ = "referral_claim"
    __table_args__ = (UniqueConstraint("client_id", "key"),)

    id: UUID = TableField(primary_key=True)
    client_id: UUID
    key: UUID
    digest: str = TableField(max_length=60)
    referral_ids: list[str] = TableField(sa_column=Column(Json, nullable=False))
    lease_until: datetime = TableField(sa_column=Column(Moment, nullable=False))
    created_at: datetime = TableField(sa_column=Column(Moment, nullable=False))


class ClaimRequest(Wire):
    """How many of the most urgent waiting referrals, for how long."""

    limit: int = Field(10, ge=1, le=MAX_CLAIM)
    lease_seconds: int = Field(900, ge=MIN_LEASE_SECONDS, le=MAX_LEASE_SECONDS)
    priority: Priority | None = None
    municipality: MunicipalityCode | None = None


class ForwardingRequest(Wire):
    """To whom, and which persons of the signal it concerns (their places, from 0; all by default)."""

    organisation: UUID
    persons: list[Annotated[int, Field(ge=0, lt=MAX_PERSONS)]] | None = Field(
        None, min_length=1, max_length=MAX_PERSONS
    )


class ClosureRequest(Wire):
    """How it ended."""

    outcome: ReferralOutcome


class Reporter(Answer):
    """Whom to phone. Who the person is, people exchange outside the register."""

    organisation: str
    type: str


class Step(Answer):
    """One line of the history."""

    at: Instant
    move: str
    status: str
    actor: str | None = None


class DecisionRead(Answer):
    """Why the signal came here: rule set, rule, explanation, suggestions, advice."""

    rule_set: int
    rule: str
    explanation: Text
    suggestions: list[dict[str, Any]]
    advice: list[dict[str, Any]]


class ReferralRead(Answer):
    """A referral as its own queue reads it; a recipient hears who forwarded it, not who reported.

    What the signal said is not shown any more once the referral was withdrawn or has expired.
    """

    id: UUID
    status: str
    version: int
    priority: Priority
    received_at: Instant
    due_on: date
    lease_until: Instant | None = None
    assigned_to: str | None = None
    outcome: str | None = None
    parent: UUID | None = None
    children: list[UUID] = []
    reporter: Reporter | None = None
    forwarded_by: str | None = None
    partner_reference: str | None = None
    signal: dict[str, Any] | None = None
    decision: DecisionRead | None = None
    history: list[Step]


class ClaimAnswer(Answer):
    """The claimed referrals, most urgent first, and until when they are yours."""

    items: list[ReferralRead]
    lease_until: Instant


class ReferralPage(Answer):
    """A page of the queue; the Link header leads on."""

    items: list[ReferralRead]
