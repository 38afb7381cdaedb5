"""Reading the numbers of every release, hidden ones too: for the audit of the next one alone."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.statistics.background import Released
from service.statistics.grid import TOTAL, Known, key_of, lattice_of, persons_of
from service.statistics.menu import Population
from service.statistics.models import Release, ReleaseCell
from service.statistics.queries import areas_from


async def known_numbers(session: AsyncSession, population: Population) -> list[Released]:
    """The numbers of a population in every release, hidden ones too, oldest first; for the audit alone."""
    cells = await session.execute(
        select(
            ReleaseCell.release_id,
            ReleaseCell.table,
            ReleaseCell.row_code,
            ReleaseCell.column_code,
            ReleaseCell.rounded,
        ).where(ReleaseCell.rounded.is_not(None), ReleaseCell.table.in_(_names(population)))
    )
    by_release: dict[UUID, list[Any]] = defaultdict(list)
    for cell in cells:
        by_release[cell.release_id].append(cell)
    releases = await session.scalars(select(Release).order_by(Release.first))
    return [
        _released(release, population, by_release[release.id])
        for release in releases
        if by_release[release.id]
    ]


def _names(population: Population) -> list[str]:
    return [table.code for table in population.tables]


def _released(release: Release, population: Population, cells: Sequence[Any]) -> Released:
    areas = areas_from(release.areas[population.code])
    told: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        told[cell.table].add(cell.column_code)
    # A table of an earlier menu may have had other columns under the same name.
    tables = {one.code: one for one in population.tables if told[one.code] == {TOTAL, *one.column.codes}}
    values = {
        key_of(tables[cell.table], cell.row_code, cell.column_code): cell.rounded
        for cell in cells
        if cell.table in tables
    }
    shown = list(tables.values())
    known = Known(release.period, lattice_of(shown, areas), values, persons_of(shown, areas) if shown else ())
    return Released(release.first.year, areas, known)
