"""From the exact counts of a population to numbers that may leave the house. Pure.

Rounds all tables together, proves that the outcome could be a register's, and lets the register attack it; where one of
these fails, an area of the plan is given up, or the tables of the whole register are, until it holds or nothing is
left. Called by the compilation of a release, with what earlier releases told.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import add, and_
from types import MappingProxyType
from typing import Any, TypeVar

from service.statistics.areas import Area, area_index, join_smallest
from service.statistics.audit import Audit, audit
from service.statistics.certificate import cube_of, exists
from service.statistics.grid import (
    AtLeast,
    Counts,
    Key,
    Knowers,
    Known,
    Lattice,
    key_of,
    lattice_of,
    numbers_of,
    persons_of,
)
from service.statistics.menu import Population, Table
from service.statistics.rounding import NoRoundingFound, Rounded, round_numbers

Certificate = str
Place = tuple[str, str]
Value = TypeVar("Value")
NOBODY_KNOWS: Knowers = MappingProxyType({})
NO_BOUND: Mapping[Key, int] = MappingProxyType({})
ROUNDED, WITH_CUBE, WITHOUT_WHOLE = "rounded", "rounded-with-cube", "without-whole-tables"


@dataclass(frozen=True)
class Compiled:
    """The numbers of a population in a release; inside the house only, `display` makes of it what readers see.

    `areas` are those of the plan without what was `joined`; `tables` those of the menu that are released;
    `certificate` tells how it is known that the numbers could be those of a register.
    """

    areas: tuple[Area, ...]
    joined: tuple[str, ...]
    tables: tuple[Table, ...]
    rounded: Rounded
    lattice: Lattice
    certificate: Certificate
    audit: Audit

    @property
    def facts(self) -> dict[str, Any]:
        """What is kept of how it was found: enough to find it again."""
        solving = self.rounded.solving
        return {
            "tables": [table.code for table in self.tables],
            "joined": list(self.joined),
            "cube": self.certificate,
            "audited": len(self.rounded.values),
            "programmes": self.audit.programmes,
            "shares": dict(self.rounded.shares),
            "solver": solving.solver,
            "nodeLimit": solving.node_limit,
            "nodes": solving.nodes,
            "gap": solving.gap,
        }


def compile_numbers(
    population: Population,
    areas: Sequence[Area],
    counts: Counts,
    *,
    secret: bytes,
    period: str,
    earlier: Sequence[Known] = (),
    rules: Callable[[Sequence[Area]], Sequence[AtLeast]] = lambda _: (),
    knowers: Knowers = NOBODY_KNOWS,
    at_most: Mapping[Key, int] = NO_BOUND,
) -> Compiled:
    """The numbers of a period.

    `earlier` is what was released before, `rules` what the areas tell, `knowers` who knows everybody in a cell,
    `at_most` the rounded numbers of what is never fewer, so that no number is shown above its own.

    The same input gives the same outcome, in whatever order it comes. Raises NoRoundingFound when nothing is left to
    give up.
    """
    if counts.keys() - {table.code for table in population.tables}:
        raise ValueError("a cell lies outside the areas and the menu")
    planned = tried = tuple(sorted(areas, key=lambda area: (area.region, area.code)))
    while True:
        try:
            certificate, tables, lattice, rounded = _certified(
                population, tried, counts, knowers, at_most, secret, period
            )
            known = Known(period, lattice, rounded.values, persons_of(tables, tried))
            found = audit([*earlier, known], rules(tried))
            if found.exposed is None:
                given_up = sorted({area.code for area in planned} - {area.code for area in tried})
                return Compiled(tried, tuple(given_up), tables, rounded, lattice, certificate, found)
        except NoRoundingFound:
            pass
        totals = _totals(population, tried, counts)
        fewer = join_smallest(tried, totals)
        if fewer is None:
            raise NoRoundingFound("nothing is left to give up")
        counts, knowers = (
            _recount(population, counts, tried, fewer, add),
            _recount(population, knowers, tried, fewer, and_),
        )
        tried = fewer


def _certified(
    population: Population,
    areas: Sequence[Area],
    counts: Counts,
    knowers: Knowers,
    at_most: Mapping[Key, int],
    secret: bytes,
    period: str,
) -> tuple[Certificate, tuple[Table, ...], Lattice, Rounded]:
    """Numbers that could be those of a register: found so, else made so, else without tables of the whole register."""
    lattice = lattice_of(population.tables, areas)
    exact = numbers_of(lattice, population.tables, counts)
    of_one = _of_one(lattice, population.tables, knowers)
    rounding = partial(
        round_numbers, secret=secret, release=f"{period} {population.code}", of_one=of_one, at_most=at_most
    )
    rounded = rounding(lattice, exact)
    cube = cube_of(population.tables, areas)
    if exists(cube, rounded.values):
        return ROUNDED, population.tables, lattice, rounded
    try:
        rounded = rounding(lattice, exact, cube=cube)
        if exists(cube, rounded.values):
            return WITH_CUBE, population.tables, lattice, rounded
    except NoRoundingFound:
        pass
    tables = tuple(table for table in population.tables if table.row is None)
    lattice = lattice_of(tables, areas)
    exact = numbers_of(lattice, tables, counts)
    return WITHOUT_WHOLE, tables, lattice, rounding(lattice, exact)


def _of_one(lattice: Lattice, tables: Sequence[Table], knowers: Knowers) -> frozenset[Key]:
    """The numbers in which one organisation knows everybody: of a sum, all its parts in which there is somebody."""
    found = {
        key_of(table, row, column): organisations
        for table in tables
        for (row, column), organisations in knowers.get(table.code, {}).items()
    }
    for whole, parts in lattice.sums:
        known = [found[part] for part in parts if part in found]
        if known:
            found[whole] = frozenset.intersection(*known)
    return frozenset(key for key, organisations in found.items() if organisations)


def _totals(population: Population, areas: Sequence[Area], counts: Counts) -> Mapping[str, int]:
    table = next((one for one in population.tables if one.level == "area"), None)
    found: Counter[str] = Counter()
    if table is not None:
        for (row, _), count in counts.get(table.code, {}).items():
            found[row] += count
    return found


def _recount(
    population: Population,
    cells: Mapping[str, Mapping[Place, Value]],
    before: Sequence[Area],
    after: Sequence[Area],
    together: Callable[[Value, Value], Value],
) -> dict[str, dict[Place, Value]]:
    """What is known by areas, by the larger areas that took them in; `together` joins what comes to lie in one cell."""
    index = area_index(after)
    target = {area.code: index[area.municipalities[0]] for area in before}
    by_area = {table.code for table in population.tables if table.level == "area"}
    recounted: dict[str, dict[Place, Value]] = {table: {} for table in cells}
    for table, its in cells.items():
        for (row, column), value in its.items():
            place = (target[row] if table in by_area else row, column)
            known = recounted[table].get(place)
            recounted[table][place] = value if known is None else together(known, value)
    return recounted
