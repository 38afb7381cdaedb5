"""Reading what is counted, and reading releases. Readers of statistics only ever see `release_cell`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.errors import Fault, Invalid, NotFound
from service.statistics.areas import WHOLE, Area
from service.statistics.grid import TOTAL
from service.statistics.menu import CAVEATS, DEFINITIONS, MENU, MENU_VERSION, TABLES, Table
from service.statistics.models import (
    AreaPlan,
    AreaRead,
    Certificate,
    Definition,
    DefinitionList,
    Release,
    ReleaseCell,
    ReleaseRead,
    TableLink,
    TableRead,
)
from service.vocabulary.lists import code_lists
from service.vocabulary.municipalities import municipalities

PUBLISHED = "PUBLISHED"
BY_COUNTS = "previous-year"


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
    """The periods that have been compiled, with their first days."""
    rows = await session.execute(select(Release.period, Release.first))
    return {row.period: row.first for row in rows}


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


async def get_table(
    session: AsyncSession,
    release_id: UUID,
    name: str,
    chosen: Mapping[str, str],
    *,
    unpublished: bool,
) -> TableRead:
    """A table of a release, or those of its cells that `chosen` selects by dimension.

    Raises `NotFound`, and `Invalid` for a selection that is not a dimension of the table or a code of it.
    """
    await get_release(session, release_id, unpublished=unpublished)
    table = find_table(name)
    if table is None:
        raise NotFound
    rows = (
        await session.scalars(
            select(ReleaseCell)
            .where(ReleaseCell.release_id == release_id, ReleaseCell.table == name)
            .order_by(ReleaseCell.position)
        )
    ).all()
    if not rows:
        raise NotFound
    row, column = table.dimensions
    _check_selection(chosen, {row: {r.row_code for r in rows}, column: {r.column_code for r in rows}})
    cells = [{row: r.row_code, column: r.column_code, "value": r.value, "status": r.status} for r in rows]
    return TableRead(
        release=release_id,
        table=name,
        dimensions=list(table.dimensions),
        cells=[cell for cell in cells if all(cell[name] == code for name, code in chosen.items())],
    )


def _check_selection(chosen: Mapping[str, str], known: Mapping[str, set[str]]) -> None:
    faults = [
        Fault(f"query:{name}", "unknown-field", "This table has no such dimension.")
        for name in chosen
        if name not in known
    ]
    faults += [
        Fault(f"query:{name}", "unknown-code", "There is no such code in this table.")
        for name, code in chosen.items()
        if name in known and code not in known[name]
    ]
    if faults:
        raise Invalid(errors=faults)


def find_table(name: str) -> Table | None:
    """A table of the menu by its code."""
    return TABLES[name][1] if name in TABLES else None


def definitions() -> DefinitionList:
    """The menu and its definitions."""
    return DefinitionList(
        menu_version=MENU_VERSION,
        definitions=[Definition(name=name, text=text) for name, text in DEFINITIONS.items()],
        caveats=list(CAVEATS),
        tables=_table_links(),
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
                joined=facts["joined"],
                solver=facts["solver"],
            )
            for population, facts in release.facts.items()
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
            for population, areas in release.areas.items()
            for area in areas_from(areas)
        ],
        tables=[link for link in _table_links() if link.name in _released_tables(release)],
    )


def area_name(code: str) -> str:
    """What a row is called: a municipality, a region, the rest of a region, or all."""
    if code == WHOLE:
        return "Whole register"
    if code in municipalities():
        return municipalities()[code].name
    region = code.removesuffix("-OTHER")
    name = next(m.region_name for m in municipalities().values() if m.region == region)
    return name if region == code else f"{name}, other municipalities"


def row_name(table: Table, code: str) -> str:
    """What a row is called."""
    if table.row is None or code == WHOLE:
        return area_name(code)
    return category_name(table.row.code_list, code)


def category_name(code_list: str, code: str) -> str:
    """What a column is called."""
    return "Total" if code == TOTAL else code_lists()[code_list][code].label_en


def _released_tables(release: Release) -> set[str]:
    return {table for facts in release.facts.values() for table in facts["tables"]}


def _table_links() -> list[TableLink]:
    return [
        TableLink(
            name=table.code,
            title=table.title,
            dimensions=list(table.dimensions),
            population=population.code,
        )
        for population in MENU.values()
        for table in population.tables
    ]
