"""The job that compiles what was asked for: counts a closed period, has it rounded and proved, and freezes its tables.

Reads in one transaction, computes outside of any (it takes minutes of CPU where many municipalities are shown), and
writes the frozen cells and the marks of who was counted in a last one. So a job that is killed leaves nothing behind
but that it began; it begins anew, and the same register and secret give the same release. Called by `jobs`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.beside import beside
from service.columns import new_id
from service.database import Database
from service.errors import Problem
from service.pseudonyms.errors import KeysRotating
from service.pseudonyms.queries import label_in_use, settled_label
from service.signals.models import SignalPerson
from service.snapshot import one_at_a_time
from service.statistics import errors
from service.statistics.actions import ACTIVITY, store_plan
from service.statistics.background import Background
from service.statistics.disclosure import Cell, display
from service.statistics.menu import Menu, Population, menu_on
from service.statistics.models import Compilation, Release, ReleaseCell
from service.statistics.periods import PERIODS_A_YEAR, Period, period_of
from service.statistics.queries import (
    BY_COUNTS,
    area_plans,
    areas_as_json,
    check_order,
    is_being_compiled,
    planned_by_counts,
    released_periods,
)
from service.statistics.released import known_numbers
from service.statistics.tallies import Counted, count_period

if TYPE_CHECKING:
    from service.statistics.compiling import Compiled

MARKED_AT_A_TIME = 5000
MOST_BEGINNINGS = 5  # of a compilation that kills its process, again and again

log = structlog.get_logger()


async def compile_waiting(database: Database, secret: bytes) -> None:
    """Compile what waits, oldest first; what cannot be done ends with its problem, and nothing of it is stored.

    While keys rotate it goes on waiting.
    """
    while (asked := await _begin(database)) is not None:
        try:
            await _compile(database, asked, secret)
        except KeysRotating:
            return
        except Problem as problem:
            await _end(database, asked, problem)


async def _begin(database: Database) -> Compilation | None:
    async with database.reading() as session:
        if not await is_being_compiled(session):
            return None
    async with database.writing() as session:
        asked = (
            await session.scalars(
                select(Compilation)
                .where(Compilation.ended_at.is_(None))
                .order_by(Compilation.asked_at, Compilation.id)
                .limit(1)
                .with_for_update()
            )
        ).one_or_none()
        if asked is not None:
            asked.begun, asked.done = asked.begun + 1, 0
    if asked is not None and asked.begun > MOST_BEGINNINGS:
        await _end(database, asked, errors.GivenUp())
        return await _begin(database)
    return asked


async def _end(database: Database, asked: Compilation, problem: Problem) -> None:
    log.error("statistics.not_compiled", compilation=str(asked.id), problem=problem.slug)
    entry = trail.entry(
        _who(asked), "release.compile", ACTIVITY, "compilation", asked.id, outcome=problem.slug
    )
    async with database.writing() as session:
        ended = await session.execute(
            update(Compilation)
            .where(Compilation.id == asked.id, Compilation.ended_at.is_(None))
            .values(ended_at=clock.now(), failure=problem.slug)
        )
        if ended.rowcount:
            await trail.append(session, [entry])


async def _compile(database: Database, asked: Compilation, secret: bytes) -> None:
    period = period_of(asked.period, asked.kind)
    menu = menu_on(period.first)
    async with database.reading() as session:
        label = await settled_label(session)
        counted = await count_period(session, period, menu)
        known = {code: await known_numbers(session, one) for code, one in menu.populations.items()}
        by_counts = await planned_by_counts(session)
    by_counts |= {(period.first.year, code) for code in counted.planned}
    background = Background(period.first.year, PERIODS_A_YEAR[asked.kind], known, by_counts)
    numbers: dict[str, Compiled] = {}
    for population in menu.populations.values():
        work = partial(_rounded, population, counted, background, secret, period.code)
        numbers[population.code] = await beside(work)
        await _tell_progress(database, asked, len(numbers))
    async with database.writing() as session:
        await one_at_a_time(session)
        if await label_in_use(session) != label:
            raise KeysRotating
        check_order(period, await released_periods(session))
        await _freeze(session, asked, period, menu, counted, numbers)


def _rounded(
    population: Population, counted: Counted, background: Background, secret: bytes, period: str
) -> "Compiled":
    # Imported here: the solver costs a second of every start-up, for what runs twice a year.
    from service.statistics.compiling import compile_numbers
    from service.statistics.rounding import NoRoundingFound

    code = population.code
    try:
        return compile_numbers(
            population,
            counted.areas[code],
            counted.counts[code],
            secret=secret,
            period=period,
            earlier=background.known(code),
            rules=partial(background.rules, code),
            knowers=counted.knowers[code],
        )
    except NoRoundingFound:
        raise errors.NothingReleasable from None


async def _tell_progress(database: Database, asked: Compilation, done: int) -> None:
    async with database.writing() as session:
        await session.execute(update(Compilation).where(Compilation.id == asked.id).values(done=done))


async def _freeze(
    session: AsyncSession,
    asked: Compilation,
    period: Period,
    menu: Menu,
    counted: Counted,
    numbers: Mapping[str, "Compiled"],
) -> None:
    """Write the release, its cells, the areas that were planned, and the mark on everybody who was counted."""
    if not await area_plans(session, period.first.year):
        for code, areas in counted.planned.items():
            await store_plan(session, period.first.year, code, areas, BY_COUNTS)
    release = Release(
        id=new_id(),
        period=period.code,
        first=period.first,
        last=period.last,
        status="COMPILED",
        menu_version=menu.version,
        areas={code: areas_as_json(one.areas) for code, one in numbers.items()},
        facts={code: one.facts for code, one in numbers.items()},
        compiled_at=clock.now(),
        compiled_by=asked.actor,
        published_at=None,
        published_by=None,
    )
    session.add(release)
    await session.flush()
    for code, one in numbers.items():
        for table in one.tables:
            cells = display(menu.populations[code], table, one.areas, one.rounded.values)
            rows = [_cell_row(release.id, table.code, position, cell) for position, cell in enumerate(cells)]
            await session.execute(insert(ReleaseCell.__table__), rows)
    await _mark_counted(session, counted.person_ids, period.last)
    ended = {"ended_at": clock.now(), "release_id": release.id}
    await session.execute(update(Compilation).where(Compilation.id == asked.id).values(**ended))
    entry = trail.entry(_who(asked), "release.compile", ACTIVITY, "release", release.id)
    await trail.append(session, [entry])


def _who(asked: Compilation) -> trail.Who:
    return trail.Who(asked.client_id, asked.organisation_id, asked.role, asked.actor, asked.trace_id)


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
