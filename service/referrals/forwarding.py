"""Forwarding: a child in the queue of a recipient, with the fields and persons that the agreement shares.

Only the contact point forwards, and only what its own queue holds: a recipient cannot pass a child on, so nothing
goes in a circle. When all children have ended, the parent is accepted again.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.access.queries import somebody_works_there
from service.caller import Caller
from service.events.actions import announce
from service.referrals import errors
from service.referrals.bodies import ForwardingRequest, RecallRequest
from service.referrals.feedback import tell_reporter
from service.referrals.models import PERMISSION, Question, Referral
from service.referrals.sharing import Shared, forbidding_codes, shared_with
from service.referrals.states import ENDED, OPEN
from service.referrals.steps import (
    ACTIVITY,
    check_move,
    handling_due,
    held,
    refer,
    take,
    waiting_event,
    waiting_referral,
)
from service.referrals.terms import due_on
from service.signals.models import Signal
from service.signals.queries import persons_of
from service.snapshot import hold_reference


async def forward(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: ForwardingRequest
) -> None:
    """Hand an accepted referral to a recipient as a child, beside others that are open.

    Raises `NoSuchRecipient`, `HandlingCodeForbids`, `NobodyToForward`, `NobodyThere`, `ForwardedAlready`, and
    `NotPossibleNow` for a signal whose last day has passed.
    """
    await hold_reference(session)  # whoever it goes to is not ended meanwhile
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "forward")
    today = clock.local_day(clock.now())
    signal = await session.get_one(Signal, referral.signal_id)
    if referral.shared is not None or signal.remove_by < today:
        raise errors.NotPossibleNow
    persons = (await persons_of(session, [signal.id])).get(signal.id, ())
    shared = await shared_with(session, caller, signal, persons, request, today)
    await _check_permission(session, signal, shared.recipient_type)
    if not await somebody_works_there(session, request.organisation, referral.municipality):
        raise errors.NobodyThere
    if await _has_one_already(session, referral.id, request.organisation):
        raise errors.ForwardedAlready
    referral.due_on = await handling_due(session, referral)
    await take(session, caller, referral, "forward", detail=shared.recipient_type)
    await _add_child(session, caller, referral, request.organisation, shared)
    if request.withhold_feedback:
        await tell_reporter(session, signal.id, "F08_NO_FEEDBACK_POSSIBLE")
    else:
        await tell_reporter(session, signal.id, "F04_REFERRED", organisation_type=shared.recipient_type)


async def recall(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: RecallRequest
) -> None:
    """Take an open child back from its recipient, who does not get to it or should not have it.

    Raises `NoSuchChild`. The child is locked before its parent, as when it closes.
    """
    open_child = select(Referral).where(
        Referral.id == request.child, Referral.parent_id == referral_id, Referral.status.in_(OPEN)
    )
    child = (await session.scalars(open_child.with_for_update())).one_or_none()
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "recall")
    if child is None:
        raise errors.NoSuchChild
    await take(session, caller, child, "withdraw")
    await take(session, caller, referral, "recall")
    await resume_parent(session, caller, referral.id)


async def resume_parent(session: AsyncSession, caller: Caller, parent_id: UUID) -> None:
    """The parent goes on when no child is open; locked first, so that two last children agree on who is last."""
    parent = (await session.scalars(select(Referral).where(Referral.id == parent_id).with_for_update())).one()
    still_open = await session.scalars(
        select(Referral.id).where(Referral.parent_id == parent_id, Referral.status.not_in(ENDED)).limit(1)
    )
    if parent.status == "FORWARDED" and still_open.first() is None:
        parent.due_on = await handling_due(session, parent)
        await take(session, caller, parent, "resume")


async def _check_permission(session: AsyncSession, signal: Signal, recipient_type: str) -> None:
    """Raise `HandlingCodeForbids` where a code of the sender stops this, and it did not permit it when asked.

    A permission is for what this version of the signal says; of several answers the last counts.
    """
    if not forbidding_codes(signal.content.get("handlingCodes", []), recipient_type):
        return
    answers = select(Question.permitted).where(
        Question.signal_id == signal.id,
        Question.signal_version == signal.version,
        Question.kind == PERMISSION,
        Question.organisation_type == recipient_type,
        Question.answered_at.is_not(None),
    )
    last = answers.order_by(Question.answered_at.desc(), Question.id.desc()).limit(1)
    if (await session.scalars(last)).first() is not True:
        raise errors.HandlingCodeForbids


async def _has_one_already(session: AsyncSession, parent_id: UUID, organisation_id: UUID) -> bool:
    one = select(Referral.id).where(
        Referral.parent_id == parent_id,
        Referral.organisation_id == organisation_id,
        Referral.status.in_(OPEN),
    )
    return (await session.scalars(one.limit(1))).first() is not None


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
    ) | {"parent_id": parent.id, "shared": shared.as_json()}
    await refer(session, [child])
    ground = f"agreement:{shared.agreement_id}"
    await trail.append(
        session, [trail.entry(caller.who, "referral.share", ACTIVITY, "referral", child["id"], ground=ground)]
    )
    await announce(session, waiting_event(child, now))
