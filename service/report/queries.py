"""Reading what a report is made of: a release, its cells about one region, and the totals of releases before it.

Called by `api`. Reads released cells alone, all of them in one statement, and of them what readers see: never the
column that is kept for the audit. Never counts.
"""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.errors import NotFound
from service.report.models import Amount, Cell, Earlier, Material, ReleaseFacts
from service.statistics.areas import WHOLE, hierarchy
from service.statistics.grid import TOTAL
from service.statistics.menu import MENU
from service.statistics.models import Release, ReleaseCell
from service.statistics.queries import PUBLISHED, areas_from
from service.vocabulary.municipalities import municipalities

MOST_PERIODS = 7


async def gather(session: AsyncSession, release_id: UUID, region: str, *, unpublished: bool) -> Material:
    """What the page of a region is made of; `ALL` is the whole register.

    Raises `NotFound` for a release that the caller may not see, and for what is no region.
    """
    release = await session.get(Release, release_id)
    if release is None or (release.status != PUBLISHED and not unpublished) or not _is_region(region):
        raise NotFound
    areas = {population: _areas_of(release, population, region) for population in release.areas}
    return Material(
        release=_facts(release),
        region=region,
        areas=tuple(areas.items()),
        cells=await _cells(session, release_id, {region, WHOLE, *(a for its in areas.values() for a in its)}),
        earlier=await _earlier(session, release, region),
    )


def _is_region(code: str) -> bool:
    return code == WHOLE or any(one.region == code for one in municipalities().values())


def _areas_of(release: Release, population: str, region: str) -> tuple[str, ...]:
    """The rows that add up to the row of the region."""
    return tuple(hierarchy(areas_from(release.areas[population])).get(region, ()))


async def _cells(session: AsyncSession, release_id: UUID, rows: set[str]) -> tuple[Cell, ...]:
    found = await session.execute(
        select(
            ReleaseCell.table,
            ReleaseCell.row_code,
            ReleaseCell.column_code,
            ReleaseCell.value,
            ReleaseCell.status,
        )
        .where(ReleaseCell.release_id == release_id, ReleaseCell.row_code.in_(rows))
        .order_by(ReleaseCell.table, ReleaseCell.position)
    )
    return tuple(Cell(*row) for row in found)


async def _earlier(session: AsyncSession, release: Release, region: str) -> tuple[Earlier, ...]:
    """The published releases before this one, the oldest first; each total is the same in all tables by area."""
    tables = {population.tables[0].code: code for code, population in MENU.items()}
    rows = await session.execute(
        select(Release.period, ReleaseCell.table, ReleaseCell.value, ReleaseCell.status)
        .join(ReleaseCell, ReleaseCell.release_id == Release.id)
        .where(
            Release.status == PUBLISHED,
            Release.first < release.first,
            ReleaseCell.table.in_(tables),
            ReleaseCell.row_code == region,
            ReleaseCell.column_code == TOTAL,
        )
        .order_by(Release.first, ReleaseCell.table)
    )
    by_period: dict[str, list[tuple[str, Amount]]] = defaultdict(list)
    for row in rows:
        by_period[row.period].append((tables[row.table], Amount(row.value, row.status)))
    return tuple(Earlier(period, tuple(totals)) for period, totals in by_period.items())[-MOST_PERIODS:]


def _facts(release: Release) -> ReleaseFacts:
    return ReleaseFacts(
        id=release.id,
        period=release.period,
        first=release.first,
        last=release.last,
        compiled_at=release.compiled_at,
        published_at=release.published_at,
        menu_version=release.menu_version,
        proofs=tuple((code, facts["cube"], facts["audited"]) for code, facts in release.facts.items()),
        tables=tuple(table for facts in release.facts.values() for table in facts["tables"]),
    )
