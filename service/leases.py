"""Leases of jobs: which process may run which job, and how each went last.

One row for each job. A process takes what is free and renews what it has, all in one statement, every few seconds;
what a dead process held is free again after `HOLD`. A lease saves work that is done twice; that two at once do no
harm is for each job to see to, by its own locks. Called by `jobs.py`; the operators' doors read `job_states`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from service.columns import Moment
from service.rows import insert_unless_known

HOLD = timedelta(seconds=20)


class JobState(SQLModel, table=True):
    """Who runs a job and until when; when it last did all it had to, and how often it failed since."""

    __tablename__ = "job"

    name: str = Field(primary_key=True, max_length=40)
    held_by: UUID | None
    held_until: datetime | None = Field(sa_column=Column(Moment))
    done_at: datetime | None = Field(sa_column=Column(Moment))
    failed_at: datetime | None = Field(sa_column=Column(Moment))
    failure: str | None = Field(max_length=80)
    failures: int


_job = JobState.__table__  # type: ignore[attr-defined]


async def name_jobs(session: AsyncSession, names: Collection[str]) -> None:
    """Make the rows that are missing."""
    rows = [{"name": name, "failures": 0} for name in sorted(names)]
    await session.execute(insert_unless_known(session, _job).values(rows))


async def hold(session: AsyncSession, holder: UUID, names: Collection[str], now: datetime) -> frozenset[str]:
    """Take those that are free and renew one's own, until `now + HOLD`; the names that are now the holder's.

    A lease further ahead than any that is given was given by a clock that has jumped since: it counts as over.
    """
    free = or_(
        _job.c.held_by == holder,
        _job.c.held_until.is_(None),
        _job.c.held_until <= now,
        _job.c.held_until > now + 2 * HOLD,
    )
    taken = await session.execute(
        update(_job)
        .where(_job.c.name.in_(names), free)
        .values(held_by=holder, held_until=now + HOLD)
        .returning(_job.c.name)
    )
    return frozenset(taken.scalars())


async def give_back(session: AsyncSession, holder: UUID) -> None:
    """Let others take at once what this process had."""
    await session.execute(update(_job).where(_job.c.held_by == holder).values(held_by=None, held_until=None))


async def record_done(session: AsyncSession, done: Mapping[str, datetime]) -> None:
    """When jobs last did all that they had to; they do not count as failing any more."""
    for name, moment in sorted(done.items()):
        values = {"done_at": moment, "failures": 0, "failure": None}
        await session.execute(update(_job).where(_job.c.name == name).values(**values))


async def record_failed(session: AsyncSession, failed: Mapping[str, tuple[datetime, str, int]]) -> None:
    """When jobs failed, by which type of error, and how often since they were last recorded."""
    for name, (moment, failure, times) in sorted(failed.items()):
        values = {"failed_at": moment, "failure": failure[:80], "failures": _job.c.failures + times}
        await session.execute(update(_job).where(_job.c.name == name).values(**values))


async def job_states(session: AsyncSession) -> Sequence[JobState]:
    """Every job that this register has ever run, by name."""
    return (await session.scalars(select(JobState).order_by(JobState.name))).all()
