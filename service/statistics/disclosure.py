"""What may be known of the counts of a release: which of the rounded numbers a reader sees.

`display` makes the cells of a release from numbers that `rounding` has rounded; nothing else leaves the house.
What is hidden follows from the rounded numbers alone, so that hiding tells nothing that these do not.

Why a `<10` may be deduced: the tables add up, so subtracting its neighbours from their margin often gives it.
The outcome is its rounded value, 0 or 5, which rounding made safe to know: the truth may be anything within
4 of it, and a 5 may be nobody at all. Only a withheld row must not come back that way, for a large share
survives rounding: see `_withheld_rows`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.statistics.areas import WHOLE, Area, hierarchy
from service.statistics.menu import Table

FEWEST_SHOWN = 10
TOTAL = "TOTAL"

Counts = Mapping[str, Mapping[tuple[str, str], int]]
"""Persons by table code, then by (area code, category); a cell that is not there is zero."""

Key = tuple[str, str, str]
"""Table code, row (area, region or `ALL`), category; the total of a row has no table, for all share it."""

Row = tuple[int, ...]
Status = Literal["rounded5", "<10", "withheld"]


@dataclass(frozen=True, slots=True)
class Solving:
    """How the rounding was found: what somebody needs to find it again."""

    solver: str
    node_limit: int
    nodes: int
    gap: float


@dataclass(frozen=True, slots=True)
class Rounding:
    """All tables of a population, rounded; inside the house only, `display` makes of it what readers see.

    `values` holds every cell and margin, `joined` the codes of the planned areas that had to be given up.
    `shares` is the achieved share of inner cells that went up, by the remainder of the exact count ("zero",
    "1" to "4"): joint choice bends the odds, so they are kept and none is promised.
    """

    areas: tuple[Area, ...]
    joined: tuple[str, ...]
    values: Mapping[Key, int]
    shares: Mapping[str, float]
    solving: Solving


@dataclass(frozen=True, slots=True)
class Cell:
    """What a reader sees of one number; `value` is None unless the status is `rounded5`."""

    area: str
    category: str
    value: int | None
    status: Status


def display(table: Table, rounding: Rounding) -> tuple[Cell, ...]:
    """The cells of a table as readers see them: `ALL`, then each region and its areas, a row's total first.

    10 and more as a number, everything else hidden, zero included; of a withheld row the total only.
    """
    tree = hierarchy(rounding.areas)
    order = [WHOLE]
    for region in tree[WHOLE]:
        order += [region, *tree.get(region, ())]
    rows = {row: tuple(rounding.values[table.code, row, c] for c in table.categories) for row in order}
    withheld = _withheld_rows(rows, tree)
    return tuple(
        _cell(row, category, value, withheld=row in withheld and category != TOTAL)
        for row in order
        for category, value in zip((TOTAL, *table.categories), (sum(rows[row]), *rows[row]), strict=True)
    )


def _cell(row: str, category: str, value: int, *, withheld: bool) -> Cell:
    if withheld:
        return Cell(row, category, None, "withheld")
    if value < FEWEST_SHOWN:
        return Cell(row, category, None, "<10")
    return Cell(row, category, value, "rounded5")


def _withheld_rows(rows: Mapping[str, Row], tree: Mapping[str, Sequence[str]]) -> set[str]:
    """The rows that show their total only: where one category has 90 %, and neighbours that keep this secret.

    Subtracting the shown rows from their margin gives the sum of the hidden ones. Where that still proves
    90 %, the smallest shown neighbour is hidden too (one under 10 shows nothing anyway). If even all
    neighbours do not help, the margin has 90 % itself. Below a hidden margin all is hidden, or it could be
    added up.
    """
    hidden = {row for row, cells in rows.items() if _dominated(cells)}
    for parent, children in tree.items():
        if parent in hidden:
            hidden.update(children)
        spare = sorted(set(children) - hidden, key=lambda row: (-sum(rows[row]), row))
        while spare and _betrayed([rows[row] for row in children if row in hidden]):
            hidden.add(spare.pop())
    return {row for row in hidden if sum(rows[row]) >= FEWEST_SHOWN}


def _dominated(cells: Row, unknown: int = 0) -> bool:
    """Whether one category has 90 % of a row of 10 or more, even if so many of it belong elsewhere."""
    return sum(cells) >= FEWEST_SHOWN and 10 * (max(cells) - unknown) >= 9 * sum(cells)


def _betrayed(group: Sequence[Row]) -> bool:
    """Whether the sum of hidden rows, with their totals, proves that one of them is dominated.

    All that the sum leaves open for a category of one row is what the other rows hold outside that category.
    """
    total = [sum(column) for column in zip(*group, strict=True)]
    return any(
        _dominated(cells, (sum(total) - sum(cells)) - (total[cells.index(max(cells))] - max(cells)))
        for cells in group
    )
