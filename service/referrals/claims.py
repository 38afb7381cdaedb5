"""Claiming: the most urgent waiting referrals of one's own queue, for a lease.

On PostgreSQL rows are picked with SKIP LOCKED inside a CTE, through a partial index that ends in the id; on
SQLite the writer lock does the same. No referral is handed to two holders. A claim has an idempotency key, so
that an answer lost on the wire can be asked for again.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.columns import Moment, new_id
from service.database import Database
from service.events.queries import last_sequence
from service.events.watching import FeedWatch
from service.pseudonyms.sealing import Sealer
from service.referrals.actions import reads_of
from service.referrals.bodies import ClaimRequest
from service.referrals.errors import ClaimKeyReused
from service.referrals.lapsing import lapse
from service.referrals.models import Referral, ReferralClaim
from service.referrals.queries import (
    Part,
    filters_of,
    given_for,
    in_the_statement,
    own_queue,
    part_of_queue,
    referrals_by_id,
)
from service.referrals.states import after
from service.referrals.steps import Moved, changed, changing, record_steps
from service.rows import insert_new_rows
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
    row = _row_of(caller, key, request, now)
    # Of two claims with one key the second waits here for the first to commit.
    if not await insert_new_rows(session, _claim, [row]):
        return await _answer_again(session, caller, sealer, key, request)
    claimed = await _take(session, caller, request, row, request.limit)
    short = request.limit - len(claimed)
    if short and await lapse(session, own_queue(caller), now):
        claimed += await _take(session, caller, request, row, short)
    await record_steps(session, caller, "claim", claimed, now)
    if not claimed:
        await trail.append(session, reads_of(caller, []))
    items = await referrals_by_id(session, sealer, [one.id for one in claimed])
    return {"items": items, "leaseUntil": on_the_wire(row["lease_until"])}


def _row_of(caller: Caller, key: UUID, request: ClaimRequest, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "client_id": caller.client_id,
        "key": key,
        "digest": _digest(request),
        "lease_until": now + timedelta(seconds=request.lease_seconds),
        "created_at": now,
    }


async def _take(
    session: AsyncSession, caller: Caller, request: ClaimRequest, claim: Mapping[str, Any], limit: int
) -> list[Moved]:
    """The most urgent ones that wait and that nobody else is taking."""
    filters = _wanted(caller, request)
    statement = _taking(caller.role, frozenset(filters), limit, territorial=bool(caller.municipalities))
    given = given_for(caller, filters) | {
        "claim": claim["id"],
        "holder": caller.client_id,
        "ends": claim["lease_until"],
    }
    return await changed(session, statement, given)


@lru_cache(256)
def _taking(role: str, filters: frozenset[str], limit: int, *, territorial: bool) -> Any:
    """The statement of a claim without its values: made once, for building it costs as much as running it."""
    claimed = {
        "status": after("WAITING", "claim"),
        "claim_id": bindparam("claim", type_=Uuid),
        "held_by": bindparam("holder", type_=Uuid),
        "lease_until": bindparam("ends", type_=Moment),
        "renewals": 0,
    }
    return changing(_waiting(role, filters, territorial=territorial), claimed, in_the_statement(limit))


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
    # Only what this claim still holds: the version of a later holder would be a way past the fence.
    still_held = await session.scalars(
        select(_referral.c.id).where(
            _referral.c.claim_id == first.id, _referral.c.status == "CLAIMED", *own_queue(caller)
        )
    )
    items = await referrals_by_id(session, sealer, still_held.all())
    await trail.append(session, reads_of(caller, items))
    return {"items": items, "leaseUntil": on_the_wire(first.lease_until)}


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
    filters = _wanted(caller, request)
    waiting = _waiting(caller.role, frozenset(filters), territorial=bool(caller.municipalities))
    waits = exists().where(*waiting)
    return bool(await session.scalar(select(or_(known, waits)), given_for(caller, filters)))


def _wanted(caller: Caller, request: ClaimRequest) -> dict[str, Any]:
    return filters_of(caller, Part(priority=request.priority, municipality=request.municipality))


def _waiting(role: str, filters: frozenset[str], *, territorial: bool) -> list[ColumnElement[bool]]:
    """The conditions of what may be claimed, without their values."""
    waits = _referral.c.status == in_the_statement("WAITING")
    return [*part_of_queue(role, filters, territorial=territorial), waits]


def _digest(request: ClaimRequest) -> str:
    return hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:60]
