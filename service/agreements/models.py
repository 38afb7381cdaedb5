"""Shapes of a working agreement: its content on the wire, and the table that keeps its versions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, ValidationInfo, field_validator
from sqlalchemy import Column
from sqlmodel import Field as TableField
from sqlmodel import SQLModel

from service.access.roles import Role
from service.agreements.fields import OptionalField, SharedField
from service.columns import Json, Moment
from service.vocabulary.types import LegalBasis, MunicipalityCode, OrganisationType, PersonRole, SignalType
from service.wire import LINE_PATTERN, Answer, Day, Distinct, Instant, Text, Wire, fault


class Sending(Wire):
    """What organisations of one type may send. `note`: whether a screened free text is open."""

    types: Annotated[frozenset[SignalType], Field(max_length=60), Distinct]
    roles: Annotated[frozenset[PersonRole], Field(max_length=20), Distinct]
    legal_bases: Annotated[frozenset[LegalBasis], Field(max_length=40), Distinct]
    fields: Annotated[frozenset[OptionalField], Field(max_length=40), Distinct]
    note: StrictBool = False


class Sharing(Wire):
    """What may be forwarded to recipients of one type: fields, and only persons in these roles."""

    to: OrganisationType
    fields: Annotated[frozenset[SharedField], Field(max_length=40), Distinct]
    roles: Annotated[frozenset[PersonRole], Field(max_length=20), Distinct]
    conditions: Text


class Terms(Wire):
    """Terms in working days; retention in months (at most 24), that of the feed in days.

    Decision and feedback count from receipt, handling from the day on which a referral was accepted or forwarded,
    an answer from the day of the question.
    """

    decision_working_days: Annotated[int, Field(ge=1, le=30)] = 5
    feedback_working_days: Annotated[int, Field(ge=1, le=60)] = 10
    handling_working_days: Annotated[int, Field(ge=1, le=260)] = 30
    answer_working_days: Annotated[int, Field(ge=1, le=30)] = 5
    retention_months: Annotated[int, Field(ge=1, le=24)] = 12
    feed_days: Annotated[int, Field(ge=7, le=730)] = 90


class Escalation(Wire):
    """One step of the ladder: so many working days after the due day, this function reads along."""

    after_working_days: Annotated[int, Field(ge=0, le=60)]
    to: Literal["DEPUTY", "REGIONAL"]


class AgreementContent(Wire):
    """The content of one version."""

    purposes: list[Text] = Field(min_length=1, max_length=20)
    parties: Annotated[frozenset[UUID], Field(min_length=1, max_length=500), Distinct]
    municipalities: Annotated[frozenset[MunicipalityCode], Field(min_length=1, max_length=400), Distinct]
    sending: dict[OrganisationType, Sending]
    sharing: list[Sharing] = Field(default=[], max_length=40)
    terms: Terms = Terms()
    escalation: list[Escalation] = Field(default=[], max_length=10)


class Agreement(SQLModel, table=True):
    """One version of an agreement, in force from a day until a day (None: until succeeded).

    `revision` counts changes of this row (its ETag); a version in force never changes its content. `authors` are all
    who wrote at the draft, `drafted_by` the last of them.
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
    authors: list[str] = TableField(sa_column=Column(Json, nullable=False))
    activated_at: datetime | None = TableField(sa_column=Column(Moment))
    activated_by: str | None = TableField(max_length=64)
    ended_at: datetime | None = TableField(sa_column=Column(Moment))
    ended_by: str | None = TableField(max_length=64)


class AgreementDraft(Wire):
    """A version on the wire; `succeeds` names the version in force that it takes the place of."""

    title: Annotated[str, Field(min_length=1, max_length=160, pattern=LINE_PATTERN)]
    content: AgreementContent
    valid_from: Day
    valid_until: Day | None = None
    succeeds: UUID | None = None

    @field_validator("valid_until")
    @classmethod
    def _ends_after_it_begins(cls, value: date | None, info: ValidationInfo) -> date | None:
        begins = info.data.get("valid_from")
        if value is not None and begins is not None and value < begins:
            raise fault("before-it-begins", "The last day lies before the first.")
        return value


class AgreementRead(Answer):
    """A version as administrators and auditors read it."""

    id: UUID
    version: int
    title: str
    status: Literal["DRAFT", "IN_FORCE", "ENDED"]
    content: AgreementContent
    valid_from: date
    valid_until: date | None = None
    succeeds: UUID | None = None
    created_at: Instant
    drafted_by: str | None = None
    activated_at: Instant | None = None
    activated_by: str | None = None
    ended_at: Instant | None = None
    ended_by: str | None = None


class AgreementPage(Answer):
    items: list[AgreementRead]


class MyClient(Answer):
    id: UUID
    role: Role
    scopes: list[str]
    municipalities: list[str]
    actor_required: bool


class MyOrganisation(Answer):
    id: UUID
    name: str
    type: OrganisationType


class MySending(Answer):
    """What this client may send today; anything else is refused."""

    types: list[str]
    roles: list[str]
    legal_bases: list[str]
    fields: list[str]
    note: bool


class MyReceiving(Answer):
    """What may be forwarded to this organisation."""

    fields: list[str]
    roles: list[str]
    conditions: Text


class MyAgreement(Answer):
    """The working agreement that holds today for this organisation, as far as it is about it."""

    id: UUID
    version: int
    title: str
    valid_from: date
    valid_until: date | None = None
    terms: Terms
    sending: MySending | None = None
    sending_for: dict[str, MySending] | None = Field(
        None, description="For a contact point: what it may enter for organisations of each type that phone."
    )
    receiving: list[MyReceiving]


class Me(Answer):
    """Who a token is for, and what its client may do; `keyService` is where it has its tokens made."""

    client: MyClient
    organisation: MyOrganisation
    agreement: MyAgreement | None = None
    key_service: str | None = None
