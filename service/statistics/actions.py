"""Setting areas, compiling a release once, and publishing it by somebody else.

Compiling reads in one transaction, rounds outside of any (it takes seconds of CPU), and writes the frozen
cells and the marks of who was counted in a second one; a period that was compiled meanwhile stops it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.database import Database
from service.errors import Fault, Invalid, NotFound
from service.pseudonyms.errors import KeysRotating
from service.pseudonyms.queries import label_in_use, settled_label
from service.signals.models import SignalPerson
from service.snapshot import one_at_a_time
from service.statistics import errors
from service.statistics.areas import Area, Standing, area_index, check_areas, plan_areas, regions_only
from service.statistics.counting import FirstSeen, closed_over, first_seen, standings_of, tabulate
from service.statistics.disclosure import Cell, Counts, Rounding, display
from service.statistics.entries import counted_between, entries_between
from service.statistics.menu import MENU_VERSION, VICTIMS, Population
from service.statistics.models import AreaPlan, Release, ReleaseCell, ReleaseRead
from service.statistics.periods import NoSuchPeriod, Period, period_of, year_of
from service.statistics.queries import (
    PUBLISHED,
    areas_as_json,
    find_area_plan,
    read_release,
    released_periods,
)

ACTIVITY = "statistics"
COUNTED_AGAIN_AFTER = relativedelta(months=12)
LINKED_WITHIN = relativedelta(months=24)  # as long as a signal may exist
MARKED_AT_A_TIME = 5000


async def set_areas(session: AsyncSession, who: trail.Who, *, year: int, areas: Sequence[Area]) -> None:
    """Fix the areas of a year that has not begun; raises `AreasFixed`, or InvalidAreas with all faults."""
    check_areas(areas)
    today = clock.local_day(clock.receipt_moment())
    if today >= date(year, 1, 1) or await find_area_plan(session, year) is not None:
        raise errors.AreasFixed
    await _store_plan(session, year, areas, "administrator")
    await trail.append(session, [trail.entry(who, "areas.set", ACTIVITY, "area_plan", year)])


async def compile_release(
    database: Database, caller: Caller, *, period_code: str, period_kind: str, secret: bytes
) -> ReleaseRead:
    """Count a closed period and freeze its tables.

    Raises `Invalid` (no such period), `PeriodNotClosed`, `ReleaseExists`, `OutOfOrder`, `NothingReleasable`,
    `KeysRotating`.
    """
    period = _closed_period(period_code, period_kind)
    async with database.reading() as session:
        released = await released_periods(session)
        _check_order(period, released)
        label = await settled_label(session)
        planned = await find_area_plan(session, period.first.year)
        areas = planned or await _areas_by_last_year(session, VICTIMS, period.first.year)
        persons = await _count(session, VICTIMS, period)
    counts = tabulate(persons, VICTIMS, area_index(areas))
    rounding = await asyncio.to_thread(_round, areas, counts, secret, period)
    try:
        async with database.writing() as session:
            await one_at_a_time(session)
            if await label_in_use(session) != label:
                raise KeysRotating
            if await released_periods(session) != released:
                raise errors.ReleaseExists("Another period was released meanwhile; compile this one anew.")
            if planned is None and await find_area_plan(session, period.first.year) is None:
                await _store_plan(session, period.first.year, areas, "previous-year")
            return await _freeze(session, caller, period, rounding, persons)
    except IntegrityError:
        raise errors.ReleaseExists from None


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


def _check_order(period: Period, released: Mapping[str, date]) -> None:
    """A period is counted once, and none before one that has been counted."""
    if period.code in released:
        raise errors.ReleaseExists
    if any(first > period.first for first in released.values()):
        raise errors.OutOfOrder


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


async def _count(session: AsyncSession, population: Population, period: Period) -> list[FirstSeen]:
    """The persons first seen in the period."""
    begin, end = period.moments(clock.LOCAL)
    entries = await entries_between(session, population, begin, end)
    counted = await counted_between(
        session, population, period.first - COUNTED_AGAIN_AFTER, period.first - relativedelta(days=1)
    )
    earlier = await entries_between(session, population, begin - LINKED_WITHIN, begin)
    return first_seen(entries, closed_over(counted, earlier))


def _round(areas: Sequence[Area], counts: Counts, secret: bytes, period: Period) -> Rounding:
    # Imported here: the solver costs a second of every start-up, for what runs twice a year.
    from service.statistics.rounding import NoRoundingFound, round_release

    try:
        return round_release(VICTIMS, areas, counts, secret=secret, release=period.code)
    except NoRoundingFound:
        raise errors.NothingReleasable from None


async def _areas_by_last_year(session: AsyncSession, population: Population, year: int) -> tuple[Area, ...]:
    """Areas from the counts of the year before; regions only where there are none."""
    begin, end = year_of(year - 1).moments(clock.LOCAL)
    persons = first_seen(await entries_between(session, population, begin, end), frozenset())
    if not persons:
        return regions_only()
    return plan_areas(
        Standing(municipality, by_organisation)
        for municipality, by_organisation in standings_of(persons).items()
    )


async def _store_plan(session: AsyncSession, year: int, areas: Sequence[Area], origin: str) -> None:
    session.add(AreaPlan(year=year, origin=origin, areas=areas_as_json(areas), set_at=clock.now()))
    await session.flush()


async def _freeze(
    session: AsyncSession,
    caller: Caller,
    period: Period,
    rounding: Rounding,
    persons: Sequence[FirstSeen],
) -> ReleaseRead:
    """Write the release, its cells, and the mark on everybody who was counted."""
    release = Release(
        id=new_id(),
        period=period.code,
        first=period.first,
        last=period.last,
        status="COMPILED",
        menu_version=MENU_VERSION,
        areas=areas_as_json(rounding.areas),
        facts={
            "shares": dict(rounding.shares),
            "joined": list(rounding.joined),
            "solver": rounding.solving.solver,
            "nodeLimit": rounding.solving.node_limit,
            "nodes": rounding.solving.nodes,
            "gap": rounding.solving.gap,
        },
        compiled_at=clock.now(),
        compiled_by=caller.actor or "",
        published_at=None,
        published_by=None,
    )
    session.add(release)
    await session.flush()
    for table in VICTIMS.tables:
        rows = [
            _cell_row(release.id, table.code, position, cell)
            for position, cell in enumerate(display(table, rounding))
        ]
        await session.execute(insert(ReleaseCell.__table__), rows)
    await _mark_counted(session, persons, period.last)
    await trail.append(session, [trail.entry(caller.who, "release.compile", ACTIVITY, "release", release.id)])
    return read_release(release)


def _cell_row(release_id: UUID, table: str, position: int, cell: Cell) -> dict[str, object]:
    return {
        "release_id": release_id,
        "table": table,
        "position": position,
        "area": cell.area,
        "category": cell.category,
        "value": cell.value,
        "status": cell.status,
    }


async def _mark_counted(session: AsyncSession, persons: Sequence[FirstSeen], day: date) -> None:
    ids = [entry.person_id for person in persons for entry in person.entries]
    for start in range(0, len(ids), MARKED_AT_A_TIME):
        await session.execute(
            update(SignalPerson)
            .where(SignalPerson.id.in_(ids[start : start + MARKED_AT_A_TIME]))
            .values(counted_on=day)
            .execution_options(synchronize_session=False)
        )
