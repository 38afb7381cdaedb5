"""What the clock moves: claims whose lease is over, and referrals of signals whose last day has passed. Jobs.

A claim that comes short also puts back what has lapsed in its own queue, so that nobody waits for the job.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.apart import each_apart
from service.database import Database
from service.referrals.bodies import MAX_LEASE_SECONDS
from service.referrals.following import end_expired
from service.referrals.models import Referral, ReferralClaim
from service.referrals.states import after
from service.referrals.steps import CLOCKWORK, FREE, changed, changing, record_steps
from service.signals.models import Signal

AT_A_TIME = 200
CLAIMS_ARE_KEPT = timedelta(days=1)

_referral, _claim = Referral.__table__, ReferralClaim.__table__


async def lapse_claims(database: Database) -> None:
    """Put back what was claimed and let lie, in every queue."""
    while True:
        now = clock.now()
        async with database.reading() as session:
            if (await session.execute(select(_referral.c.id).where(*_over(now)).limit(1))).first() is None:
                return
        async with database.writing() as session:
            if not await lapse(session, (), now, limit=AT_A_TIME):
                return  # somebody else is at it


async def lapse(
    session: AsyncSession, where: Sequence[Any], now: datetime, *, limit: int | None = None
) -> int:
    """Put back what meets the conditions too; how many. A step of its own, with its history."""
    put_back = {"status": after("CLAIMED", "lapse"), **FREE}
    lapsed = await changed(session, changing((*where, *_over(now)), put_back, limit))
    await record_steps(session, CLOCKWORK, "lapse", lapsed, now)
    return len(lapsed)


def _over(now: datetime) -> tuple[Any, ...]:
    """A lease longer than any was given by a clock that was ahead: it is over too."""
    longest = now + timedelta(seconds=2 * MAX_LEASE_SECONDS)
    ended = or_(_referral.c.lease_until <= now, _referral.c.lease_until > longest)
    return _referral.c.status == "CLAIMED", ended


async def expire_referrals(database: Database) -> None:
    """End what is still open of signals whose last day has passed; each in a transaction of its own."""

    async def expire(signal_id: UUID) -> None:
        async with database.writing() as session:
            if await _is_over(session, signal_id):
                await end_expired(session, signal_id=signal_id)

    await each_apart(_all_past_their_last_day(database), expire)


async def _all_past_their_last_day(database: Database) -> AsyncIterator[UUID]:
    last: UUID | None = None
    while True:
        async with database.reading() as session:
            signal_ids = await _past_their_last_day(session, last)
        for signal_id in signal_ids:
            yield signal_id
        if not signal_ids:
            return
        last = signal_ids[-1]


async def forget_claims(database: Database) -> None:
    """Forget the keys of claims a day after their first lease was over: nobody asks for such an answer again."""
    async with database.writing() as session:
        old = _claim.c.lease_until < clock.now() - CLAIMS_ARE_KEPT
        await session.execute(delete(_claim).where(old))


async def _past_their_last_day(session: AsyncSession, after_id: UUID | None) -> Sequence[UUID]:
    over = (
        select(_referral.c.signal_id)
        .join(Signal, Signal.id == _referral.c.signal_id)
        .where(_last_day_passed(), _referral.c.ended_at.is_(None))
        .distinct()
        .order_by(_referral.c.signal_id)
        .limit(AT_A_TIME)
    )
    if after_id is not None:
        over = over.where(_referral.c.signal_id > after_id)
    return (await session.execute(over)).scalars().all()


async def _is_over(session: AsyncSession, signal_id: UUID) -> bool:
    """Whether it is still past its last day, which a correction may have moved; locked.

    The signal first, then its referrals: as whoever corrects or withdraws it.
    """
    over = select(Signal.id).where(Signal.id == signal_id, _last_day_passed())
    return await session.scalar(over.with_for_update(key_share=True)) is not None


def _last_day_passed() -> Any:
    return Signal.__table__.c.remove_by < clock.local_day(clock.now())
