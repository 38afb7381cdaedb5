"""What may be known of the counts of a release: joint random rounding to base 5, and what of it is shown.

`round_release` rounds all tables of a population together, so that they add up exactly and no two of them
betray the truth by their difference; `display` says which rounded numbers a reader sees. Called when a
release is compiled. Never tells an exact count, not even in an error. What is hidden follows from the rounded
numbers alone, so that hiding tells nothing that these do not.

Why a `<10` may be deduced: the tables add up, so subtracting its neighbours from their margin often gives it.
The outcome is its rounded value, 0 or 5, which rounding made safe to know: the truth may be anything within
4 of it, and a 5 may be nobody at all. Only a withheld row must not come back that way, for a large share
survives rounding: see `_withheld_rows`.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from service.statistics.areas import WHOLE, Area, area_index, hierarchy, join_smallest
from service.statistics.menu import Population, Table

BASE = 5
ZERO_UP = 0.10
FEWEST_SHOWN = 10
SHORTEST_SECRET = 32
NODE_LIMIT = 10_000
TOTAL = "TOTAL"

Counts = Mapping[str, Mapping[tuple[str, str], int]]
"""Persons by table code, then by (area code, category); a cell that is not there is zero."""

Key = tuple[str, str, str]
"""Table code, row (area, region or `ALL`), category; the total of a row has no table, for all share it."""

Row = tuple[int, ...]
Status = Literal["rounded5", "<10", "withheld"]


class NoRoundingFound(Exception):
    """No rounding keeps every margin within 4 of the truth, or none was found within the limit of nodes."""


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


@dataclass(frozen=True, slots=True)
class _Grid:
    """The exact numbers: inner cells first, then margins; and which numbers add up to which."""

    inner: Sequence[Key]
    exact: Mapping[Key, int]
    sums: Sequence[tuple[Key, Sequence[Key]]]


def round_release(
    population: Population, areas: Iterable[Area], counts: Counts, *, secret: bytes, release: str
) -> Rounding:
    """Round all tables of a population; while no rounding is found, join the smallest area and try again.

    The same input gives the same outcome, in whatever order it comes. ValueError for a short secret, a cell
    outside areas and menu, a negative count, tables whose totals differ; NoRoundingFound when nothing is left
    to join.
    """
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the release secret is shorter than {SHORTEST_SECRET} bytes")
    planned = tried = tuple(sorted(areas, key=lambda area: (area.region, area.code)))
    while True:
        grid = _grid(population.tables, tried, counts)
        try:
            rounding = _round(grid, tried, secret, release)
        except NoRoundingFound:
            fewer = join_smallest(tried, {area.code: grid.exact["", area.code, TOTAL] for area in tried})
            if fewer is None:
                raise
            counts, tried = _recount(counts, tried, fewer), fewer
        else:
            given_up = {area.code for area in planned} - {area.code for area in tried}
            return replace(rounding, joined=tuple(sorted(given_up)))


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


def _grid(tables: Sequence[Table], areas: Sequence[Area], counts: Counts) -> _Grid:
    tree = hierarchy(areas)
    inner = [(table.code, area.code, c) for table in tables for area in areas for c in table.categories]
    given = {(table, *cell): count for table, cells in counts.items() for cell, count in cells.items()}
    if given.keys() - set(inner) or any(count < 0 for count in given.values()):
        raise ValueError("a cell lies outside the areas and the menu, or is negative")
    exact = {key: given.get(key, 0) for key in inner}
    sums = [
        ((table.code, parent, c), [(table.code, child, c) for child in tree[parent]])
        for parent in reversed(tree)
        for table in tables
        for c in table.categories
    ]
    rows = [*(area.code for area in areas), *reversed(tree)]
    sums += [
        (("", row, TOTAL), [(table.code, row, c) for c in table.categories])
        for row in rows
        for table in tables
    ]
    for whole, parts in sums:
        total = sum(exact[part] for part in parts)
        if exact.setdefault(whole, total) != total:
            raise ValueError(f"the tables differ in the total of {whole[1]}")
    return _Grid(inner, exact, sums)


def _round(grid: _Grid, areas: tuple[Area, ...], secret: bytes, release: str) -> Rounding:
    """The rounding that follows the drawn numbers most closely among all that keep every margin.

    One unknown u in {0, 1} per number: down, or up to the next multiple. An inner cell goes up with
    probability p by minimising the sum of (U - p)u, U being drawn per cell. Every margin, also that of a
    category, goes to a multiple next to its truth and so stays within 4; a total that tables share is one
    unknown for all.
    """
    keys = list(grid.exact)
    exact = np.array([grid.exact[key] for key in keys])
    chance = np.where(exact % BASE > 0, exact % BASE / BASE, 0.0)
    count = len(grid.inner)
    chance[:count][exact[:count] == 0] = ZERO_UP
    cost = np.zeros(len(keys))
    cost[:count] = [_draw(secret, release, key) for key in grid.inner] - chance[:count]
    up, solving = _solve(cost, chance > 0, _additivity(grid, keys, exact))
    values = dict(zip(keys, (BASE * (exact // BASE + up)).tolist(), strict=True))
    if any(values[whole] != sum(values[part] for part in parts) for whole, parts in grid.sums):
        raise NoRoundingFound("the solution does not add up in whole numbers")
    return Rounding(areas, (), values, _achieved(exact[:count], up[:count]), solving)


def _additivity(grid: _Grid, keys: Sequence[Key], exact: np.ndarray) -> LinearConstraint:
    """A whole is the sum of its parts, in units of the base: its u less theirs is what its floor lacks."""
    place = {key: n for n, key in enumerate(keys)}
    floors = exact // BASE
    entries: list[tuple[int, int, int]] = []
    lacking = []
    for n, (whole, parts) in enumerate(grid.sums):
        positions = [place[part] for part in parts]
        entries += [(1, n, place[whole]), *((-1, n, position) for position in positions)]
        lacking.append(int(floors[positions].sum() - floors[place[whole]]))
    signs, rows, columns = zip(*entries, strict=True)
    matrix = coo_array((signs, (rows, columns)), shape=(len(grid.sums), len(keys)))
    return LinearConstraint(matrix.tocsr(), lacking, lacking)


def _solve(cost: np.ndarray, free: np.ndarray, additivity: LinearConstraint) -> tuple[np.ndarray, Solving]:
    """The one best solution: with no gap allowed it depends on the drawn numbers, not on the way to it.

    The limit is in nodes, never in seconds, so that a slow machine decides nothing.
    """
    found = milp(
        cost,
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, free.astype(int)),
        constraints=additivity,
        options={"mip_rel_gap": 0.0, "node_limit": NODE_LIMIT},
    )
    if found.status != 0:
        raise NoRoundingFound("no rounding keeps all margins, or none was found within the limit of nodes")
    solving = Solving(
        f"scipy {scipy.__version__}", NODE_LIMIT, int(found.mip_node_count), float(found.mip_gap)
    )
    return np.rint(found.x).astype(int), solving


def _draw(secret: bytes, release: str, key: Key) -> float:
    """Uniform in [0, 1): 53 bits of HMAC-SHA256 under the release secret, over release and cell."""
    digest = hmac.digest(secret, "\0".join((release, *key)).encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def _achieved(exact: np.ndarray, up: np.ndarray) -> dict[str, float]:
    groups = {"zero": exact == 0} | {str(rest): exact % BASE == rest for rest in range(1, BASE)}
    return {name: round(float(up[group].mean()), 3) for name, group in groups.items() if group.any()}


def _recount(counts: Counts, before: Iterable[Area], after: Iterable[Area]) -> Counts:
    """The counts of some areas as counts of the larger areas that took them in."""
    index = area_index(after)
    target = {area.code: index[area.municipalities[0]] for area in before}
    recounted: dict[str, Counter[tuple[str, str]]] = {table: Counter() for table in counts}
    for table, cells in counts.items():
        for (area, category), count in cells.items():
            recounted[table][target[area], category] += count
    return recounted


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
