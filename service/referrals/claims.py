"""Claiming: the most urgent waiting referrals of one's own queue, for a lease.

On PostgreSQL rows are picked with SKIP LOCKED inside a CTE, through a partial index that ends in the id; on
SQLite the writer lock does the same. No referral is handed to two holders. A claim has an idempotency key, so
that an answer lost on the wire can be asked for again.
"""

import hashlib
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.database import Database, insert_unless_known
from service.events.queries import last_sequence
from service.events.watching import FeedWatch
from service.pseudonyms.sealing import Sealer
from service.referrals.actions import reads_of
from service.referrals.bodies import ClaimRequest
from service.referrals.errors import ClaimKeyReused
from service.referrals.lapsing import lapse
from service.referrals.models import PRIORITIES, Referral, ReferralClaim
from service.referrals.queries import own_queue, referrals_by_id
from service.referrals.states import after
from service.referrals.steps import change, record_steps
from service.wire import on_the_wire

_referral = Referral.__table__
_claim = ReferralClaim.__table__


async def claim(
    session: AsyncSession, caller: Caller, *, sealer: Sealer, key: UUID, request: ClaimRequest
) -> dict[str, Any]:
    """Claim referrals, as `ClaimAnswer`; the same key and request give those of them that this claim still holds.

    Raises `ClaimKeyReused` when the key was used with another request.
    """
    now = clock.now()
    lease_until = now + timedelta(seconds=request.lease_seconds)
    if not await _take_key(session, caller, key, request, now, lease_until):
        return await _answer_again(session, caller, sealer, key, request)
    await lapse(session, own_queue(caller), now)
    claimed = await change(
        session, _wanted(caller, request), _held_by(caller, lease_until), limit=request.limit
    )
    await record_steps(session, caller, "claim", claimed, now)
    ids = [one.id for one in claimed]
    await session.execute(
        update(_claim)
        .where(_claim.c.client_id == caller.client_id, _claim.c.key == key)
        .values(referral_ids=[str(id_) for id_ in ids])
    )
    if not ids:
        await trail.append(session, reads_of(caller, []))
    items = await referrals_by_id(session, caller, sealer, ids)
    return {"items": items, "leaseUntil": on_the_wire(lease_until)}


async def _take_key(
    session: AsyncSession,
    caller: Caller,
    key: UUID,
    request: ClaimRequest,
    now: datetime,
    lease_until: datetime,
) -> bool:
    """Whether the key is new. Two claims with one key: the second waits here for the first to commit."""
    row = {
        "id": new_id(),
        "client_id": caller.client_id,
        "key": key,
        "digest": _digest(request),
        "referral_ids": [],
        "lease_until": lease_until,
        "created_at": now,
    }
    taken = await session.execute(insert_unless_known(session, _claim).values(row).returning(_claim.c.id))
    return taken.first() is not None


async def _answer_again(
    session: AsyncSession, caller: Caller, sealer: Sealer, key: UUID, request: ClaimRequest
) -> dict[str, Any]:
    first = (
        await session.execute(
            select(_claim).where(_claim.c.client_id == caller.client_id, _claim.c.key == key)
        )
    ).one()
    if first.digest != _digest(request):
        raise ClaimKeyReused
    # Only what is still held by this claim: the version of a later holder would be a way past the fence.
    still_held = await session.scalars(
        select(_referral.c.id).where(
            _referral.c.id.in_([UUID(id_) for id_ in first.referral_ids]),
            _referral.c.status == "CLAIMED",
            _referral.c.held_by == caller.client_id,
            _referral.c.lease_until == first.lease_until,
        )
    )
    items = await referrals_by_id(session, caller, sealer, still_held.all())
    await trail.append(session, reads_of(caller, items))
    return {"items": items, "leaseUntil": on_the_wire(first.lease_until)}


def _wanted(caller: Caller, request: ClaimRequest) -> list[Any]:
    """The conditions of what may be claimed."""
    waiting = [*own_queue(caller), _referral.c.status == "WAITING"]
    if request.municipality is not None:
        waiting.append(_referral.c.municipality == request.municipality)
    if request.priority is not None:
        waiting.append(_referral.c.priority == PRIORITIES.index(request.priority))
    return waiting


def _held_by(caller: Caller, lease_until: datetime) -> dict[str, Any]:
    return {
        "status": after("WAITING", "claim"),
        "lease_until": lease_until,
        "held_by": caller.client_id,
        "renewals": 0,
    }


async def wait_for_work(
    database: Database, watch: FeedWatch, caller: Caller, *, key: UUID, request: ClaimRequest, seconds: float
) -> None:
    """Until there is something that this claim would get, or the time is over; at once for a key that is known.

    Several who wait for the same referral all hear of it, and one gets it: an answer may be empty before its time.
    """
    ends = monotonic() + seconds
    while (left := ends - monotonic()) > 0:
        async with database.reading() as session:
            beyond = await last_sequence(session, caller.organisation_id)
            if await _would_answer(session, caller, key, request):
                return
        await watch.wait(caller.organisation_id, beyond=beyond, seconds=left)


async def _would_answer(session: AsyncSession, caller: Caller, key: UUID, request: ClaimRequest) -> bool:
    known = exists().where(_claim.c.client_id == caller.client_id, _claim.c.key == key)
    waits = exists().where(*_wanted(caller, request))
    return bool(await session.scalar(select(or_(known, waits))))


def _digest(request: ClaimRequest) -> str:
    return hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:60]
