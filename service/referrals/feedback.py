"""What the reporter hears: a code at each step, never content.

That it was received stands in the signal itself. The first word on what became of it is marked with whether it came
within the agreed term: the share is published. Written in the transaction of the step; the reporter's feed tells
that there is something to read.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.columns import new_id
from service.errors import NotFound
from service.events.actions import announce, event
from service.pseudonyms.sealing import Sealer
from service.referrals.correspondence import questions_of
from service.referrals.models import Feedback
from service.referrals.reads import FeedbackRead
from service.referrals.steps import agreement_of
from service.referrals.terms import due_on
from service.rows import insert_rows
from service.signals.models import Signal
from service.signals.queries import own

RECEIVED = "F01_RECEIVED"
DECLINED = frozenset({"DECLINED_INSUFFICIENT", "DECLINED_NOT_COMPETENT"})
# What says what became of a signal: that it is taken up or not, who has it now, or that nothing can be told.
TELLING = frozenset({"F02_TAKEN_UP", "F03_NOT_TAKEN_UP", "F04_REFERRED", "F08_NO_FEEDBACK_POSSIBLE"})

_feedback = Feedback.__table__


async def tell_reporter(
    session: AsyncSession,
    signal_id: UUID,
    code: str,
    *,
    reason: str | None = None,
    organisation_type: str | None = None,
    question_id: UUID | None = None,
) -> None:
    """Write feedback of a code of `feedback_code` with what belongs to it, and its event."""
    now = clock.now()
    signal = await session.get_one(Signal, signal_id)
    row = {
        "id": new_id(),
        "signal_id": signal_id,
        "code": code,
        "at": now,
        "reason": reason,
        "organisation_type": organisation_type,
        "question_id": question_id,
        "within_term": await _within_term(session, signal) if code in TELLING else None,
    }
    await insert_rows(session, _feedback, [row])
    path = f"/v1/signals/{signal_id}/feedback"
    await announce(
        session, [event("signal.feedback", path, signal.organisation_id, now, audience="reporter")]
    )


async def _within_term(session: AsyncSession, signal: Signal) -> bool | None:
    """Whether a first word comes within the term; None if there was one before."""
    earlier = select(_feedback.c.id).where(
        _feedback.c.signal_id == signal.id, _feedback.c.within_term.is_not(None)
    )
    if (await session.execute(earlier.limit(1))).first() is not None:
        return None
    terms = (await agreement_of(session, signal.id)).terms
    last = due_on(clock.local_day(signal.received_at), terms.feedback_working_days)
    return clock.local_day(clock.now()) <= last


async def feedback_of(
    session: AsyncSession, caller: Caller, sealer: Sealer, signal_id: UUID
) -> Sequence[FeedbackRead]:
    """What a reporter has heard about its own signal, oldest first; raises `NotFound`."""
    signal = (await session.scalars(select(Signal).where(Signal.id == signal_id, own(caller)))).one_or_none()
    if signal is None:
        raise NotFound
    questions = {
        one["id"]: one for one in (await questions_of(session, sealer, [signal_id])).get(signal_id, ())
    }
    rows = await session.execute(
        select(_feedback).where(_feedback.c.signal_id == signal_id).order_by(_feedback.c.at, _feedback.c.id)
    )
    received = FeedbackRead(code=RECEIVED, at=signal.received_at)
    return [received, *(_read(row, questions) for row in rows)]


def _read(row: Any, questions: dict[UUID, dict[str, Any]]) -> FeedbackRead:
    return FeedbackRead(
        code=row.code,
        at=row.at,
        reason=row.reason,
        organisation_type=row.organisation_type,
        question=questions.get(row.question_id) if row.question_id else None,
    )
