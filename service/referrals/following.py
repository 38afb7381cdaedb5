"""What a referral does when its signal is corrected or withdrawn. Called by intake in its transaction.

A correction raises the version of the open referral, so that whoever holds it reads it again; where the rules
now name another contact point, or the referral has ended, there is a new one. Recipients keep the persons that
were shared with them, as far as they are still the same. A withdrawal ends every open referral of the signal.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.events.actions import announce
from service.organisations.models import Organisation
from service.referrals.forwarding import resume_parent
from service.referrals.models import MOST_URGENT, Referral
from service.referrals.sharing import forbidding_codes
from service.referrals.states import ENDED, OPEN, Move
from service.referrals.steps import CLOCKWORK, acute_event, moved, queue_event, refer, take, waiting_event
from service.signals.models import Signal


async def follow_correction(
    session: AsyncSession, caller: Caller, *, referral: dict[str, Any], same_persons: Mapping[int, int]
) -> None:
    """Let the referral of a signal follow its new version.

    `referral` is the row that the new version would get; `same_persons` leads from the place of a person in
    the earlier version to that of the same person, in the same role, in the new one. A recipient whom a handling code
    of the new version stops is shown nothing of it: what it has is taken back.
    """
    now = clock.now()
    present = await open_root(session, referral["signal_id"])
    named = (referral["organisation_id"], referral["contact_point_id"])
    if present is not None and named in (_is_at(present), await _sent_to(session, present)):
        if present.status not in ("WAITING", "CLAIMED"):
            referral = referral | {"due_on": present.due_on}  # decided already: its own term runs on
        before, was_acute = moved(present), present.priority == MOST_URGENT
        for name in ("signal_version", "municipality", "priority", "due_on"):
            setattr(present, name, referral[name])
        await take(session, caller, present, "correct")
        if before.municipality != present.municipality:
            # Whoever had it may see it no more, and hears why.
            await announce(session, queue_event("referral.correct", before, now))
        if not was_acute and present.status == "WAITING":
            await announce(session, acute_event(present, now))
        await _children_follow(session, caller, present, same_persons)
        return
    if present is not None:
        await _end(session, caller, present, "withdraw")
    await refer(session, [referral])
    await announce(session, waiting_event(referral, now))


async def follow_withdrawal(session: AsyncSession, caller: Caller, *, signal_id: UUID) -> None:
    """End what is open, and tell the contact point where it was last, also when it had closed it already."""
    present = await open_root(session, signal_id)
    if present is not None:
        await _end(session, caller, present, "withdraw")
    last = (
        await session.scalars(
            select(Referral)
            .where(Referral.signal_id == signal_id, Referral.parent_id.is_(None))
            .order_by(Referral.id.desc())
            .limit(1)
        )
    ).one()
    await announce(session, queue_event("signal.withdrawn", moved(last), clock.now()))


async def end_expired(session: AsyncSession, *, signal_id: UUID) -> None:
    """End what is open of a signal whose last day has passed."""
    present = await open_root(session, signal_id)
    if present is not None:
        await _end(session, CLOCKWORK, present, "expire")


async def _sent_to(session: AsyncSession, referral: Referral) -> tuple[UUID | None, UUID | None]:
    """Where the rules sent it, before anybody returned it: a correction alone sends it back to nobody."""
    while referral.returned_from_id is not None:
        referral = await session.get_one(Referral, referral.returned_from_id)
    return _is_at(referral)


def _is_at(referral: Referral) -> tuple[UUID | None, UUID | None]:
    return referral.organisation_id, referral.contact_point_id


async def open_root(session: AsyncSession, signal_id: UUID) -> Referral | None:
    """The open referral to the contact point, locked after its open children: so they are locked when one closes.

    While it was waited for, it may have been returned: then its successor is asked for, until there is none.
    """
    is_open = (Referral.signal_id == signal_id, Referral.status.in_(OPEN))
    locked = select(Referral).where(*is_open).order_by(Referral.parent_id.is_(None), Referral.id)
    there = select(Referral.id).where(*is_open, Referral.parent_id.is_(None)).limit(1)
    while True:
        rows = (await session.scalars(locked.with_for_update())).all()
        root = next((one for one in rows if one.parent_id is None), None)
        if root is not None or (await session.scalars(there)).first() is None:
            return root


async def _open_children(session: AsyncSession, parent: Referral) -> Sequence[Referral]:
    """Those that are open now that the parent is locked."""
    rows = await session.scalars(
        select(Referral)
        .where(Referral.parent_id == parent.id, Referral.status.not_in(ENDED))
        .order_by(Referral.id)
        .with_for_update()
    )
    return rows.all()


async def _children_follow(
    session: AsyncSession, caller: Caller, parent: Referral, same_persons: Mapping[int, int]
) -> None:
    signal = await session.get_one(Signal, parent.signal_id)
    codes = signal.content.get("handlingCodes", [])
    taken_back = False
    for child in await _open_children(session, parent):
        recipient = await session.get_one(Organisation, child.organisation_id)
        if forbidding_codes(codes, recipient.type):
            await take(session, caller, child, "withdraw")
            taken_back = True
        else:
            _share_again(child, parent.signal_version, same_persons)
            await take(session, caller, child, "correct")
    if taken_back:
        await resume_parent(session, caller, parent.id)


def _share_again(child: Referral, signal_version: int, same_persons: Mapping[int, int]) -> None:
    """Who is not the same person in the same role any more is not shared: the contact point may forward anew."""
    shared = child.shared or {}
    persons = sorted(same_persons[place] for place in shared["persons"] if place in same_persons)
    child.shared = {**shared, "persons": persons}
    child.signal_version = signal_version


async def _end(session: AsyncSession, caller: Caller, root: Referral, move: Move) -> None:
    """End a referral and its open children by a move that all open states have."""
    for referral in (root, *await _open_children(session, root)):
        await take(session, caller, referral, move)
