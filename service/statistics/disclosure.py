"""What may be known of the numbers of a release: which of the rounded numbers a reader sees.

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

from service.statistics.areas import WHOLE, Area
from service.statistics.grid import TOTAL, Key, Tree, key_of, rows_of, tree_of
from service.statistics.menu import Population, Table

FEWEST_SHOWN = 10

Row = tuple[int, ...]
Status = Literal["rounded5", "<10", "withheld"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a reader sees of one number; `value` is None unless the status is `rounded5`. `rounded` stays inside."""

    row: str
    column: str
    value: int | None
    status: Status
    rounded: int


def display(
    population: Population, table: Table, areas: Sequence[Area], values: Mapping[Key, int]
) -> tuple[Cell, ...]:
    """The cells of a table as readers see them: `ALL`, then each region and its areas, a row's total first.

    10 and more as a number, everything else hidden, zero included; of a withheld row the total only. A table of the
    whole register by two categories may be read either way, so of a withheld column the total only, too; all of it is
    withheld where a table by area withholds the sums of one of them.
    """
    tree = tree_of(table, areas)
    rows = _rows(table, tree, values)
    withheld = _withheld_rows(rows, tree)
    whole = table.row is not None and _sums_are_withheld(population, table, areas, values)
    columns = _withheld_columns(table, rows) if table.row is not None else set()
    return tuple(
        _cell(
            row,
            column,
            value,
            withheld=whole or (row in withheld and column != TOTAL) or (column in columns and row != WHOLE),
        )
        for row in rows_of(tree)
        for column, value in zip((TOTAL, *table.column.codes), (sum(rows[row]), *rows[row]), strict=True)
    )


def _rows(table: Table, tree: Tree, values: Mapping[Key, int]) -> dict[str, Row]:
    return {
        row: tuple(values[key_of(table, row, column)] for column in table.column.codes)
        for row in rows_of(tree)
    }


def _withheld_columns(table: Table, rows: Mapping[str, Row]) -> set[str]:
    """The columns of a table by two categories of which the same would be told as of a withheld row."""
    names = [code for code in rows if code != WHOLE]
    by_column = dict(zip(table.column.codes, zip(*(rows[name] for name in names), strict=True), strict=True))
    sums = tuple(sum(rows[name]) for name in names)
    return _withheld_rows({WHOLE: sums, **by_column}, {WHOLE: table.column.codes})


def _sums_are_withheld(
    population: Population, table: Table, areas: Sequence[Area], values: Mapping[Key, int]
) -> bool:
    """Whether the sums of its rows or columns would tell what a table by area does not."""
    for other in population.tables:
        if other.level == "area" and other.column in (table.row, table.column):
            tree = tree_of(other, areas)
            if WHOLE in _withheld_rows(_rows(other, tree, values), tree):
                return True
    return False


def _cell(row: str, column: str, value: int, *, withheld: bool) -> Cell:
    if withheld:
        return Cell(row, column, None, "withheld", value)
    if value < FEWEST_SHOWN:
        return Cell(row, column, None, "<10", value)
    return Cell(row, column, value, "rounded5", value)


def _withheld_rows(rows: Mapping[str, Row], tree: Tree) -> set[str]:
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
