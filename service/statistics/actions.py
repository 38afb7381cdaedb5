"""Setting areas, compiling a release once, and publishing it by somebody else.

Compiling reads in one transaction, rounds outside of any (it takes seconds of CPU), and writes the frozen
cells and the marks of who was counted in a second one; a period that was compiled meanwhile stops it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

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
from service.statistics.areas import Area, check_areas
from service.statistics.background import Background
from service.statistics.disclosure import Cell, display
from service.statistics.menu import MENU, MENU_VERSION
from service.statistics.models import AreaPlan, Release, ReleaseCell, ReleaseRead
from service.statistics.periods import PERIODS_A_YEAR, NoSuchPeriod, Period, period_of
from service.statistics.queries import (
    BY_COUNTS,
    PUBLISHED,
    area_plans,
    areas_as_json,
    planned_by_counts,
    read_release,
    released_periods,
)
from service.statistics.released import known_numbers
from service.statistics.tallies import PERSONS, Counted, count_period

if TYPE_CHECKING:
    from service.statistics.compiling import Compiled

ACTIVITY = "statistics"
MARKED_AT_A_TIME = 5000


async def set_areas(session: AsyncSession, who: trail.Who, *, year: int, areas: Sequence[Area]) -> None:
    """Fix the areas of a year that has not begun; raises `AreasFixed`, or InvalidAreas with all faults."""
    check_areas(areas)
    today = clock.local_day(clock.receipt_moment())
    if today >= date(year, 1, 1) or await area_plans(session, year):
        raise errors.AreasFixed
    for population in PERSONS:
        await _store_plan(session, year, population, areas, "administrator")
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
        counted = await count_period(session, period)
        known = {one.code: await known_numbers(session, one) for one in MENU.values()}
        by_counts = await planned_by_counts(session)
    by_counts |= {(period.first.year, code) for code in counted.planned}
    background = Background(period.first.year, PERIODS_A_YEAR[period_kind], known, by_counts)
    numbers = await asyncio.to_thread(_compile, counted, background, secret, period)
    try:
        async with database.writing() as session:
            await one_at_a_time(session)
            if await label_in_use(session) != label:
                raise KeysRotating
            if await released_periods(session) != released:
                raise errors.ReleaseExists("Another period was released meanwhile; compile this one anew.")
            if not await area_plans(session, period.first.year):
                for code, areas in counted.planned.items():
                    await _store_plan(session, period.first.year, code, areas, BY_COUNTS)
            return await _freeze(session, caller, period, numbers, counted.person_ids)
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


def _compile(
    counted: Counted, background: "Background", secret: bytes, period: Period
) -> Mapping[str, "Compiled"]:
    # Imported here: the solver costs a second of every start-up, for what runs twice a year.
    from service.statistics.compiling import compile_all
    from service.statistics.rounding import NoRoundingFound

    try:
        return compile_all(
            counted.counts,
            counted.areas,
            background,
            secret=secret,
            period=period.code,
            by_organisation=counted.known,
        )
    except NoRoundingFound:
        raise errors.NothingReleasable from None


async def _store_plan(
    session: AsyncSession, year: int, population: str, areas: Sequence[Area], origin: str
) -> None:
    session.add(
        AreaPlan(
            year=year, population=population, origin=origin, areas=areas_as_json(areas), set_at=clock.now()
        )
    )
    await session.flush()


async def _freeze(
    session: AsyncSession,
    caller: Caller,
    period: Period,
    numbers: Mapping[str, "Compiled"],
    person_ids: Sequence[UUID],
) -> ReleaseRead:
    """Write the release, its cells, and the mark on everybody who was counted."""
    release = Release(
        id=new_id(),
        period=period.code,
        first=period.first,
        last=period.last,
        status="COMPILED",
        menu_version=MENU_VERSION,
        areas={code: areas_as_json(one.areas) for code, one in numbers.items()},
        facts={code: one.facts for code, one in numbers.items()},
        compiled_at=clock.now(),
        compiled_by=caller.actor or "",
        published_at=None,
        published_by=None,
    )
    session.add(release)
    await session.flush()
    for code, one in numbers.items():
        for table in one.tables:
            cells = display(MENU[code], table, one.areas, one.rounded.values)
            rows = [_cell_row(release.id, table.code, position, cell) for position, cell in enumerate(cells)]
            await session.execute(insert(ReleaseCell.__table__), rows)
    await _mark_counted(session, person_ids, period.last)
    await trail.append(session, [trail.entry(caller.who, "release.compile", ACTIVITY, "release", release.id)])
    return read_release(release)


def _cell_row(release_id: UUID, table: str, position: int, cell: Cell) -> dict[str, object]:
    return {
        "release_id": release_id,
        "table": table,
        "position": position,
        "row_code": cell.row,
        "column_code": cell.column,
        "value": cell.value,
        "status": cell.status,
        "rounded": cell.rounded,
    }


async def _mark_counted(session: AsyncSession, person_ids: Sequence[UUID], day: date) -> None:
    for start in range(0, len(person_ids), MARKED_AT_A_TIME):
        await session.execute(
            update(SignalPerson)
            .where(SignalPerson.id.in_(person_ids[start : start + MARKED_AT_A_TIME]))
            .values(counted_on=day)
            .execution_options(synchronize_session=False)
        )
