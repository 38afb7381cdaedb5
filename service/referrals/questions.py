"""Questions of a contact point to the reporter, and the answers: in screened words, or a permission to forward.

The texts are sealed. A question stops no clock and has a term of its own. The contact point that holds the referral
now reads the answer, whoever asked. The same answer again is the same answer.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.errors import Fault, Invalid, NotFound
from service.pseudonyms import actions as sealed_side
from service.pseudonyms.queries import present_seal
from service.pseudonyms.sealing import QUESTIONS, Sealer
from service.referrals import errors
from service.referrals.bodies import AnswerRequest, QuestionRequest
from service.referrals.correspondence import questions_of
from service.referrals.feedback import tell_reporter
from service.referrals.following import open_root
from service.referrals.models import PERMISSION, Question, Referral
from service.referrals.steps import ACTIVITY, agreement_of, check_move, held, take
from service.referrals.terms import due_on
from service.signals.models import Signal
from service.signals.queries import own

MOST_OPEN = 5


async def ask(
    session: AsyncSession,
    caller: Caller,
    sealer: Sealer,
    *,
    referral_id: UUID,
    version: int,
    request: QuestionRequest,
) -> None:
    """Ask the reporter; raises `NotPossibleNow` for a recipient, `TooManyQuestions`, `NoSuchRecipient`."""
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "ask")
    if referral.shared is not None:
        raise errors.NotPossibleNow
    if await _open_questions(session, referral) >= MOST_OPEN:
        raise errors.TooManyQuestions
    agreement = await agreement_of(session, referral.signal_id)
    if request.organisation_type and request.organisation_type not in {one.to for one in agreement.sharing}:
        raise errors.NoSuchRecipient
    now, id_ = clock.now(), new_id()
    due = due_on(clock.local_day(now), agreement.terms.answer_working_days)
    session.add(_question(id_, referral, caller, request, now, due))
    await session.flush()
    seal = await present_seal(session, sealer)
    sealed = {
        "question_id": id_,
        "signal_id": referral.signal_id,
        "key_label": seal.label,
        "question": seal.close_text(request.text, "question", id_, table=QUESTIONS),
        "answer": None,
    }
    await sealed_side.seal_question(session, sealed)
    await take(session, caller, referral, "ask", detail=request.kind)
    await tell_reporter(session, referral.signal_id, "F05_NEED_INFO", question_id=id_)


async def answer(
    session: AsyncSession, caller: Caller, sealer: Sealer, *, signal_id: UUID, request: AnswerRequest
) -> dict[str, Any]:
    """Answer a question about one's own signal; the question as it is now.

    Raises `NotFound`, `NoSuchQuestion`, `AnsweredAlready`, `NobodyAsksAnyMore`, `Invalid`.
    """
    signal = select(Signal).where(Signal.id == signal_id, own(caller)).with_for_update(key_share=True)
    if (await session.scalars(signal)).one_or_none() is None:
        raise NotFound
    question = await session.get(Question, request.question)
    if question is None or question.signal_id != signal_id:
        raise errors.NoSuchQuestion
    _check_form(question, request)
    if question.answered_at is not None:
        return await _the_same(session, sealer, question, request)
    root = await open_root(session, signal_id)
    if root is None or (question.kind == PERMISSION and question.signal_version != root.signal_version):
        raise errors.NobodyAsksAnyMore
    question.answered_at, question.permitted = clock.now(), request.permitted
    await session.flush()
    seal = await present_seal(session, sealer)
    await sealed_side.seal_answer(session, sealer, seal, question_id=question.id, answer=request.text)
    await trail.append(
        session, [trail.entry(caller.who, "question.answer", ACTIVITY, "question", question.id)]
    )
    await take(session, caller, root, "answer", detail=question.kind)
    return await _told(session, sealer, question)


def _question(
    id_: UUID, referral: Referral, caller: Caller, request: QuestionRequest, now: Any, due: Any
) -> Question:
    return Question(
        id=id_,
        referral_id=referral.id,
        signal_id=referral.signal_id,
        signal_version=referral.signal_version,
        kind=request.kind,
        organisation_type=request.organisation_type,
        asked_at=now,
        asked_by=caller.actor,
        due_on=due,
        answered_at=None,
        permitted=None,
    )


async def _open_questions(session: AsyncSession, referral: Referral) -> int:
    """How many of this referral can still be answered."""
    for_now = or_(Question.kind != PERMISSION, Question.signal_version == referral.signal_version)
    unanswered = select(func.count()).where(
        Question.referral_id == referral.id, Question.answered_at.is_(None), for_now
    )
    return await session.scalar(unanswered) or 0


def _check_form(question: Question, request: AnswerRequest) -> None:
    """Words answer a question for information, yes or no one for permission."""
    if question.kind == PERMISSION and request.permitted is None:
        raise Invalid(errors=[Fault("/permitted", "required", "Say whether you permit it.")])
    if question.kind != PERMISSION and request.text is None:
        raise Invalid(errors=[Fault("/text", "required", "Answer in words.")])
    if question.kind != PERMISSION and request.permitted is not None:
        raise Invalid(errors=[Fault("/permitted", "not-for-this-kind", "No permission was asked for.")])


async def _the_same(
    session: AsyncSession, sealer: Sealer, question: Question, request: AnswerRequest
) -> dict[str, Any]:
    told = await _told(session, sealer, question)
    if told.get("answer") != request.text or question.permitted != request.permitted:
        raise errors.AnsweredAlready
    return told


async def _told(session: AsyncSession, sealer: Sealer, question: Question) -> dict[str, Any]:
    found = await questions_of(session, sealer, [question.signal_id])
    return next(one for one in found[question.signal_id] if one["id"] == question.id)
