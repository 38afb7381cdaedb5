"""One step of a referral: who may take it, and what every step writes.

Every change raises the version, which is the ETag and so the fence: a step shows the version that it was decided on,
and a late holder gets 412. Each writes its history row, audit entry and event in its transaction. Called by the verbs
of this room and by its jobs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.agreements.models import Agreement, AgreementContent
from service.caller import NO_CLIENT, Caller
from service.columns import new_id
from service.errors import NotFound, PreconditionFailed
from service.events.actions import announced, event
from service.events.models import Audience, EventType
from service.referrals import errors
from service.referrals.models import MOST_URGENT, Referral, ReferralStep
from service.referrals.queries import own_queue
from service.referrals.states import DECIDING, ENDED, FOLLOWING, Move, MoveNotAllowed, after
from service.referrals.terms import due_on
from service.rows import insert_rows, insert_together
from service.signals.models import Signal

ACTIVITY = "referral"
# What the register does by itself, when a moment has come.
CLOCKWORK = Caller(NO_CLIENT, NO_CLIENT, "job", frozenset(), ())


_referral = Referral.__table__
# Of one that nobody holds.
FREE: dict[str, Any] = {"lease_until": None, "held_by": None, "claim_id": None, "renewals": 0}
_MOVED = ("id", "version", "status", "organisation_id", "parent_id", "municipality")


@dataclass(frozen=True, slots=True)
class Moved:
    """A referral after a move: what its history, trail and event need of it."""

    id: UUID
    version: int
    status: str
    organisation_id: UUID | None
    parent_id: UUID | None
    municipality: str


def moved(referral: Referral) -> Moved:
    """The same of a row."""
    return Moved(*(getattr(referral, name) for name in _MOVED))


async def held(session: AsyncSession, caller: Caller, referral_id: UUID, version: int) -> Referral:
    """The referral, locked, if the caller may take a step on the version that it names.

    Raises `NotFound`, `PreconditionFailed` (another version, or the lease is over), `NotTheHolder`.
    """
    referral = (
        await session.scalars(
            select(Referral).where(Referral.id == referral_id, *own_queue(caller)).with_for_update()
        )
    ).one_or_none()
    if referral is None:
        raise NotFound
    if referral.version != version:
        raise PreconditionFailed
    if referral.status == "CLAIMED":
        if referral.lease_until is None or referral.lease_until <= clock.now():
            raise PreconditionFailed("The lease is over; claim again.")
        if referral.held_by != caller.client_id:
            raise errors.NotTheHolder
    return referral


def check_move(referral: Referral, move: Move) -> None:
    """Raise `NotPossibleNow` where the table of states has no such move."""
    try:
        after(referral.status, move)
    except MoveNotAllowed:
        raise errors.NotPossibleNow from None


async def take(
    session: AsyncSession, caller: Caller, referral: Referral, move: Move, *, detail: str | None = None
) -> None:
    """Change the state by the table and write what belongs to it; raises `NotPossibleNow`."""
    check_move(referral, move)
    now = clock.now()
    referral.status = after(referral.status, move)
    referral.version += 1
    if referral.status != "CLAIMED":
        for name, value in FREE.items():
            setattr(referral, name, value)
    if move in DECIDING and referral.decided_at is None:
        referral.decided_at = now
    if referral.status in ENDED:
        referral.ended_at = now
    await session.flush()
    await record_steps(session, caller, move, [moved(referral)], now, detail=detail)


async def agreement_of(session: AsyncSession, signal_id: UUID) -> AgreementContent:
    """The agreement under which a signal was received."""
    content = await session.scalar(
        select(Agreement.content)
        .join(Signal, Signal.agreement_id == Agreement.id)
        .where(Signal.id == signal_id)
    )
    return AgreementContent.model_validate(content)


async def handling_due(session: AsyncSession, referral: Referral) -> date:
    """The last day of the term of one that is accepted or forwarded today."""
    terms = (await agreement_of(session, referral.signal_id)).terms
    return due_on(clock.local_day(clock.now()), terms.handling_working_days)


async def record_steps(
    session: AsyncSession,
    caller: Caller,
    move: Move,
    moves: Sequence[Moved],
    now: datetime,
    *,
    detail: str | None = None,
) -> None:
    """History, trail and event of a move, in its transaction.

    A move that follows from another act (`lapse`, `resume` …) has nobody's name in the history.
    """
    if not moves:
        return
    by_somebody = caller.client_id != NO_CLIENT
    rows = [
        {
            "id": new_id(),
            "referral_id": one.id,
            "version": one.version,
            "move": move,
            "status": one.status,
            "at": now,
            "organisation_id": caller.organisation_id if by_somebody else None,
            "actor": None if move in FOLLOWING else caller.actor,
            "detail": detail,
        }
        for one in moves
    ]
    entries = [trail.entry(caller.who, f"referral.{move}", ACTIVITY, "referral", one.id) for one in moves]
    told: EventType = f"referral.{move}"  # type: ignore[assignment]
    events = [row for one in moves for row in queue_event(told, one, now)]
    await insert_together(session, (ReferralStep.__table__, rows), trail.written(entries), announced(events))


def changing(conditions: Sequence[ColumnElement[bool]], values: dict[str, Any], limit: Any) -> Any:
    """A statement that changes what meets the conditions and nobody else is changing, most urgent first.

    Their version is raised.
    """
    picked = (
        select(_referral.c.id)
        .where(*conditions)
        .order_by(_referral.c.priority, _referral.c.due_on, _referral.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    return (
        update(_referral)
        .where(_referral.c.id.in_(select(picked.c.id)))
        .values(version=_referral.c.version + 1, **values)
        .returning(*(_referral.c[name] for name in _MOVED))
    )


async def changed(
    session: AsyncSession, statement: Any, given: Mapping[str, Any] | None = None
) -> list[Moved]:
    """What a statement of `changing` has changed."""
    return [Moved(*row) for row in await session.execute(statement, given)]


def queue_event(type: EventType, referral: Moved, now: datetime) -> list[dict[str, Any]]:
    """The event for those in whose queue a referral is; none while it is in nobody's."""
    if referral.organisation_id is None:
        return []
    path = f"/v1/referrals/{referral.id}"
    audience: Audience = "coordinator" if referral.parent_id is None else "recipient"
    where = {"audience": audience, "municipality": referral.municipality}
    return [event(type, path, referral.organisation_id, now, **where)]


