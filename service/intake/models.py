"""Shapes of intake: what is posted, the receipt, and the table of answered posts."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field as TableField
from sqlmodel import SQLModel

from service import clock
from service.columns import Moment
from service.referrals.bodies import Priority
from service.referrals.reads import DecisionRead
from service.scheme import TOKEN_FORM
from service.screening.reference import REFERENCE_FORM
from service.screening.texts import Note
from service.signals.models import MAX_PERSONS, PersonContent, SignalContent
from service.vocabulary.types import OneOf
from service.wire import Answer, Instant, Wire, fault

UNKNOWN = "UNKNOWN"
UNJUSTIFIED = "UNJUSTIFIED"
WITHDRAWAL_REASONS = (UNJUSTIFIED, "RISK_ENDED", "DUPLICATE", "NOT_A_SIGNAL")
VICTIM_SIDE = frozenset({"VICTIM", "AT_RISK"})

Token = Annotated[str, Field(pattern=rf"^{TOKEN_FORM}$", max_length=60)]
TokenOrUnknown = Annotated[str, Field(pattern=rf"^(UNKNOWN|{TOKEN_FORM})$", max_length=60)]


def _a_reference(value: str) -> str:
    if not re.fullmatch(REFERENCE_FORM, value):
        raise fault(
            "wrong-form", "3–40 of letters, figures and -./, with a letter and no eight figures in a row."
        )
    return value


Reference = Annotated[
    str,
    Field(max_length=40, json_schema_extra={"pattern": f"^{REFERENCE_FORM}$"}),
    AfterValidator(_a_reference),
]


class SubmittedPerson(PersonContent):
    """A person as posted: the same with the token under which the partner knows it."""

    pseudonym: TokenOrUnknown
    also_known_as: list[Token] | None = Field(None, max_length=3)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.victim_status is not None and self.role not in VICTIM_SIDE:
            raise fault("not-for-this-role", "victimStatus belongs to a victim or a person at risk.")
        tokens = self.tokens
        if self.also_known_as and self.pseudonym == UNKNOWN:
            raise fault("not-for-unknown", "A person who is UNKNOWN is not known by another token either.")
        if len(set(tokens)) < len(tokens):
            raise fault("repeated", "A token is given twice.")
        return self

    @property
    def tokens(self) -> list[str]:
        """The tokens by which this person can be matched; none for UNKNOWN."""
        return [] if self.pseudonym == UNKNOWN else [self.pseudonym, *(self.also_known_as or [])]


class SubmittedSignal(SignalContent):
    """The body of a post: a signal with its persons."""

    model_config = ConfigDict(validate_default=True)  # what was left out is judged together with the rest

    persons: list[SubmittedPerson] = Field([], max_length=MAX_PERSONS)
    note: Note | None = None
    partner_reference: Reference | None = None
    reported_by: UUID | None = Field(
        None, description="Only by a contact point, which always names it: the organisation that phoned."
    )

    @field_validator("indicators")
    @classmethod
    def _says_enough(cls, indicators: list[Any], info: Any) -> list[Any]:
        if not indicators and info.data.get("settings") == []:
            raise fault("required", "Give at least one indicator or setting.")
        return indicators

    @field_validator("persons")
    @classmethod
    def _group_or_persons(cls, persons: list[SubmittedPerson], info: Any) -> list[SubmittedPerson]:
        if persons and info.data.get("group") is not None:
            raise fault("group-or-persons", "A street group stands instead of persons.")
        return persons

    @field_validator("types", "settings", "flag_criteria", "handling_codes")
    @classmethod
    def _no_code_twice(cls, codes: list[str] | None) -> list[str] | None:
        if codes and len(set(codes)) < len(codes):
            raise fault("repeated", "A code is given twice.")
        return codes

    @field_validator("indicators")
    @classmethod
    def _no_indicator_twice(cls, indicators: list[Any]) -> list[Any]:
        if len({indicator.code for indicator in indicators}) < len(indicators):
            raise fault("repeated", "An indicator is given twice.")
        return indicators

    @field_validator("observed_from", "observed_until")
    @classmethod
    def _not_in_the_future(cls, day: date | None) -> date | None:
        if day is not None and day > clock.local_day(clock.receipt_moment()):
            raise fault("in-the-future", "This day has not come yet.")
        return day

    @field_validator("observed_until")
    @classmethod
    def _not_before_the_start(cls, until: date | None, info: Any) -> date | None:
        since = info.data.get("observed_from")
        if until is not None and since is not None and until < since:
            raise fault("before-the-start", "observedUntil lies before observedFrom.")
        return until

    @field_validator("consent")
    @classmethod
    def _consent_of_its_ground(cls, consent: str | None, info: Any) -> str | None:
        given = consent is None or consent.startswith("GIVEN")
        if info.data.get("legal_basis") == "CONSENT" and not given:
            raise fault("not-given", "The legal basis is consent, and this says that there is none.")
        return consent

    @field_validator("types")
    @classmethod
    def _includes_the_primary(cls, types: list[str] | None, info: Any) -> list[str] | None:
        primary = info.data.get("primary_type")
        if types is not None and primary is not None and primary not in types:
            raise fault("without-the-primary", "types includes primaryType.")
        return types

    @field_validator("persons")
    @classmethod
    def _nobody_twice_in_one_role(cls, persons: list[SubmittedPerson]) -> list[SubmittedPerson]:
        known = [(person.role, token) for person in persons for token in person.tokens]
        if len(set(known)) < len(known):
            raise fault("repeated", "The same person is given twice in the same role.")
        return persons

    @property
    def all_types(self) -> list[str]:
        return self.types or [self.primary_type]


class ReceiptContactPoint(Answer):
    """Whom to phone about it."""

    organisation: str
    function: str
    phone: str


class ReceiptReferral(Answer):
    """Where the signal went, and by when it will be looked at."""

    contact_point: ReceiptContactPoint
    priority: Priority
    due_on: date


class Check(Answer):
    """What a signal would get if it were posted now; nothing was stored."""

    remove_by: date
    decision: DecisionRead
    referral: ReceiptReferral


class Receipt(Check):
    """The answer to a post; the same whether or not a person is known.

    `body_digest` is the SHA-256 of the body as canonical JSON (RFC 8785), in the form of RFC 9530; without the
    nulls, and without what is sealed: `pseudonym`, `alsoKnownAs`, `note`, `partnerReference`.
    """

    id: UUID
    received_at: Instant
    body_digest: str


class WithdrawalRequest(Wire):
    """Why a signal is withdrawn; one that was UNJUSTIFIED goes at once, the others at their term."""

    reason: Annotated[str, OneOf(WITHDRAWAL_REASONS)]


class BatchLine(Wire):
    """A line of a batch."""

    idempotency_key: UUID
    signal: SubmittedSignal


class Submission(SQLModel, table=True):
    """An answered post: its key, the sealed digest of its body, and the first answer byte for byte.

    `answer` is None once the signal was erased, `digest` where none was kept (before migration 0004).
    """

    __tablename__ = "submission"

    client_id: UUID = TableField(primary_key=True)
    key: UUID = TableField(primary_key=True)
    key_label: str | None = TableField(max_length=20)
    digest: bytes | None = TableField(sa_column=Column(LargeBinary))
    signal_id: UUID
    received_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    answer: bytes | None = TableField(sa_column=Column(LargeBinary))
