"""Reading released tables, and sums of them over several periods. Only ever from `release_cell`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.errors import Fault, Invalid, NotFound
from service.statistics.grid import MOST_OFF
from service.statistics.menu import TABLES, Table
from service.statistics.models import Release, ReleaseCell, SumRead, TableRead
from service.statistics.queries import PUBLISHED, areas_from

Place = tuple[str, str]
"""The row and the column of a cell."""


async def get_table(
    session: AsyncSession, release_id: UUID, name: str, chosen: Mapping[str, str]
) -> TableRead:
    """A table of a release that may be read, or those of its cells that `chosen` selects by dimension.

    Raises `NotFound`, and `Invalid` for a selection that is not a dimension of the table or a code of it.
    """
    table = find_table(name)
    rows = await _cells(session, [release_id], name) if table else ()
    if table is None or not rows:
        raise NotFound
    cells = [_told(table, (row.row_code, row.column_code), row.value, row.status) for row in rows]
    return TableRead(
        release=release_id, table=name, dimensions=list(table.dimensions), cells=_selected(cells, chosen)
    )


async def get_sum(
    session: AsyncSession, name: str, *, first: str, last: str, chosen: Mapping[str, str]
) -> SumRead:
    """The sum of a table over the published releases of successive periods, first and last among them.

    A number that one of them does not show is not shown, so that the sum tells nothing that they do not; an area that
    is not the same in all of them is left out. Raises `NotFound`, and `Invalid` for periods that are not published one
    after the other, or a selection as in `get_table`.
    """
    table = find_table(name)
    if table is None:
        raise NotFound
    releases = await _published(session, first, last)
    rows = await _cells(session, [one.id for one in releases], name)
    by_place: dict[Place, list[Any]] = {}
    for row in rows:
        by_place.setdefault((row.row_code, row.column_code), []).append(row)
    changed = _changed_areas(table, releases)
    cells = [
        _told(table, place, *_added_up(parts))
        for place, parts in by_place.items()
        if len(parts) == len(releases) and place[0] not in changed
    ]
    if not cells:
        raise NotFound
    return SumRead(
        table=name,
        periods=[one.period for one in releases],
        releases=[one.id for one in releases],
        tolerance=MOST_OFF * len(releases),
        dimensions=list(table.dimensions),
        cells=_selected(cells, chosen),
    )


def find_table(name: str) -> Table | None:
    """A table of the menu by its code."""
    return TABLES[name][1] if name in TABLES else None


async def _published(session: AsyncSession, first: str, last: str) -> list[Release]:
    published = select(Release).where(Release.status == PUBLISHED).order_by(Release.first)
    releases = {one.period: one for one in await session.scalars(published)}
    faults = [
        Fault(f"query:{name}", "unknown-code", "No release of this period is published.")
        for name, period in (("from", first), ("until", last))
        if period not in releases
    ]
    if faults:
        raise Invalid(errors=faults)
    found = [one for one in releases.values() if releases[first].first <= one.first <= releases[last].first]
    if not found or any(one.last + timedelta(1) != other.first for one, other in pairwise(found)):
        text = "The periods do not follow each other, or one between them is not published."
        raise Invalid(errors=[Fault("query:until", "no-span", text)])
    return found


async def _cells(session: AsyncSession, releases: Iterable[UUID], table: str) -> Sequence[Any]:
    """Rows of row_code, column_code, value and status, in the order of reading."""
    cell = ReleaseCell
    chosen = select(cell.row_code, cell.column_code, cell.value, cell.status)
    here = chosen.where(cell.release_id.in_(list(releases)), cell.table == table).order_by(cell.position)
    return (await session.execute(here)).all()


def _changed_areas(table: Table, releases: Sequence[Release]) -> set[str]:
    """The areas that are not the same municipalities in all of these releases."""
    if table.level != "area":
        return set()
    population = TABLES[table.code][0].code
    plans = [
        {
            area.code: area.municipalities
            for area in areas_from(one.areas[population])
            if area.code != area.region
        }
        for one in releases
    ]
    return {code for plan in plans for code in plan if any(other.get(code) != plan[code] for other in plans)}


def _added_up(parts: Sequence[Any]) -> tuple[int | None, str]:
    hidden = [part.status for part in parts if part.value is None]
    if hidden:
        return None, "withheld" if "withheld" in hidden else "<10"
    return sum(part.value or 0 for part in parts), "sum"


def _told(table: Table, place: Place, value: int | None, status: str) -> dict[str, str | int | None]:
    row, column = table.dimensions
    return {row: place[0], column: place[1], "value": value, "status": status}


def _selected(
    cells: Sequence[dict[str, str | int | None]], chosen: Mapping[str, str]
) -> list[dict[str, str | int | None]]:
    """The cells with the chosen codes; raises `Invalid` for what is no dimension or no code of it."""
    names = [name for name in cells[0] if name not in ("value", "status")]
    faults = [
        Fault(f"query:{name}", "unknown-field", "This table has no such dimension.")
        for name in chosen
        if name not in names
    ]
    faults += [
        Fault(f"query:{name}", "unknown-code", "There is no such code in this table.")
        for name, code in chosen.items()
        if name in names and all(cell[name] != code for cell in cells)
    ]
    if faults:
        raise Invalid(errors=faults)
    return [cell for cell in cells if all(cell[name] == code for name, code in chosen.items())]