def acute_event(referral: Referral, now: datetime) -> list[dict[str, Any]]:
    """The event that makes one stand out that waits for somebody who has not heard of it as acute; none for others."""
    acute = referral.priority == MOST_URGENT
    return queue_event("referral.waiting-acute", moved(referral), now) if acute else []


def waiting_event(referral: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The event of a new row in a queue; what is most urgent stands out."""
    acute = referral["priority"] == MOST_URGENT
    one = Moved(*(referral.get(name) for name in _MOVED))
    return queue_event("referral.waiting-acute" if acute else "referral.waiting", one, now)


def waiting_referral(
    *,
    signal_id: UUID,
    signal_version: int,
    organisation_id: UUID | None,
    contact_point_id: UUID | None,
    municipality: str,
    priority: int,
    received_at: datetime,
    due: date,
) -> dict[str, Any]:
    """The row of a new referral in the queue of an organisation; `priority` is a place in PRIORITIES."""
    return {
        "id": new_id(),
        "signal_id": signal_id,
        "signal_version": signal_version,
        "organisation_id": organisation_id,
        "contact_point_id": contact_point_id,
        "municipality": municipality,
        "status": "WAITING",
        "version": 1,
        "priority": priority,
        "received_at": received_at,
        "due_on": due,
    }


async def refer(session: AsyncSession, referrals: Sequence[dict[str, Any]]) -> None:
    """Write new rows of the queue, many at a time; also called by intake in its transaction."""
    await insert_rows(session, Referral.__table__, referrals)
