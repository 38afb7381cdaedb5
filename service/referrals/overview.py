"""Queues as a whole: the figures of one's own, and what is in nobody's."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.organisations.models import Organisation
from service.paging import MAX_LIMIT
from service.referrals.models import PRIORITIES, Question, Referral, ReferralStep
from service.referrals.queries import ORDERS, URGENCY, own_queue, reading_along
from service.referrals.reads import ReturnedReferral, ReturnStep, Workload
from service.referrals.states import OPEN

_referral, _question = Referral.__table__, Question.__table__
_step, _organisation = ReferralStep.__table__, Organisation.__table__


async def workload_of(session: AsyncSession, caller: Caller) -> Workload:
    """The caller's own figures, exact, as of now; three statements."""
    today = clock.local_day(clock.now())

    def times(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(cast(condition, Integer)), 0)

    status, due = _referral.c.status, _referral.c.due_on
    mine = and_(_referral.c.assigned_to == caller.actor, status == "ACCEPTED")
    figures = select(
        *(times(status == one).label(one.lower()) for one in OPEN),
        times(due == today).label("due_today"),
        times(due < today).label("overdue"),
        times(mine).label("mine"),
    ).where(*own_queue(caller), _referral.c.ended_at.is_(None))
    asked = (
        select(func.count())
        .select_from(_question.join(_referral, _referral.c.signal_id == _question.c.signal_id))
        .where(
            *own_queue(caller),
            _referral.c.parent_id.is_(None),
            _referral.c.ended_at.is_(None),
            _question.c.answered_at.is_(None),
        )
    )
    along = select(func.count()).select_from(_referral).where(reading_along(caller))
    return Workload(
        **(await session.execute(figures)).one()._mapping,
        questions_open=await session.scalar(asked) or 0,
        reading_along=await session.scalar(along) or 0,
    )


async def returned_referrals(session: AsyncSession) -> Sequence[ReturnedReferral]:
    """What is in nobody's queue, the most urgent of it, with who returned it and why."""
    unplaced = select(_referral).where(_referral.c.organisation_id.is_(None), _referral.c.ended_at.is_(None))
    rows = (await session.execute(unplaced.order_by(*ORDERS[URGENCY]).limit(MAX_LIMIT))).all()
    steps = await _returns(session, [row.signal_id for row in rows])
    return [
        ReturnedReferral(
            id=row.id,
            version=row.version,
            municipality=row.municipality,
            priority=PRIORITIES[row.priority],
            received_at=row.received_at,
            due_on=row.due_on,
            returns=steps.get(row.signal_id, []),
        )
        for row in rows
    ]


async def _returns(session: AsyncSession, signal_ids: Sequence[UUID]) -> Mapping[UUID, list[ReturnStep]]:
    rows = await session.execute(
        select(_referral.c.signal_id, _step.c.at, _step.c.detail, _organisation.c.name)
        .select_from(
            _referral.join(_step, _step.c.referral_id == _referral.c.id).join(
                _organisation, _organisation.c.id == _referral.c.organisation_id
            )
        )
        .where(
            _referral.c.signal_id.in_(signal_ids),
            _referral.c.parent_id.is_(None),
            _step.c.move == "return",
        )
        .order_by(_step.c.at, _step.c.id)
    )
    found: dict[UUID, list[ReturnStep]] = {}
    for row in rows:
        step = ReturnStep(at=row.at, organisation=row.name, reason=row.detail)
        found.setdefault(row.signal_id, []).append(step)
    return found
