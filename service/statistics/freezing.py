"""The job that compiles what was asked for: counts a closed period, has it rounded and proved, and freezes its tables.

Reads in one transaction, computes outside of any (it takes minutes of CPU where many municipalities are shown), and
writes the frozen cells and the marks of who was counted in a last one. So a job that is killed leaves nothing behind
but that it began; it begins anew, and the same register and secret give the same release. Called by `jobs`.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.beside import beside
from service.database import Database, is_passing
from service.errors import Problem
from service.pseudonyms.errors import KeysRotating
from service.pseudonyms.queries import label_in_use, settled_label
from service.snapshot import one_at_a_time
from service.statistics import errors
from service.statistics.actions import ACTIVITY
from service.statistics.background import Background
from service.statistics.menu import ORGANISATIONS, SIGNALS, Population, menu_on
from service.statistics.models import Compilation
from service.statistics.periods import PERIODS_A_YEAR, period_of
from service.statistics.queries import (
    check_order,
    is_being_compiled,
    planned_by_counts,
    released_periods,
)
from service.statistics.released import known_numbers
from service.statistics.storing import freeze
from service.statistics.tallies import Counted, count_period

if TYPE_CHECKING:
    from service.statistics.compiling import Compiled

MOST_BEGINNINGS = 5  # of a compilation that fails, or kills its process, again and again

log = structlog.get_logger()


async def compile_waiting(database: Database, secret: bytes) -> None:
    """Compile what waits, oldest first; what cannot be done ends with its problem, and nothing of it is stored.

    While keys rotate it goes on waiting.
    """
    while (asked := await _begin(database)) is not None:
        try:
            await _compile(database, asked, secret)
        except KeysRotating:
            await _begin_no_more(database, asked)
            return
        except Problem as problem:
            await _end(database, asked, problem)
        except Exception as error:
            if is_passing(error):
                await _begin_no_more(database, asked)
            raise


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


async def _begin_no_more(database: Database, asked: Compilation) -> None:
    """It could not be done now, for no reason of its own: that it was begun does not count."""
    async with database.writing() as session:
        begun = update(Compilation).where(Compilation.id == asked.id, Compilation.begun > 0)
        await session.execute(begun.values(begun=Compilation.begun - 1))


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
        known = {code: await known_numbers(session, one) for code, one in menu.populations.items()}
        by_counts = await planned_by_counts(session)
        background = Background(period.first.year, PERIODS_A_YEAR[asked.kind], known, by_counts)
        counted = await count_period(session, period, menu, background)
    planned = {(period.first.year, code) for code in counted.planned}
    background = replace(background, by_counts=by_counts | planned)
    numbers: dict[str, Compiled] = {}
    for done, population in enumerate(menu.populations.values(), 1):
        signals = numbers.get(SIGNALS.code) if population.code == ORGANISATIONS.code else None
        work = partial(_rounded, population, counted, background, secret, period.code, signals)
        compiled = await beside(work)
        if compiled is not None:
            numbers[population.code] = compiled
        await _tell_progress(database, asked, done)
    async with database.writing() as session:
        await one_at_a_time(session)
        if not await _is_open(session, asked):
            return
        if await label_in_use(session) != label:
            raise KeysRotating
        check_order(period, await released_periods(session))
        release_id = await freeze(session, asked.actor, period, menu, counted, numbers)
        ended = {"ended_at": clock.now(), "release_id": release_id}
        await session.execute(update(Compilation).where(Compilation.id == asked.id).values(**ended))
        entry = trail.entry(_who(asked), "release.compile", ACTIVITY, "release", release_id)
        await trail.append(session, [entry])


async def _is_open(session: AsyncSession, asked: Compilation) -> bool:
    """Whether nobody else has ended it meanwhile; nobody can until this transaction ends."""
    still = select(Compilation.id).where(Compilation.id == asked.id, Compilation.ended_at.is_(None))
    return (await session.execute(still.with_for_update())).first() is not None


def _rounded(
    population: Population,
    counted: Counted,
    background: Background,
    secret: bytes,
    period: str,
    signals: "Compiled | None",
) -> "Compiled | None":
    """The numbers of a population; organisations are never more than their `signals`, else they stay out."""
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
            shares=counted.shares[code],
            at_most=signals.rounded.values if signals else {},
        )
    except NoRoundingFound:
        if signals is not None:
            return None
        raise errors.NothingReleasable from None


async def _tell_progress(database: Database, asked: Compilation, done: int) -> None:
    async with database.writing() as session:
        await session.execute(update(Compilation).where(Compilation.id == asked.id).values(done=done))


def _who(asked: Compilation) -> trail.Who:
    return trail.Who(asked.client_id, asked.organisation_id, asked.role, asked.actor, asked.trace_id)
