"""Working the queue: accept, release, renew, assign, close; and the trail of reading it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.referrals import errors
from service.referrals.bodies import AssignmentRequest, ClosureRequest, RenewalRequest
from service.referrals.feedback import DECLINED, tell_reporter
from service.referrals.forwarding import resume_parent
from service.referrals.models import Referral
from service.referrals.steps import ACTIVITY, check_move, handling_due, held, take

MAX_RENEWALS = 3


async def accept(session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int) -> None:
    """Take a claimed referral on: no lease any more, assigned to the actor, with the term for handling it."""
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "accept")
    referral.assigned_to = caller.actor
    referral.due_on = await handling_due(session, referral)
    await take(session, caller, referral, "accept")
    if referral.parent_id is None:
        await tell_reporter(session, referral.signal_id, "F02_TAKEN_UP")


async def release(session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int) -> None:
    """Put a claimed referral back into the queue before its lease is over; its term runs on."""
    await take(session, caller, await held(session, caller, referral_id, version), "release")


async def renew(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: RenewalRequest
) -> None:
    """A new lease from now on; raises `RenewedEnough` after the third."""
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "renew")
    if referral.renewals >= MAX_RENEWALS:
        raise errors.RenewedEnough
    referral.renewals += 1
    referral.lease_until = clock.now() + timedelta(seconds=request.lease_seconds)
    await take(session, caller, referral, "renew")


async def assign(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: AssignmentRequest
) -> None:
    """Let a colleague go on with an accepted referral."""
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "assign")
    referral.assigned_to = request.actor
    await take(session, caller, referral, "assign", detail=request.actor)


async def close(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: ClosureRequest
) -> None:
    """End an accepted referral with its outcome; when the last child ends, its parent is accepted again."""
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "close")
    referral.outcome = request.outcome
    await take(session, caller, referral, "close")
    if referral.parent_id is not None:
        await resume_parent(session, caller, referral.parent_id)
    else:
        await _tell_how_it_ended(session, referral, request)


async def _tell_how_it_ended(session: AsyncSession, referral: Referral, request: ClosureRequest) -> None:
    """What was not taken up is told with its reason; of anything else only that it is closed."""
    if request.withhold_feedback:
        await tell_reporter(session, referral.signal_id, "F08_NO_FEEDBACK_POSSIBLE")
    elif request.outcome in DECLINED:
        await tell_reporter(session, referral.signal_id, "F03_NOT_TAKEN_UP", reason=request.outcome)
    else:
        await tell_reporter(session, referral.signal_id, "F07_CLOSED")


def reads_of(caller: Caller, referrals: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The trail of disclosing referrals: that a search was made, and each referral that was shown."""
    who = caller.who
    return [
        trail.entry(who, "referral.search", ACTIVITY),
        *(trail.entry(who, "referral.read", ACTIVITY, "referral", one["id"]) for one in referrals),
    ]
