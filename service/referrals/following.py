"""What a referral does when its signal is corrected or withdrawn. Called by intake in its transaction.

A correction raises the version of the open referral, so that whoever holds it reads it again; where the rules
now name another contact point, or the referral has ended, there is a new one. Recipients keep the persons that
were shared with them, as far as they are still the same. A withdrawal ends every open referral of the signal.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.events.actions import announce, event
from service.referrals.actions import record_steps, refer
from service.referrals.models import Referral
from service.referrals.states import ENDED, OPEN, Move, after


async def follow_correction(
    session: AsyncSession, caller: Caller, *, referral: dict[str, Any], same_persons: Mapping[int, int]
) -> None:
    """Let the referral of a signal follow its new version.

    `referral` is the row that the new version would get; `same_persons` leads from the place of a person in
    the earlier version to that of the same person, in the same role, in the new one.
    """
    now = clock.now()
    present = await _open_root(session, referral["signal_id"])
    if present is not None and _goes_to(present) == (
        referral["organisation_id"],
        referral["contact_point_id"],
    ):
        for name in ("signal_version", "municipality", "priority", "due_on"):
            setattr(present, name, referral[name])
        children = await _open_children(session, present)
        for child in children:
            _share_again(child, referral["signal_version"], same_persons)
        await _moved(session, caller, "correct", [present, *children], now)
        return
    if present is not None:
        await _withdraw(session, caller, present, now)
    await refer(session, [referral])
    path = f"/v1/referrals/{referral['id']}"
    await announce(session, [event("referral.waiting", path, referral["organisation_id"], now)])


async def follow_withdrawal(session: AsyncSession, caller: Caller, *, signal_id: UUID) -> None:
    """End what is open, and tell the contact point where it was last, also when it had closed it already."""
    now = clock.now()
    present = await _open_root(session, signal_id)
    if present is not None:
        await _withdraw(session, caller, present, now)
    last = (
        await session.scalars(
            select(Referral)
            .where(Referral.signal_id == signal_id, Referral.parent_id.is_(None))
            .order_by(Referral.id.desc())
            .limit(1)
        )
    ).one()
    path = f"/v1/referrals/{last.id}"
    await announce(session, [event("signal.withdrawn", path, last.organisation_id, now)])


def _goes_to(referral: Referral) -> tuple[UUID, UUID | None]:
    return referral.organisation_id, referral.contact_point_id


async def _open_root(session: AsyncSession, signal_id: UUID) -> Referral | None:
    """The open referral to the contact point, locked after its open children: so they are locked when one closes."""
    rows = await session.scalars(
        select(Referral)
        .where(Referral.signal_id == signal_id, Referral.status.in_(OPEN))
        .order_by(Referral.parent_id.is_(None), Referral.id)
        .with_for_update()
    )
    return next((one for one in rows.all() if one.parent_id is None), None)


async def _open_children(session: AsyncSession, parent: Referral) -> Sequence[Referral]:
    """Those that are open now that the parent is locked."""
    rows = await session.scalars(
        select(Referral)
        .where(Referral.parent_id == parent.id, Referral.status.not_in(ENDED))
        .order_by(Referral.id)
        .with_for_update()
    )
    return rows.all()


def _share_again(child: Referral, signal_version: int, same_persons: Mapping[int, int]) -> None:
    """Who is not the same person in the same role any more is not shared: the contact point may forward anew."""
    shared = child.shared or {}
    persons = sorted(same_persons[place] for place in shared["persons"] if place in same_persons)
    child.shared = {**shared, "persons": persons}
    child.signal_version = signal_version


async def _withdraw(session: AsyncSession, caller: Caller, root: Referral, now: datetime) -> None:
    every = [root, *await _open_children(session, root)]
    for referral in every:
        referral.lease_until, referral.held_by, referral.ended_at = None, None, now
    await _moved(session, caller, "withdraw", every, now)


async def _moved(
    session: AsyncSession, caller: Caller, move: Move, referrals: Sequence[Referral], now: datetime
) -> None:
    """Change their state by the table, with history, trail and event of each."""
    for referral in referrals:
        referral.status = after(referral.status, move)
        referral.version += 1
    await session.flush()
    for referral in referrals:
        step = (referral.id, referral.version, referral.status)
        await record_steps(session, caller, move, [step], now, queue_of=referral.organisation_id)
