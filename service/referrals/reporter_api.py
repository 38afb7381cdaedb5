"""The doors through which a reporter hears about its signals, and answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from service.answers import JsonResponse
from service.caller import Caller
from service.doors import Reading, Recording, Writing, entering
from service.problems import JsonRoute
from service.pseudonyms.api import Unsealing
from service.referrals import questions
from service.referrals.bodies import AnswerRequest
from service.referrals.feedback import feedback_of
from service.referrals.reads import FeedbackList, QuestionRead
from service.trail import entry

router = APIRouter(
    prefix="/signals/{signal_id}", tags=["feedback"], route_class=JsonRoute, redirect_slashes=False
)

ReadingSignals = Annotated[Caller, entering("signals:read")]
WritingSignals = Annotated[Caller, entering("signals:write")]


@router.get("/feedback", operation_id="list_feedback", response_model_exclude_none=True)
async def list_feedback(
    caller: ReadingSignals, signal_id: UUID, session: Reading, sealer: Unsealing, trail: Recording
) -> FeedbackList:
    """What became of one's own signal: codes, and the questions that wait for an answer."""
    items = await feedback_of(session, caller, sealer, signal_id)
    await trail.record(entry(caller.who, "feedback.read", "feedback", "signal", signal_id))
    return FeedbackList(items=list(items))


@router.post(
    "/answers",
    operation_id="answer_question",
    status_code=201,
    responses={201: {"model": QuestionRead}},
)
async def answer_question(
    caller: WritingSignals, signal_id: UUID, body: AnswerRequest, session: Writing, sealer: Unsealing
) -> Response:
    """Answer a question about one's own signal; the same answer again changes nothing."""
    told = await questions.answer(session, caller, sealer, signal_id=signal_id, request=body)
    return JsonResponse(told, 201)
