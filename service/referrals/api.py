"""The doors to a queue: claiming from it and reading it."""

from dataclasses import fields
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from service.answers import JsonResponse
from service.caller import Caller
from service.doors import (
    IdempotencyKey,
    Patience,
    Reading,
    Recording,
    Writing,
    entering,
    link_next,
    still_there,
)
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.pseudonyms.api import Unsealing
from service.referrals import actions, claims, overview, queries
from service.referrals.bodies import ClaimRequest, Priority
from service.referrals.queries import ORDERS, RECEIVED, Part, Place
from service.referrals.reads import ClaimAnswer, ReferralPage, ReferralRead, Workload
from service.referrals.steps import ACTIVITY
from service.screening.texts import StaffIdOrMe
from service.trail import entry
from service.vocabulary.types import MunicipalityCode, OneOf, ReferralStatus
from service.wire import Day, Wire

router = APIRouter(tags=["referrals"], route_class=JsonRoute, redirect_slashes=False)

ReadingQueue = Annotated[Caller, entering("referrals:read")]
WorkingQueue = Annotated[Caller, entering("referrals:work")]


class QueueQuery(Wire):
    """Which part of the queue, in which order. `assignedTo=me` is what the actor accepted.

    `dueBefore` and `overdue` are about what is open.

    `escalated` lists, instead of the queue, what is past its term and has climbed to one's organisation.
    """

    status: ReferralStatus | None = None
    priority: Priority | None = None
    municipality: MunicipalityCode | None = None
    assigned_to: StaffIdOrMe | None = None
    due_before: Day | None = None
    overdue: bool | None = None
    escalated: bool | None = None
    order: Annotated[str, OneOf(tuple(ORDERS))] = RECEIVED
    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT

    @property
    def part(self) -> Part:
        """Which referrals, without where in their order."""
        given = dict(self)
        return Part(**{field.name: given[field.name] for field in fields(Part)})

    @property
    def place(self) -> Place:
        return Place(self.order, self.cursor, self.limit)


async def _when_there_is_work(
    caller: WorkingQueue, key: IdempotencyKey, claim: ClaimRequest, patience: Patience, request: Request
) -> ClaimRequest:
    """The claim, once there is something for it or patience is over. Nothing is open while it waits."""
    if patience:
        state = request.app.state
        await claims.wait_for_work(
            state.database, state.watch, caller, key=key, request=claim, seconds=patience
        )
        await still_there(request)
    return claim


@router.post(
    "/referral-claims",
    operation_id="claim_referrals",
    status_code=201,
    responses={201: {"model": ClaimAnswer}},
)
async def claim_referrals(
    caller: WorkingQueue,
    key: IdempotencyKey,
    claim: Annotated[ClaimRequest, Depends(_when_there_is_work)],
    session: Writing,
    sealer: Unsealing,
) -> Response:
    """Claim the most urgent waiting referrals of one's own queue for a lease.

    `Prefer: wait=n` waits up to n seconds (at most 30) for the first one.
    """
    return JsonResponse(await claims.claim(session, caller, sealer=sealer, key=key, request=claim), 201)


@router.get("/referrals", operation_id="list_referrals", responses={200: {"model": ReferralPage}})
async def list_referrals(
    caller: ReadingQueue,
    query: Annotated[QueueQuery, Query()],
    session: Reading,
    sealer: Unsealing,
    trail: Recording,
    request: Request,
) -> Response:
    """One's own queue, or a part of it, page by page."""
    page = await queries.queue_page(session, caller, sealer, query.part, query.place)
    await trail.record_all(actions.reads_of(caller, page.items))
    answer = JsonResponse({"items": page.items})
    link_next(request, answer, page.next_cursor)
    return answer


@router.get("/referrals/{referral_id}", operation_id="get_referral", responses={200: {"model": ReferralRead}})
async def get_referral(
    caller: ReadingQueue, referral_id: UUID, session: Reading, sealer: Unsealing, trail: Recording
) -> Response:
    """One referral of one's own queue, or that one reads along; its ETag is the fence of the next step."""
    referral = await queries.get_referral(session, caller, sealer, referral_id)
    await trail.record(entry(caller.who, "referral.read", ACTIVITY, "referral", referral_id))
    return JsonResponse(referral, version=referral["version"])


@router.get("/workload", operation_id="get_workload")
async def get_workload(caller: ReadingQueue, session: Reading, trail: Recording) -> Workload:
    """The exact figures of one's own queue, for nobody else."""
    figures = await overview.workload_of(session, caller)
    await trail.record(entry(caller.who, "workload.read", ACTIVITY))
    return figures
