"""Shapes of a working agreement: its content on the wire, and the table that keeps its versions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import Column
from sqlmodel import Field as TableField
from sqlmodel import SQLModel

from service.agreements.fields import OptionalField
from service.columns import Json, Moment
from service.vocabulary.types import LegalBasis, MunicipalityCode, OrganisationType, PersonRole, SignalType
from service.wire import Text, Wire


class Sending(Wire):
    """What organisations of one type may send. `note`: whether a screened free text is open."""

    types: frozenset[SignalType]
    roles: frozenset[PersonRole]
    legal_bases: frozenset[LegalBasis]
    fields: frozenset[OptionalField]
    note: bool = False


class Sharing(Wire):
    """What may be forwarded to recipients of one type: fields, and only persons in these roles."""

    to: OrganisationType
    fields: frozenset[str]
    roles: frozenset[PersonRole]
    conditions: Text


class Terms(Wire):
    """Terms in working days, retention in months (at most 24)."""

    decision_working_days: Annotated[int, Field(ge=1, le=30)] = 5
    feedback_working_days: Annotated[int, Field(ge=1, le=60)] = 10
    retention_months: Annotated[int, Field(ge=1, le=24)] = 12


class Escalation(Wire):
    """One step of the ladder: so many working days after the due day, this function reads along."""

    after_working_days: Annotated[int, Field(ge=0, le=60)]
    to: Literal["DEPUTY", "REGIONAL"]


class AgreementContent(Wire):
    """The content of one version."""

    purposes: list[Text] = Field(min_length=1)
    parties: frozenset[UUID] = Field(min_length=1)
    municipalities: frozenset[MunicipalityCode] = Field(min_length=1)
    sending: dict[OrganisationType, Sending]
    sharing: list[Sharing] = []
    terms: Terms = Terms()
    escalation: list[Escalation] = []


class Agreement(SQLModel, table=True):
    """One version of an agreement, in force from a day until a day (None: until succeeded).

    `revision` counts changes of this row (its ETag); a version in force never changes its content.
    """

    __tablename__ = "agreement"

    id: UUID = TableField(primary_key=True)
    version: int
    title: str = TableField(max_length=160)
    status: str = TableField(max_length=10)
    content: dict[str, object] = TableField(sa_column=Column(Json, nullable=False))
    valid_from: date
    valid_until: date | None
    created_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    revision: int
    succeeds_id: UUID | None
    drafted_by: str | None = TableField(max_length=64)
    activated_at: datetime | None = TableField(sa_column=Column(Moment))
    activated_by: str | None = TableField(max_length=64)
    ended_at: datetime | None = TableField(sa_column=Column(Moment))
    ended_by: str | None = TableField(max_length=64)
