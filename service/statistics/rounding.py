"""Joint random rounding to base 5 of all tables of a population, as a mixed-integer programme.

Called once for a release, when it is compiled. Rounds together, so that the tables add up exactly and no two
of them betray the truth by their difference. Never tells an exact count, not even in an error.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from service.statistics.areas import Area, area_index, hierarchy, join_smallest
from service.statistics.disclosure import TOTAL, Counts, Key, Rounding, Solving
from service.statistics.menu import Population, Table

BASE = 5
ZERO_UP = 0.10
SHORTEST_SECRET = 32
NODE_LIMIT = 10_000


class NoRoundingFound(Exception):
    """No rounding keeps every margin within 4 of the truth, or none was found within the limit of nodes."""


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
