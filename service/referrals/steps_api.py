"""The doors of the steps: each shows the version that it was decided on, and answers with the referral as it is now."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from service.answers import JsonResponse
from service.caller import Caller
from service.doors import IfMatch, Writing
from service.problems import JsonRoute
from service.pseudonyms.api import Unsealing
from service.pseudonyms.sealing import Sealer
from service.referrals import actions, forwarding, queries, questions, returning
from service.referrals.api import WorkingQueue
from service.referrals.bodies import (
    AssignmentRequest,
    ClosureRequest,
    ForwardingRequest,
    QuestionRequest,
    RecallRequest,
    RenewalRequest,
    ReturnRequest,
)
from service.referrals.reads import ReferralRead

router = APIRouter(
    prefix="/referrals/{referral_id}",
    tags=["referrals"],
    route_class=JsonRoute,
    redirect_slashes=False,
)
TELLS: dict[int | str, dict[str, Any]] = {200: {"model": ReferralRead}}


@router.post("/acceptance", operation_id="accept_referral", responses=TELLS)
async def accept_referral(
    caller: WorkingQueue, referral_id: UUID, version: IfMatch, session: Writing, sealer: Unsealing
) -> Response:
    """Take on a claimed referral: it has no lease any more and is yours."""
    await actions.accept(session, caller, referral_id=referral_id, version=version)
    return await _current(session, caller, sealer, referral_id)


@router.post("/renewal", operation_id="renew_referral", responses=TELLS)
async def renew_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    body: RenewalRequest,
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """Keep a claimed referral for a while longer, three times at most."""
    await actions.renew(session, caller, referral_id=referral_id, version=version, request=body)
    return await _current(session, caller, sealer, referral_id)


@router.post("/release", operation_id="release_referral", responses=TELLS)
async def release_referral(
    caller: WorkingQueue, referral_id: UUID, version: IfMatch, session: Writing, sealer: Unsealing
) -> Response:
    """Put a claimed referral back, for a colleague to claim."""
    await actions.release(session, caller, referral_id=referral_id, version=version)
    return await _current(session, caller, sealer, referral_id)


@router.post("/assignment", operation_id="assign_referral", responses=TELLS)
async def assign_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    body: AssignmentRequest,
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """Let a colleague go on with an accepted referral."""
    await actions.assign(session, caller, referral_id=referral_id, version=version, request=body)
    return await _current(session, caller, sealer, referral_id)


@router.post("/return", operation_id="return_referral", responses=TELLS)
async def return_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    body: ReturnRequest,
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """Return a referral with a reason: to the covering contact point, or to the one that forwarded it."""
    await returning.hand_back(session, caller, referral_id=referral_id, version=version, request=body)
    return await _current(session, caller, sealer, referral_id)


@router.post("/forwarding", operation_id="forward_referral", responses=TELLS)
async def forward_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    body: ForwardingRequest,
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """Forward an accepted referral to a recipient, with what the agreement shares and no more."""
    await forwarding.forward(session, caller, referral_id=referral_id, version=version, request=body)
    return await _current(session, caller, sealer, referral_id)


@router.post("/recall", operation_id="recall_referral", responses=TELLS)
async def recall_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    body: RecallRequest,
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """Take back from a recipient what was forwarded; when no other has it, it is yours to go on with."""
    await forwarding.recall(session, caller, referral_id=referral_id, version=version, request=body)
    return await _current(session, caller, sealer, referral_id)


@router.post("/questions", operation_id="ask_reporter", responses=TELLS)
async def ask_reporter(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    body: QuestionRequest,
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """Ask the reporter for more, or for permission to forward what a handling code stops."""
    await questions.ask(session, caller, sealer, referral_id=referral_id, version=version, request=body)
    return await _current(session, caller, sealer, referral_id)


@router.post("/closure", operation_id="close_referral", responses=TELLS)
async def close_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    body: ClosureRequest,
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """End an accepted referral with its outcome."""
    await actions.close(session, caller, referral_id=referral_id, version=version, request=body)
    return await _current(session, caller, sealer, referral_id)


async def _current(session: AsyncSession, caller: Caller, sealer: Sealer, referral_id: UUID) -> Response:
    referral = await queries.get_referral(session, caller, sealer, referral_id)
    return JsonResponse(referral, version=referral["version"])
