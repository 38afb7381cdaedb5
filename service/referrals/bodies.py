"""What is sent about referrals: claims and the steps of the queue."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from service.referrals.models import PRIORITIES
from service.screening.texts import Note, StaffId
from service.signals.models import MAX_PERSONS
from service.vocabulary.types import (
    MunicipalityCode,
    OneOf,
    OrganisationType,
    QuestionKind,
    ReferralOutcome,
    ReturnReason,
)
from service.wire import Wire, fault

Priority = Annotated[str, OneOf(PRIORITIES)]
MAX_CLAIM = 50
MIN_LEASE_SECONDS = 30
MAX_LEASE_SECONDS = 3600


class ClaimRequest(Wire):
    """How many of the most urgent waiting referrals, for how long."""

    limit: int = Field(10, ge=1, le=MAX_CLAIM)
    lease_seconds: int = Field(900, ge=MIN_LEASE_SECONDS, le=MAX_LEASE_SECONDS)
    priority: Priority | None = None
    municipality: MunicipalityCode | None = None


class RenewalRequest(Wire):
    """For how long from now on."""

    lease_seconds: int = Field(900, ge=MIN_LEASE_SECONDS, le=MAX_LEASE_SECONDS)


class ForwardingRequest(Wire):
    """To whom, and which persons of the signal it concerns (their places, from 0; all by default).

    `withhold_feedback`: the reporter hears only that nothing can be told, as an investigation may ask for.
    """

    organisation: UUID
    persons: list[Annotated[int, Field(ge=0, lt=MAX_PERSONS)]] | None = Field(
        None, min_length=1, max_length=MAX_PERSONS
    )
    withhold_feedback: bool = False


class RecallRequest(Wire):
    """Which of the open children is taken back."""

    child: UUID


class ClosureRequest(Wire):
    """How it ended. `withhold_feedback`: the reporter hears only that nothing can be told."""

    outcome: ReferralOutcome
    withhold_feedback: bool = False


class ReturnRequest(Wire):
    """Why somebody else has to take it."""

    reason: ReturnReason


class AssignmentRequest(Wire):
    """The colleague who goes on with it, as an opaque staff id."""

    actor: StaffId


class QuestionRequest(Wire):
    """A question to the reporter: in words, or for permission to forward to one kind of organisation."""

    kind: QuestionKind
    text: Note | None = None
    organisation_type: OrganisationType | None = None

    @model_validator(mode="after")
    def _says_what_it_asks(self) -> Self:
        permission = self.kind == "PERMISSION"
        if permission and self.organisation_type is None:
            raise fault("incomplete", "A question for permission names the organisationType to forward to.")
        if not permission and (self.text is None or self.organisation_type is not None):
            raise fault("incomplete", "A question for information has a text, and no organisationType.")
        return self


class AnswerRequest(Wire):
    """A reporter's answer: a text, or for a permission whether it is given."""

    question: UUID
    text: Note | None = None
    permitted: bool | None = None


class PlacementRequest(Wire):
    """The contact point that takes what was returned twice."""

    contact_point: UUID
