"""The tables of referrals: the queue, its history, claims, questions, feedback, escalation."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from service.columns import Json, Moment

PRIORITIES = ("HIGH", "NORMAL", "LOW")
PERMISSION = "PERMISSION"
MOST_URGENT = PRIORITIES.index("HIGH")


class Referral(SQLModel, table=True):
    """A referral in the queue of one organisation. `priority` is the place in PRIORITIES.

    `due_on` is the last day of the term of its present state. `shared` is set on a child that was forwarded: the
    agreement, fields and roles that the recipient may see. What a second contact point returned has no
    `organisation_id` until the administration places it.
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
        Index(
            "ix_referral_due",
            "organisation_id",
            "due_on",
            "id",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    signal_id: UUID = Field(foreign_key="signal.id")
    signal_version: int
    parent_id: UUID | None = Field(foreign_key="referral.id")
    returned_from_id: UUID | None = Field(foreign_key="referral.id")
    organisation_id: UUID | None = Field(foreign_key="organisation.id")
    contact_point_id: UUID | None
    municipality: str = Field(max_length=8)
    status: str = Field(max_length=10)
    version: int
    priority: int
    received_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    due_on: date
    lease_until: datetime | None = Field(sa_column=Column(Moment))
    held_by: UUID | None
    claim_id: UUID | None
    renewals: int = Field(0, sa_column_kwargs={"server_default": "0"})
    assigned_to: str | None = Field(max_length=64)
    decided_at: datetime | None = Field(sa_column=Column(Moment))
    ended_at: datetime | None = Field(sa_column=Column(Moment))
    outcome: str | None = Field(max_length=40)
    shared: dict[str, Any] | None = Field(sa_column=Column(Json))


class ReferralStep(SQLModel, table=True):
    """One move of a referral: the history that its holder sees.

    `detail` is a code or an opaque id: why it was returned, to which kind of organisation it went, who has it now.
    """

    __tablename__ = "referral_step"

    id: UUID = Field(primary_key=True)
    referral_id: UUID = Field(foreign_key="referral.id", index=True)
    version: int
    move: str = Field(max_length=10)
    status: str = Field(max_length=10)
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    organisation_id: UUID | None
    actor: str | None = Field(max_length=64)
    detail: str | None = Field(max_length=64)


class ReferralClaim(SQLModel, table=True):
    """An answered claim, so that a lost answer can be asked for again: a referral says by which claim it is held."""

    __tablename__ = "referral_claim"
    __table_args__ = (UniqueConstraint("client_id", "key"),)

    id: UUID = Field(primary_key=True)
    client_id: UUID
    key: UUID
    digest: str = Field(max_length=60)
    lease_until: datetime = Field(sa_column=Column(Moment, nullable=False))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class Question(SQLModel, table=True):
    """A question of a contact point to the reporter; its texts are on the sealed side.

    A `PERMISSION` is about forwarding to one `organisation_type` what this version of the signal says.
    """

    __tablename__ = "question"

    id: UUID = Field(primary_key=True)
    referral_id: UUID = Field(foreign_key="referral.id")
    signal_id: UUID = Field(foreign_key="signal.id", index=True)
    signal_version: int
    kind: str = Field(max_length=12)
    organisation_type: str | None = Field(max_length=30)
    asked_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    asked_by: str | None = Field(max_length=64)
    due_on: date
    answered_at: datetime | None = Field(sa_column=Column(Moment))
    permitted: bool | None


class Feedback(SQLModel, table=True):
    """One thing that the reporter hears, as a code of `feedback_code`.

    `within_term` is set on the first that says what became of the signal: the share of it is published.
    """

    __tablename__ = "feedback"

    id: UUID = Field(primary_key=True)
    signal_id: UUID = Field(foreign_key="signal.id", index=True)
    code: str = Field(max_length=30)
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    reason: str | None = Field(max_length=40)
    organisation_type: str | None = Field(max_length=30)
    question_id: UUID | None
    within_term: bool | None


class ReferralEscalation(SQLModel, table=True):
    """That a term passed and who reads along since: rung 0 tells the holder, the others are those of the ladder."""

    __tablename__ = "referral_escalation"
    __table_args__ = (Index("ix_referral_escalation_organisation_id", "organisation_id", "referral_id"),)

    referral_id: UUID = Field(primary_key=True, foreign_key="referral.id")
    due_on: date = Field(primary_key=True)
    rung: int = Field(primary_key=True)
    reader: str = Field(max_length=10)
    organisation_id: UUID | None = Field(foreign_key="organisation.id")
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
