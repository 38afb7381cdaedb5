"""The shape of an event (CloudEvents in form: id, type, subject, time; the audience is an organisation)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from service.columns import Moment


class Event(SQLModel, table=True):
    """One event for one organisation. `sequence` is given later by one numbering job."""

    __tablename__ = "event"

    id: UUID = Field(primary_key=True)
    type: str = Field(max_length=60)
    subject: str = Field(max_length=120)
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    organisation_id: UUID
    sequence: int | None = Field(unique=True)
