"""Claiming: the most urgent waiting referrals of one's own queue, for a lease.

On PostgreSQL rows are picked with SKIP LOCKED inside a CTE, through a partial index that ends in the id; on
SQLite the writer lock does the same. No referral is handed to two holders. A claim has an idempotency key, so
that an answer lost on the wire can be asked for again.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.database import insert_unless_known
from service.pseudonyms.sealing import Sealer
from service.referrals.actions import reads_of, record_steps
from service.referrals.errors import ClaimKeyReused
from service.referrals.models import (
    PRIORITIES,
    ClaimAnswer,
    ClaimRequest,
    Referral,
    ReferralClaim,
)
from service.referrals.queries import own_queue, referrals_by_id
from service.referrals.states import after

_referral = Referral.__table__  # type: ignore[attr-defined]
_claim = ReferralClaim.__table__  # type: ignore[attr-defined]

Moved = Sequence[tuple[UUID, int, str]]


async def claim(
    session: AsyncSession, caller: Caller, *, sealer: Sealer, key: UUID, request: ClaimRequest
) -> ClaimAnswer:
    """Claim referrals; the same key and request give those of the same referrals that this claim still holds.

    Raises `ClaimKeyReused` when the key was used with another request.
    """
    now = clock.now()
    lease_until = now + timedelta(seconds=request.lease_seconds)
    if not await _take_key(session, caller, key, request, now, lease_until):
        return await _answer_again(session, caller, sealer, key, request)
    await _lapse(session, caller, now)
    claimed = await _claim_waiting(session, caller, request, lease_until)
    await record_steps(session, caller, "claim", claimed, now, queue_of=caller.organisation_id)
    ids = [id_ for id_, _, _ in claimed]
    await session.execute(
        update(_claim)
        .where(_claim.c.client_id == caller.client_id, _claim.c.key == key)
        .values(referral_ids=[str(id_) for id_ in ids])
    )
    if not ids:
        await trail.append(session, reads_of(caller, []))
    items = await referrals_by_id(session, caller, sealer, ids)
    return ClaimAnswer(items=list(items), lease_until=lease_until)


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
) -> ClaimAnswer:
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
    return ClaimAnswer(items=list(items), lease_until=first.lease_until)


async def _lapse(session: AsyncSession, caller: Caller, now: datetime) -> None:
    """Put back what was claimed and let lie; a step of its own, with its history."""
    over = (*own_queue(caller), _referral.c.status == "CLAIMED", _referral.c.lease_until <= now)
    put_back = {"status": after("CLAIMED", "lapse"), "lease_until": None, "held_by": None}
    lapsed = await _change(session, over, put_back, limit=None)
    await record_steps(session, caller, "lapse", lapsed, now, queue_of=caller.organisation_id)


async def _claim_waiting(
    session: AsyncSession, caller: Caller, request: ClaimRequest, lease_until: datetime
) -> Moved:
    waiting = [*own_queue(caller), _referral.c.status == "WAITING"]
    if request.municipality is not None:
        waiting.append(_referral.c.municipality == request.municipality)
    if request.priority is not None:
        waiting.append(_referral.c.priority == PRIORITIES.index(request.priority))
    held = {
        "status": after("WAITING", "claim"),
        "lease_until": lease_until,
        "held_by": caller.client_id,
    }
    return await _change(session, waiting, held, limit=request.limit)


async def _change(
    session: AsyncSession,
    conditions: Sequence[ColumnElement[bool]],
    values: dict[str, Any],
    *,
    limit: int | None,
) -> Moved:
    """Change what meets the conditions and nobody else is changing; most urgent first."""
    picked = (
        select(_referral.c.id)
        .where(*conditions)
        .order_by(_referral.c.priority, _referral.c.due_on, _referral.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    changed = await session.execute(
        update(_referral)
        .where(_referral.c.id.in_(select(picked.c.id)))
        .values(version=_referral.c.version + 1, **values)
        .returning(_referral.c.id, _referral.c.version, _referral.c.status)
    )
    return [(id_, version, status) for id_, version, status in changed]


def _digest(request: ClaimRequest) -> str:
    return hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:60]
