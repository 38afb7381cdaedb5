"""The shapes of events and of the feed (CloudEvents in form: id, type, subject, time)."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from service.columns import Moment
from service.wire import Answer, Instant

# Whose clients hear of it; a coordinator also hears what is for recipients of its organisation.
Audience = Literal["reporter", "coordinator", "recipient"]
EventType = Literal[
    "signal.received",
    "signal.corrected",
    "signal.withdrawn",
    "signal.feedback",
    "referral.waiting",
    "referral.waiting-acute",
    "referral.claim",
    "referral.lapse",
    "referral.release",
    "referral.renew",
    "referral.accept",
    "referral.assign",
    "referral.return",
    "referral.place",
    "referral.forward",
    "referral.recall",
    "referral.resume",
    "referral.close",
    "referral.ask",
    "referral.answer",
    "referral.correct",
    "referral.withdraw",
    "referral.expire",
    "referral.overdue",
    "referral.escalated",
]


class Event(SQLModel, table=True):
    """One event for one organisation. `sequence` is its number in the feed of that organisation, given later.

    `municipality` is that of the referral it is about: the territory of a client narrows its feed as it does its queue.
    """

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("organisation_id", "sequence"),
        Index(
            "ix_event_unnumbered",
            "at",
            "id",
            postgresql_where=text("sequence IS NULL"),
            sqlite_where=text("sequence IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    type: str = Field(max_length=60)
    subject: str = Field(max_length=120)
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    organisation_id: UUID
    audience: str = Field(max_length=12)
    municipality: str | None = Field(max_length=8)
    sequence: int | None


class EventFeed(SQLModel, table=True):
    """How far the feed of an organisation is numbered, and from where on it is kept."""

    __tablename__ = "event_feed"

    organisation_id: UUID = Field(primary_key=True)
    first_sequence: int
    last_sequence: int


class EventRead(Answer):
    """An event in the form of CloudEvents 1.0 (NL GOV profile): that something happened, and where to read what."""

    id: UUID
    specversion: Literal["1.0"] = "1.0"
    source: str
    type: str
    subject: str
    time: Instant
    dataref: str


class Feed(Answer):
    """Events in their order; `after` is where to go on, also when there is nothing more yet."""

    items: list[EventRead]
    after: str
