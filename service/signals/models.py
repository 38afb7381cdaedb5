"""Shapes of a signal: the content that is the same on the wire and in the register, and the tables.

Limits stand here once; intake adds what only a submission has (pseudonyms).
"""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from sqlalchemy import Column, Index, text
from sqlmodel import Field as TableField
from sqlmodel import SQLModel

from service.columns import Json, Moment
from service.vocabulary.types import (
    AgeBand,
    Consent,
    FlagCriterion,
    Gender,
    HandlingCode,
    IndicatorCode,
    InformationReliability,
    LegalBasis,
    MunicipalityOrUnknown,
    Observation,
    PersonRole,
    Setting,
    SeverityFlag,
    SignalType,
    SourceReliability,
    Urgency,
    VictimStatus,
)
from service.wire import Answer, Day, Instant, Wire, fault

MAX_PERSONS = 10
ACTIVE, WITHDRAWN = "ACTIVE", "WITHDRAWN"


def _registrable_type(value: Any) -> Any:
    if value == "SEXTING_CONSENSUAL":
        raise fault(
            "not-registrable",
            "Consensual sexting is no offence and no signal about a person; /v1/guidance tells what to do instead.",
        )
    return value


def _registrable_flag(value: str) -> str:
    if value == "GREEN":
        raise fault(
            "not-registrable",
            "A green flag is acceptable behaviour and no signal about a person; /v1/guidance tells what to do instead.",
        )
    return value


RegistrableType = Annotated[SignalType, BeforeValidator(_registrable_type)]
RegistrableFlag = Annotated[SeverityFlag, AfterValidator(_registrable_flag)]


class Indicator(Wire):
    """An indicator and whether it was seen; UNKNOWN differs from leaving it out."""

    code: IndicatorCode
    observation: Observation


class Municipalities(Wire):
    """Where it happened; UNKNOWN is right for what happens online."""

    incident: MunicipalityOrUnknown


class Source(Wire):
    """Reliability of source and information, 4x4 (Europol Regulation art. 29)."""

    reliability: SourceReliability
    information: InformationReliability


class Group(Wire):
    """A street group instead of persons: how many about, and where."""

    size: int = Field(ge=2, le=50, strict=True)
    setting: Setting


class PersonContent(Wire):
    """A person in a signal, without anything that links to who it is."""

    role: PersonRole
    age_band: AgeBand
    gender: Gender
    municipality: MunicipalityOrUnknown | None = None
    victim_status: VictimStatus | None = None


class SignalContent(Wire):
    """What a signal says, persons aside. `flag_criteria` lists the criteria that are not met."""

    primary_type: RegistrableType
    types: list[RegistrableType] | None = Field(None, min_length=1, max_length=16)
    observed_from: Day
    observed_until: Day | None = None
    municipalities: Municipalities
    settings: list[Setting] = Field([], max_length=17)
    indicators: list[Indicator] = Field([], max_length=60)
    urgency: Urgency | None = None
    flag: RegistrableFlag | None = None
    flag_criteria: list[FlagCriterion] = Field([], max_length=6)
    group: Group | None = None
    source: Source | None = None
    handling_codes: list[HandlingCode] = Field([], max_length=3)
    legal_basis: LegalBasis | None = None
    consent: Consent | None = None


class SignalRead(Answer):
    """A signal as its own reporter reads it: the present version, without the tokens of its persons."""

    id: UUID
    version: int
    status: str
    received_at: Instant
    remove_by: date
    body_digest: str
    signal: SignalContent
    persons: list[PersonContent]
    note: str | None = None
    partner_reference: str | None = None
    entered_by: UUID | None = None
    withdrawn_at: Instant | None = None
    withdrawal_reason: str | None = None


class SignalPage(Answer):
    """A page of one's own signals; the Link header leads on."""

    items: list[SignalRead]


class Signal(SQLModel, table=True):
    """A signal. `content` is a SignalContent; the columns beside it are those that rooms select by.

    `organisation_id` is who reported; `entered_by_id` the contact point that was phoned and entered it.
    """

    __tablename__ = "signal"
    __table_args__ = (
        Index(None, "received_at"),
        Index("ix_signal_page", "organisation_id", "received_at", "id"),
        Index(
            "ix_signal_entered",
            "entered_by_id",
            "received_at",
            "id",
            postgresql_where=text("entered_by_id IS NOT NULL"),
            sqlite_where=text("entered_by_id IS NOT NULL"),
        ),
    )

    id: UUID = TableField(primary_key=True)
    version: int
    status: str = TableField(max_length=12)
    organisation_id: UUID = TableField(foreign_key="organisation.id")
    client_id: UUID
    agreement_id: UUID
    received_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    remove_by: date
    municipality: str = TableField(max_length=8)
    primary_type: str = TableField(max_length=30)
    incident_municipality: str = TableField(max_length=8)
    content: dict[str, Any] = TableField(sa_column=Column(Json, nullable=False))
    body_digest: str = TableField(max_length=60)
    entered_by_id: UUID | None
    withdrawn_at: datetime | None = TableField(sa_column=Column(Moment))
    withdrawal_reason: str | None = TableField(max_length=20)


class SignalVersion(SQLModel, table=True):
    """What a signal said before it was corrected: nothing that was accepted is lost, until it is erased."""

    __tablename__ = "signal_version"

    signal_id: UUID = TableField(primary_key=True, foreign_key="signal.id")
    version: int = TableField(primary_key=True)
    client_id: UUID
    content: dict[str, Any] = TableField(sa_column=Column(Json, nullable=False))
    persons: list[dict[str, Any]] = TableField(sa_column=Column(Json, nullable=False))
    body_digest: str = TableField(max_length=60)
    replaced_at: datetime = TableField(sa_column=Column(Moment, nullable=False))


class SignalPerson(SQLModel, table=True):
    """A person in a signal. `counted_on`: the last day of the period in which it was counted."""

    __tablename__ = "signal_person"

    id: UUID = TableField(primary_key=True)
    signal_id: UUID = TableField(foreign_key="signal.id", index=True)
    position: int
    role: str = TableField(max_length=12)
    age_band: str = TableField(max_length=10)
    gender: str = TableField(max_length=10)
    municipality: str | None = TableField(max_length=8)
    victim_status: str | None = TableField(max_length=10)
    counted_on: date | None
