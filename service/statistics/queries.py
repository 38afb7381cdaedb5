"""Reading what is counted, and reading releases. Readers of statistics only ever see `release_cell`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.errors import NotFound
from service.statistics import errors
from service.statistics.areas import Area
from service.statistics.definitions import CAVEATS, DEFINITIONS, MEASURED
from service.statistics.menu import MENUS, TABLES, Population, Table, menu_on
from service.statistics.models import (
    AreaPlan,
    AreaRead,
    Certificate,
    Compilation,
    CompilationRead,
    Definition,
    DefinitionList,
    Release,
    ReleaseRead,
    TableDefinition,
    TableLink,
)
from service.statistics.names import area_name
from service.statistics.periods import Period, period_of

Value = TypeVar("Value")

PUBLISHED = "PUBLISHED"
BY_COUNTS = "previous-year"
LATEST = 50


async def area_plans(session: AsyncSession, year: int) -> dict[str, tuple[Area, ...]]:
    """The areas fixed for a year, by population."""
    plans = await session.scalars(select(AreaPlan).where(AreaPlan.year == year))
    return {plan.population: areas_from(plan.areas) for plan in plans}


async def planned_by_counts(session: AsyncSession) -> frozenset[tuple[int, str]]:
    """The years and populations whose areas follow from the counts of the year before."""
    rows = await session.execute(
        select(AreaPlan.year, AreaPlan.population).where(AreaPlan.origin == BY_COUNTS)
    )
    return frozenset((row.year, row.population) for row in rows)


def areas_from(stored: Sequence[Mapping[str, Any]]) -> tuple[Area, ...]:
    """Areas as they are kept in JSON."""
    return tuple(Area(area["code"], area["region"], tuple(area["municipalities"])) for area in stored)


def areas_as_json(areas: Sequence[Area]) -> list[dict[str, Any]]:
    """The reverse of `areas_from`."""
    return [
        {"code": area.code, "region": area.region, "municipalities": list(area.municipalities)}
        for area in areas
    ]


async def released_periods(session: AsyncSession) -> dict[str, date]:
    """The periods that have been compiled, with their last days."""
    rows = await session.execute(select(Release.period, Release.last))
    return {row.period: row.last for row in rows}


def check_order(period: Period, released: Mapping[str, date]) -> None:
    """A day is counted once, in order, whatever kinds of periods there are: `ReleaseExists`, `OutOfOrder`."""
    if period.code in released:
        raise errors.ReleaseExists
    if any(last >= period.first for last in released.values()):
        raise errors.OutOfOrder


async def is_being_compiled(session: AsyncSession) -> bool:
    """Whether a compilation waits or runs."""
    open_ones = select(Compilation.id).where(Compilation.ended_at.is_(None)).limit(1)
    return (await session.execute(open_ones)).first() is not None


async def list_compilations(session: AsyncSession) -> list[CompilationRead]:
    """What was asked for lately, the latest first."""
    latest = select(Compilation).order_by(Compilation.asked_at.desc(), Compilation.id.desc())
    return [read_compilation(row) for row in await session.scalars(latest.limit(LATEST))]


async def get_compilation(session: AsyncSession, compilation_id: UUID) -> CompilationRead:
    """A compilation; raises `NotFound`."""
    compilation = await session.get(Compilation, compilation_id)
    if compilation is None:
        raise NotFound
    return read_compilation(compilation)


async def list_releases(session: AsyncSession, *, unpublished: bool) -> list[ReleaseRead]:
    """Releases, newest period first; those not published only for who compiles and publishes."""
    chosen = select(Release).order_by(Release.first.desc())
    if not unpublished:
        chosen = chosen.where(Release.status == PUBLISHED)
    return [read_release(row) for row in await session.scalars(chosen)]


async def get_release(session: AsyncSession, release_id: UUID, *, unpublished: bool) -> ReleaseRead:
    """A release; raises `NotFound` for one that the caller may not see."""
    release = await session.get(Release, release_id)
    if release is None or (release.status != PUBLISHED and not unpublished):
        raise NotFound
    return read_release(release)


def definitions() -> DefinitionList:
    """The menu and its definitions."""
    return DefinitionList(
        menu_version=MENUS[-1].version,
        definitions=[Definition(name=name, text=text) for name, text in DEFINITIONS.items()],
        caveats=list(CAVEATS),
        tables=[
            TableDefinition(
                **_table_link(population, table).model_dump(),
                unit=population.unit,
                period=DEFINITIONS["period"],
                **MEASURED[population.code]._asdict(),
            )
            for population in MENUS[-1].populations.values()
            for table in population.tables
        ],
    )


def read_compilation(asked: Compilation) -> CompilationRead:
    """A compilation as it goes over the wire."""
    going_on = "RUNNING" if asked.begun else "WAITING"
    ended = "FAILED" if asked.failure else "DONE"
    return CompilationRead(
        id=asked.id,
        period=asked.period,
        status=going_on if asked.ended_at is None else ended,
        asked_at=asked.asked_at,
        done=asked.done,
        populations=len(menu_on(period_of(asked.period, asked.kind).first).populations),
        ended_at=asked.ended_at,
        problem=asked.failure,
        release=asked.release_id,
    )


def read_release(release: Release) -> ReleaseRead:
    """A stored release as it goes over the wire."""
    return ReleaseRead(
        id=release.id,
        period=release.period,
        first=release.first,
        last=release.last,
        status="PUBLISHED" if release.status == PUBLISHED else "COMPILED",
        menu_version=release.menu_version,
        compiled_at=release.compiled_at,
        published_at=release.published_at,
        certificate=[
            Certificate(
                population=population,
                cube=facts["cube"],
                audited=facts["audited"],
                solver=facts["solver"],
            )
            for population, facts in _in_order(release.facts)
        ],
        caveats=list(CAVEATS),
        areas=[
            AreaRead(
                population=population,
                code=area.code,
                name=area_name(area.code),
                region=area.region,
                municipalities=list(area.municipalities),
            )
            for population, areas in _in_order(release.areas)
            for area in areas_from(areas)
        ],
        tables=[_table_link(*TABLES[name]) for name in TABLES if name in _released_tables(release)],
    )


def _in_order(by_population: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """As on the menu: PostgreSQL orders the keys of JSON in its own way."""
    order = list(dict.fromkeys(population.code for population, _ in TABLES.values()))
    return sorted(by_population.items(), key=lambda one: order.index(one[0]))


def _released_tables(release: Release) -> set[str]:
    return {table for facts in release.facts.values() for table in facts["tables"]}


def _table_link(population: Population, table: Table) -> TableLink:
    return TableLink(
        name=table.code,
        title=table.title,
        dimensions=list(table.dimensions),
        population=population.code,
    )
