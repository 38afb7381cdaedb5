"""Shapes of organisations and contact points."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from service.columns import Json, Moment


class Organisation(SQLModel, table=True):
    """A partner in the register. `type` is a code of `org_type`; `oin` has 20 digits."""

    __tablename__ = "organisation"

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=120)
    type: str = Field(max_length=30)
    oin: str | None = Field(max_length=20, unique=True)
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))


class ContactPoint(SQLModel, table=True):
    """A central contact point: a function of an organisation, for municipalities, in a time."""

    __tablename__ = "contact_point"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    level: str = Field(max_length=10)
    municipalities: list[str] = Field(sa_column=Column(Json, nullable=False))
    function: str = Field(max_length=120)
    deputy_function: str = Field(max_length=120)
    phone: str = Field(max_length=30)
    hours: str = Field(max_length=120)
    valid_from: date
    valid_until: date | None
