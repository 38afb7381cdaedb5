"""The doors to the queue."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from service.caller import Caller
from service.doors import IdempotencyKey, IfMatch, Reading, Recording, Writing, entering, link_next
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.pseudonyms.api import Unsealing
from service.pseudonyms.sealing import Sealer
from service.referrals import actions, claims, queries
from service.referrals.models import (
    ClaimAnswer,
    ClaimRequest,
    ClosureRequest,
    ForwardingRequest,
    ReferralPage,
    ReferralRead,
)
from service.trail import entry
from service.vocabulary.types import ReferralStatus
from service.wire import Wire

router = APIRouter(tags=["referrals"], route_class=JsonRoute, redirect_slashes=False)

ReadingQueue = Annotated[Caller, entering("referrals:read")]
WorkingQueue = Annotated[Caller, entering("referrals:work")]


class QueueQuery(Wire):
    """Which part of the queue."""

    status: ReferralStatus | None = None
    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


@router.post(
    "/referral-claims", operation_id="claim_referrals", status_code=201, response_model_exclude_none=True
)
async def claim_referrals(
    caller: WorkingQueue,
    key: IdempotencyKey,
    request: ClaimRequest,
    session: Writing,
    sealer: Unsealing,
) -> ClaimAnswer:
    """Claim the most urgent waiting referrals of one's own queue for a lease."""
    return await claims.claim(session, caller, sealer=sealer, key=key, request=request)


@router.get("/referrals", operation_id="list_referrals", response_model_exclude_none=True)
async def list_referrals(
    caller: ReadingQueue,
    query: Annotated[QueueQuery, Query()],
    session: Reading,
    sealer: Unsealing,
    trail: Recording,
    request: Request,
    response: Response,
) -> ReferralPage:
    """One's own queue, oldest first, page by page."""
    page = await queries.queue_page(
        session, caller, sealer, status=query.status, cursor=query.cursor, limit=query.limit
    )
    await trail.record_all(actions.reads_of(caller, page.items))
    link_next(request, response, page.next_cursor)
    return ReferralPage(items=list(page.items))


@router.get("/referrals/{referral_id}", operation_id="get_referral", response_model_exclude_none=True)
async def get_referral(
    caller: ReadingQueue,
    referral_id: UUID,
    session: Reading,
    sealer: Unsealing,
    trail: Recording,
    response: Response,
) -> ReferralRead:
    """One referral of one's own queue; its ETag is the fence of the next step."""
    referral = await _current(session, caller, sealer, referral_id, response)
    await trail.record(entry(caller.who, "referral.read", actions.ACTIVITY, "referral", referral_id))
    return referral


@router.post(
    "/referrals/{referral_id}/acceptance", operation_id="accept_referral", response_model_exclude_none=True
)
async def accept_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    session: Writing,
    sealer: Unsealing,
    response: Response,
) -> ReferralRead:
    """Take on a claimed referral: it has no lease any more and is yours."""
    await actions.accept(session, caller, referral_id=referral_id, version=version)
    return await _current(session, caller, sealer, referral_id, response)


@router.post(
    "/referrals/{referral_id}/forwarding", operation_id="forward_referral", response_model_exclude_none=True
)
async def forward_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    request: ForwardingRequest,
    session: Writing,
    sealer: Unsealing,
    response: Response,
) -> ReferralRead:
    """Forward an accepted referral to a recipient, with what the agreement shares and no more."""
    await actions.forward(session, caller, referral_id=referral_id, version=version, request=request)
    return await _current(session, caller, sealer, referral_id, response)


@router.post(
    "/referrals/{referral_id}/closure", operation_id="close_referral", response_model_exclude_none=True
)
async def close_referral(
    caller: WorkingQueue,
    referral_id: UUID,
    version: IfMatch,
    request: ClosureRequest,
    session: Writing,
    sealer: Unsealing,
    response: Response,
) -> ReferralRead:
    """End an accepted referral with its outcome."""
    await actions.close(session, caller, referral_id=referral_id, version=version, request=request)
    return await _current(session, caller, sealer, referral_id, response)


async def _current(
    session: AsyncSession, caller: Caller, sealer: Sealer, referral_id: UUID, response: Response
) -> ReferralRead:
    referral = await queries.get_referral(session, caller, sealer, referral_id)
    response.headers["ETag"] = f'"{referral.version}"'
    return referral
