"""Writing a release: its cells, the areas that were planned for it, and the marks of who was counted.

All in the one transaction that `freezing` gives; never changes what was written.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.columns import new_id
from service.signals.models import SignalPerson
from service.statistics.actions import store_plan
from service.statistics.disclosure import Cell, display
from service.statistics.menu import Menu
from service.statistics.models import Release, ReleaseCell
from service.statistics.periods import Period
from service.statistics.queries import BY_COUNTS, area_plans, areas_as_json
from service.statistics.tallies import Counted, Mark

if TYPE_CHECKING:
    from service.statistics.compiling import Compiled

MARKED_AT_A_TIME = 5000


async def freeze(
    session: AsyncSession,
    compiled_by: str,
    period: Period,
    menu: Menu,
    counted: Counted,
    numbers: Mapping[str, "Compiled"],
) -> UUID:
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
        compiled_by=compiled_by,
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
    await _mark_counted(session, counted.marks, period.last)
    return release.id


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


async def _mark_counted(session: AsyncSession, marks: Sequence[Mark], day: date) -> None:
    """Mark everybody who was counted; of a signal that was corrected meanwhile, all of the population."""
    for start in range(0, len(marks), MARKED_AT_A_TIME):
        some = marks[start : start + MARKED_AT_A_TIME]
        marked = await session.scalars(
            update(SignalPerson)
            .where(SignalPerson.id.in_([mark.person_id for mark in some]))
            .values(counted_on=day)
            .returning(SignalPerson.id)
            .execution_options(synchronize_session=False)
        )
        there = set(marked)
        for mark in some:
            if mark.person_id not in there:
                await session.execute(
                    update(SignalPerson)
                    .where(SignalPerson.signal_id == mark.signal_id, SignalPerson.role.in_(mark.roles))
                    .values(counted_on=day)
                    .execution_options(synchronize_session=False)
                )
