"""Returning: who cannot take it hands it to the covering contact point, never back to somebody who returned it.

The first return goes to the regional contact point of the municipality; a second one, or a first that nobody covers,
into nobody's queue and so onto the administration's list, which places it without seeing its content. Terms run on
from receipt. What a recipient returns goes back to the contact point that forwarded it.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.access.queries import somebody_works_there
from service.agreements.models import AgreementContent
from service.caller import Caller
from service.errors import NotFound, PreconditionFailed
from service.events.actions import announce
from service.organisations.models import ContactPoint, Organisation
from service.organisations.queries import contact_points_on, covering
from service.referrals import errors
from service.referrals.bodies import PlacementRequest, ReturnRequest
from service.referrals.feedback import tell_reporter
from service.referrals.forwarding import resume_parent
from service.referrals.models import Referral
from service.referrals.steps import (
    acute_event,
    agreement_of,
    check_move,
    held,
    refer,
    take,
    waiting_event,
    waiting_referral,
)
from service.referrals.terms import due_on, shortest
from service.routing.models import RuleSet, SignalDecision
from service.routing.rules import RuleSetContent
from service.snapshot import hold_reference

COORDINATORS = frozenset({"coordinator"})


async def hand_back(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: ReturnRequest
) -> None:
    """Return a claimed or accepted referral with a reason; somebody else has it from this commit on."""
    await hold_reference(session)  # whoever it goes to is not ended meanwhile
    referral = await held(session, caller, referral_id, version)
    check_move(referral, "return")
    was_claimed = referral.status == "CLAIMED"
    await take(session, caller, referral, "return", detail=request.reason)
    if referral.parent_id is not None:
        await resume_parent(session, caller, referral.parent_id)
        return
    agreement = await agreement_of(session, referral.signal_id)
    point = await _covering(session, referral, agreement) if referral.returned_from_id is None else None
    due = referral.due_on if was_claimed else await _decision_due(session, referral, agreement)
    successor = waiting_referral(
        signal_id=referral.signal_id,
        signal_version=referral.signal_version,
        organisation_id=point.organisation_id if point else None,
        contact_point_id=point.id if point else None,
        municipality=referral.municipality,
        priority=referral.priority,
        received_at=referral.received_at,
        due=due,
    ) | {"returned_from_id": referral.id}
    await refer(session, [successor])
    await announce(session, waiting_event(successor, clock.now()))
    if point is not None:
        await _tell_where_it_went(session, referral.signal_id, point)


async def place(
    session: AsyncSession, caller: Caller, *, referral_id: UUID, version: int, request: PlacementRequest
) -> None:
    """Give what is in nobody's queue to a contact point.

    Raises `NotFound`, `PreconditionFailed`, `NotPossibleNow`, `NoSuchContactPoint`, `NobodyThere`.
    """
    await hold_reference(session)
    unplaced = select(Referral).where(Referral.id == referral_id, Referral.organisation_id.is_(None))
    referral = (await session.scalars(unplaced.with_for_update())).one_or_none()
    if referral is None:
        raise NotFound
    if referral.version != version:
        raise PreconditionFailed
    check_move(referral, "place")
    agreement = await agreement_of(session, referral.signal_id)
    points = await contact_points_on(session, clock.local_day(clock.now()))
    point = next((one for one in points if one.id == request.contact_point), None)
    if point is None or point.organisation_id not in agreement.parties:
        raise errors.NoSuchContactPoint
    if point.organisation_id in await _returned_by(session, referral):
        raise errors.NoSuchContactPoint
    if not await _can_be_worked(session, point, referral):
        raise errors.NobodyThere
    referral.organisation_id, referral.contact_point_id = point.organisation_id, point.id
    await take(session, caller, referral, "place")
    await announce(session, acute_event(referral, clock.now()))
    await _tell_where_it_went(session, referral.signal_id, point)


async def _covering(
    session: AsyncSession, referral: Referral, agreement: AgreementContent
) -> ContactPoint | None:
    """The regional contact point of the municipality, of another party to the agreement, where somebody works."""
    points = await contact_points_on(session, clock.local_day(clock.now()))
    for point in covering(points, referral.municipality, agreement.parties):
        other = point.organisation_id != referral.organisation_id
        if other and await _can_be_worked(session, point, referral):
            return point
    return None


async def _can_be_worked(session: AsyncSession, point: ContactPoint, referral: Referral) -> bool:
    return await somebody_works_there(
        session, point.organisation_id, referral.municipality, roles=COORDINATORS
    )


async def _decision_due(session: AsyncSession, referral: Referral, agreement: AgreementContent) -> date:
    """The last day for deciding, from receipt: by the agreement, or by the rule where that is shorter."""
    decided = await session.execute(
        select(SignalDecision.rule, RuleSet.content)
        .join(RuleSet, RuleSet.version == SignalDecision.rule_set)
        .where(
            SignalDecision.signal_id == referral.signal_id,
            SignalDecision.signal_version == referral.signal_version,
        )
    )
    name, content = decided.one()
    rules = RuleSetContent.model_validate(content).rules
    by_rule = next((rule.then.due_working_days for rule in rules if rule.name == name), None)
    term = shortest(agreement.terms.decision_working_days, by_rule)
    return due_on(clock.local_day(referral.received_at), term)


async def _returned_by(session: AsyncSession, referral: Referral) -> set[UUID | None]:
    """The organisations that have returned it, one after the other."""
    found, earlier = set(), referral.returned_from_id
    while earlier is not None:
        before = await session.get_one(Referral, earlier)
        found.add(before.organisation_id)
        earlier = before.returned_from_id
    return found


async def _tell_where_it_went(session: AsyncSession, signal_id: UUID, point: ContactPoint) -> None:
    organisation = await session.get_one(Organisation, point.organisation_id)
    await tell_reporter(session, signal_id, "F04_REFERRED", organisation_type=organisation.type)
