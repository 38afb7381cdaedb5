"""Setting areas, asking for a release, and publishing it by somebody else. What was asked for, `freezing` does."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.errors import Fault, Invalid, NotFound
from service.pseudonyms.queries import settled_label
from service.snapshot import one_at_a_time
from service.statistics import errors
from service.statistics.areas import Area, check_areas
from service.statistics.models import AreaPlan, Compilation, CompilationRead, Release, ReleaseRead
from service.statistics.periods import NoSuchPeriod, Period, period_of
from service.statistics.queries import (
    PUBLISHED,
    area_plans,
    areas_as_json,
    check_order,
    is_being_compiled,
    read_compilation,
    read_release,
    released_periods,
)
from service.statistics.tallies import PERSONS

ACTIVITY = "statistics"


async def set_areas(session: AsyncSession, who: trail.Who, *, year: int, areas: Sequence[Area]) -> None:
    """Fix the areas of a year that has not begun; raises `AreasFixed`, or InvalidAreas with all faults."""
    check_areas(areas, year)
    today = clock.local_day(clock.receipt_moment())
    if today >= date(year, 1, 1) or await area_plans(session, year):
        raise errors.AreasFixed
    for population in PERSONS:
        await store_plan(session, year, population, areas, "administrator")
    await trail.append(session, [trail.entry(who, "areas.set", ACTIVITY, "area_plan", year)])


async def ask_for_release(
    session: AsyncSession, caller: Caller, *, period_code: str, period_kind: str
) -> CompilationRead:
    """Have a closed period compiled by a job, once.

    Raises `Invalid` (no such period), `PeriodNotClosed`, `ReleaseExists`, `BeingCompiled`, `OutOfOrder`,
    `KeysRotating`.
    """
    period = _closed_period(period_code, period_kind)
    await one_at_a_time(session)
    await settled_label(session)
    check_order(period, await released_periods(session))
    if await is_being_compiled(session):
        raise errors.BeingCompiled
    asked = Compilation(
        id=new_id(),
        period=period.code,
        kind=period_kind,
        asked_at=clock.now(),
        client_id=caller.client_id,
        organisation_id=caller.organisation_id,
        role=caller.role,
        actor=caller.actor or "",
        trace_id=caller.trace_id,
    )
    session.add(asked)
    await session.flush()
    await trail.append(session, [trail.entry(caller.who, "release.ask", ACTIVITY, "compilation", asked.id)])
    return read_compilation(asked)


async def publish_release(session: AsyncSession, caller: Caller, *, release_id: UUID) -> ReleaseRead:
    """Open a compiled release to readers; raises `NotFound`, `AlreadyPublished`, `SamePerson`."""
    release = (
        await session.scalars(select(Release).where(Release.id == release_id).with_for_update())
    ).one_or_none()
    if release is None:
        raise NotFound
    if release.status == PUBLISHED:
        raise errors.AlreadyPublished
    if caller.is_one_of([release.compiled_by]):
        raise errors.SamePerson
    release.status, release.published_at, release.published_by = PUBLISHED, clock.now(), caller.actor
    await session.flush()
    await trail.append(session, [trail.entry(caller.who, "release.publish", ACTIVITY, "release", release.id)])
    return read_release(release)


async def store_plan(
    session: AsyncSession, year: int, population: str, areas: Sequence[Area], origin: str
) -> None:
    """Fix the areas of a year for a population."""
    session.add(
        AreaPlan(
            year=year, population=population, origin=origin, areas=areas_as_json(areas), set_at=clock.now()
        )
    )
    await session.flush()


def _closed_period(code: str, kind: str) -> Period:
    try:
        period = period_of(code, kind)
    except NoSuchPeriod:
        raise Invalid(
            errors=[Fault("/period", "wrong-form", f"This register releases by {kind}, as in 2026-H1.")]
        ) from None
    if clock.local_day(clock.receipt_moment()) < period.closes_on:
        raise errors.PeriodNotClosed
    return period
