"""Shapes of organisations and contact points."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field as WireField
from pydantic import ValidationInfo, field_validator
from sqlalchemy import Column, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from service.access.models import Client
from service.columns import Json, Moment
from service.vocabulary.types import MunicipalityCode, OrganisationType
from service.wire import LINE_PATTERN, Answer, Day, Distinct, Instant, Wire, fault

Level = Literal["LOCAL", "REGIONAL"]
Line = Annotated[str, WireField(min_length=1, max_length=120, pattern=LINE_PATTERN)]
Oin = Annotated[str, WireField(max_length=20, pattern=r"^[0-9]{20}$")]
Phone = Annotated[str, WireField(max_length=30, pattern=r"^\+?[0-9][0-9 ()-]{1,28}$")]


class Organisation(SQLModel, table=True):
    """A partner in the register. `type` is a code of `org_type`; `oin` has 20 digits.

    `function` and `phone` say whom a contact point phones about a signal: a function, never a name.
    """

    __tablename__ = "organisation"

    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=120)
    type: str = Field(max_length=30)
    oin: str | None = Field(max_length=20, unique=True)
    function: str | None = Field(max_length=120)
    phone: str | None = Field(max_length=30)
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))
    version: int


# Said here and not in access, which knows no organisations: the key service has clients too, and none of these.
Client.__table__.append_constraint(ForeignKeyConstraint(["organisation_id"], ["organisation.id"]))  # type: ignore[attr-defined]


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
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))
    version: int


class OrganisationChange(Wire):
    """What may change in an organisation; one of another type is another organisation."""

    name: Line
    oin: Oin | None = None
    function: Line | None = None
    phone: Phone | None = None


class OrganisationCreate(OrganisationChange):
    """A new organisation."""

    type: OrganisationType


class OrganisationRead(Answer):
    id: UUID
    name: str
    type: OrganisationType
    oin: str | None = None
    function: str | None = None
    phone: str | None = None
    created_at: Instant
    ended_at: Instant | None = None


class OrganisationPage(Answer):
    items: list[OrganisationRead]


class ContactPointContent(Wire):
    """A contact point on the wire: functions, never names. Of two, the one valid from the later day serves."""

    level: Level
    municipalities: Annotated[frozenset[MunicipalityCode], WireField(min_length=1, max_length=400), Distinct]
    function: Line
    deputy_function: Line
    phone: Phone
    hours: Line
    valid_from: Day
    valid_until: Day | None = None

    @field_validator("valid_until")
    @classmethod
    def _ends_after_it_begins(cls, value: date | None, info: ValidationInfo) -> date | None:
        begins = info.data.get("valid_from")
        if value is not None and begins is not None and value < begins:
            raise fault("before-it-begins", "The last day lies before the first.")
        return value


class ContactPointRead(Answer):
    id: UUID
    organisation: UUID
    level: Level
    municipalities: list[str]
    function: str
    deputy_function: str
    phone: str
    hours: str
    valid_from: date
    valid_until: date | None = None
    ended_at: Instant | None = None


class ContactPointList(Answer):
    items: list[ContactPointRead]
