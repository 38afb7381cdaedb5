"""Working the queue: claim, accept, forward, close; and the first row, which intake refers.

Every change raises the version, which is the ETag and so the fence: a step shows the version that it was
decided on, and a late holder gets 412. Each writes its history row, audit entry and event in its transaction.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.access.queries import somebody_works_there
from service.caller import Caller
from service.columns import new_id
from service.database import insert_rows
from service.errors import NotFound, PreconditionFailed
from service.events.actions import announce, event
from service.referrals import errors
from service.referrals.models import (
    ClosureRequest,
    ForwardingRequest,
    Referral,
    ReferralRead,
    ReferralStep,
)
from service.referrals.queries import own_queue
from service.referrals.sharing import Shared, check_handling, shared_with
from service.referrals.states import DECIDING, ENDED, FOLLOWING, Move, MoveNotAllowed, after
from service.referrals.terms import due_on
from service.signals.models import Signal
from service.signals.queries import persons_of

ACTIVITY = "referral"


def waiting_referral(
    *,
    signal_id: UUID,
    signal_version: int,
    organisation_id: UUID,
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
    """Write first referrals of signals, many at a time; called by intake in its transaction."""
    await insert_rows(session, Referral.__table__, referrals)


async def accept(session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int) -> None:
    """Take a claimed referral on: no lease any more, assigned to the actor."""
    referral = await _held(session, caller, referral_id, version)
    referral.lease_until, referral.held_by = None, None
    referral.assigned_to = caller.actor
    await _move(session, caller, referral, "accept")


async def forward(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: ForwardingRequest
) -> None:
    """Hand an accepted referral to a recipient as a child with the fields that the agreement shares.

    Raises `NoSuchRecipient`, `HandlingCodeForbids`, `NobodyToForward`, `NobodyThere`.
    """
    referral = await _held(session, caller, referral_id, version)
    _check_move(referral, "forward")
    if referral.shared is not None:
        raise errors.NotPossibleNow
    signal = await session.get_one(Signal, referral.signal_id)
    persons = (await persons_of(session, [signal.id])).get(signal.id, ())
    shared = await shared_with(session, caller, signal, persons, request, clock.local_day(clock.now()))
    check_handling(signal.content.get("handlingCodes", []), shared.recipient_type)
    if not await somebody_works_there(session, request.organisation, referral.municipality):
        raise errors.NobodyThere
    await _move(session, caller, referral, "forward")
    await _add_child(session, caller, referral, request.organisation, shared)


async def close(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: ClosureRequest
) -> None:
    """End an accepted referral with its outcome; when the last child ends, its parent is accepted again."""
    referral = await _held(session, caller, referral_id, version)
    referral.outcome = request.outcome
    await _move(session, caller, referral, "close")
    if referral.parent_id is not None:
        await _resume_parent(session, caller, referral.parent_id)


async def _held(session: AsyncSession, caller: Caller, referral_id: UUID, version: int) -> Referral:
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


def _check_move(referral: Referral, move: Move) -> None:
    try:
        after(referral.status, move)
    except MoveNotAllowed:
        raise errors.NotPossibleNow from None


async def _move(session: AsyncSession, caller: Caller, referral: Referral, move: Move) -> None:
    """Change the state by the table and write what belongs to it."""
    _check_move(referral, move)
    now = clock.now()
    referral.status = after(referral.status, move)
    referral.version += 1
    if move in DECIDING and referral.decided_at is None:
        referral.decided_at = now
    if referral.status in ENDED:
        referral.ended_at = now
    await session.flush()
    moved = [(referral.id, referral.version, referral.status)]
    await record_steps(session, caller, move, moved, now, queue_of=referral.organisation_id)


def reads_of(caller: Caller, referrals: Sequence[ReferralRead]) -> list[dict[str, Any]]:
    """The trail of disclosing referrals: that a search was made, and each referral that was shown."""
    search = trail.entry(caller.who, "referral.search", ACTIVITY)
    return [
        search,
        *(trail.entry(caller.who, "referral.read", ACTIVITY, "referral", one.id) for one in referrals),
    ]


async def record_steps(
    session: AsyncSession,
    caller: Caller,
    move: str,
    moved: Sequence[tuple[UUID, int, str]],
    now: datetime,
    *,
    queue_of: UUID,
) -> None:
    """History, trail and event of a move of (id, version, status), in the transaction of the move.

    The event is for the organisation in whose queue they are; a recipient may move its parent there. A move
    that follows from another act (`lapse`, `resume`) has nobody's name in the history.
    """
    if not moved:
        return
    rows = [
        {
            "id": new_id(),
            "referral_id": id_,
            "version": version,
            "move": move,
            "status": status,
            "at": now,
            "organisation_id": caller.organisation_id,
            "actor": None if move in FOLLOWING else caller.actor,
        }
        for id_, version, status in moved
    ]
    await insert_rows(session, ReferralStep.__table__, rows)
    await trail.append(
        session,
        [trail.entry(caller.who, f"referral.{move}", ACTIVITY, "referral", id_) for id_, _, _ in moved],
    )
    await announce(
        session,
        [event(f"referral.{move}", f"/v1/referrals/{id_}", queue_of, now) for id_, _, _ in moved],
    )


async def _add_child(
    session: AsyncSession, caller: Caller, parent: Referral, recipient_id: UUID, shared: Shared
) -> None:
    now = clock.now()
    child = waiting_referral(
        signal_id=parent.signal_id,
        signal_version=parent.signal_version,
        organisation_id=recipient_id,
        contact_point_id=None,
        municipality=parent.municipality,
        priority=parent.priority,
        received_at=now,
        due=due_on(clock.local_day(now), shared.decision_working_days),
    )
    await refer(session, [child | {"parent_id": parent.id, "shared": shared.as_json()}])
    await trail.append(
        session,
        [
            trail.entry(
                caller.who,
                "referral.share",
                ACTIVITY,
                "referral",
                child["id"],
                ground=f"agreement:{shared.agreement_id}",
            )
        ],
    )
    await announce(session, [event("referral.waiting", f"/v1/referrals/{child['id']}", recipient_id, now)])


async def _resume_parent(session: AsyncSession, caller: Caller, parent_id: UUID) -> None:
    """The parent goes on when no child is open; locked first, so that two last children agree on who is last."""
    parent = (await session.scalars(select(Referral).where(Referral.id == parent_id).with_for_update())).one()
    still_open = await session.scalars(
        select(Referral.id).where(Referral.parent_id == parent_id, Referral.status.not_in(ENDED)).limit(1)
    )
    if parent.status == "FORWARDED" and still_open.first() is None:
        await _move(session, caller, parent, "resume")
