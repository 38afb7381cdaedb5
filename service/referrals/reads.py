"""What is told about referrals."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from service.referrals.bodies import Priority
from service.vocabulary.types import FeedbackCode, MunicipalityCode, QuestionKind
from service.wire import Answer, Instant, Text


class Reporter(Answer):
    """Whom to phone. Who the person is, people exchange outside the register."""

    organisation: str
    type: str
    function: str | None = None
    phone: str | None = None


class Step(Answer):
    """One line of the history.

    `detail` is why it was returned, to which kind of organisation it went, what was asked, or who has it now.
    """

    at: Instant
    move: str
    status: str
    actor: str | None = None
    detail: str | None = None


class Child(Answer):
    """What was forwarded to a recipient, and what became of it there; `reason`: why it was returned."""

    id: UUID
    organisation: str
    type: str
    status: str
    due_on: date
    outcome: str | None = None
    reason: str | None = None


class QuestionRead(Answer):
    """A question to the reporter, with its answer once there is one."""

    id: UUID
    kind: QuestionKind
    organisation_type: str | None = None
    text: str | None = None
    asked_at: Instant
    due_on: date
    answered_at: Instant | None = None
    answer: str | None = None
    permitted: bool | None = None


class EscalationRead(Answer):
    """That the term until a day passed, and who reads along since: the holder heard of it first."""

    at: Instant
    due_on: date
    reader: Literal["HOLDER", "DEPUTY", "REGIONAL"]


class DecisionRead(Answer):
    """Why the signal came here: rule set, rule, explanation, suggestions, advice."""

    rule_set: int
    rule: str
    explanation: Text
    suggestions: list[dict[str, Any]]
    advice: list[dict[str, Any]]


class ReferralRead(Answer):
    """A referral as its own queue reads it; a recipient hears who forwarded it, not who reported.

    `due_on` is the last day of the term of its present state.

    What the signal said is not shown any more once the referral was returned or withdrawn, or has expired, nor when
    the signal was corrected after the referral had ended.
    """

    id: UUID
    status: str
    version: int
    priority: Priority
    received_at: Instant
    due_on: date
    lease_until: Instant | None = None
    assigned_to: str | None = None
    outcome: str | None = None
    parent: UUID | None = None
    returned_from: UUID | None = None
    children: list[Child]
    reporter: Reporter | None = None
    forwarded_by: str | None = None
    partner_reference: str | None = None
    signal: dict[str, Any] | None = None
    decision: DecisionRead | None = None
    questions: list[QuestionRead]
    escalations: list[EscalationRead]
    history: list[Step]


class ClaimAnswer(Answer):
    """The claimed referrals, most urgent first, and until when they are yours."""

    items: list[ReferralRead]
    lease_until: Instant


class ReferralPage(Answer):
    """A page of the queue; the Link header leads on."""

    items: list[ReferralRead]


class Workload(Answer):
    """A queue's own figures. `due_today` and `overdue` are of everything open, `mine` of what the actor accepted."""

    waiting: int
    claimed: int
    accepted: int
    forwarded: int
    due_today: int
    overdue: int
    mine: int
    questions_open: int
    reading_along: int


class ReturnStep(Answer):
    """Who returned it, when, and why."""

    at: Instant
    organisation: str
    reason: str


class ReturnedReferral(Answer):
    """What is in nobody's queue, without its content."""

    id: UUID
    version: int
    municipality: MunicipalityCode
    priority: Priority
    received_at: Instant
    due_on: date
    returns: list[ReturnStep]


class ReturnedList(Answer):
    """What waits for the administration, most urgent first."""

    items: list[ReturnedReferral]


class FeedbackRead(Answer):
    """One thing that the reporter hears, as a code of `feedback_code`."""

    code: FeedbackCode
    at: Instant
    reason: str | None = None
    organisation_type: str | None = None
    question: QuestionRead | None = None


class FeedbackList(Answer):
    """What was heard about a signal, oldest first."""

    items: list[FeedbackRead]
