"""From the exact counts of a population to numbers that may leave the house. Pure.

Rounds all tables together, proves that the outcome could be a register's, and lets the register attack it; where one of
these fails, an area of the plan is given up, or the tables of the whole register are, until it holds or nothing is
left. Called by the compilation of a release, with what earlier releases told.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from service.statistics.areas import WHOLE, Area, area_index, join_smallest
from service.statistics.audit import Audit, audit
from service.statistics.certificate import cube_of, exists
from service.statistics.grid import (
    PLACE,
    AtLeast,
    Counts,
    Key,
    Known,
    Lattice,
    Shares,
    lattice_of,
    numbers_of,
    persons_of,
)
from service.statistics.insiders import sure_of
from service.statistics.menu import Population, Table
from service.statistics.rounding import NoRoundingFound, Rounded, round_numbers

Certificate = str
Rounding = Callable[..., Rounded]
Place = tuple[str, str]
NOBODY_KNOWS: Shares = MappingProxyType({})
NO_BOUND: Mapping[Key, int] = MappingProxyType({})
ROUNDED, WITH_CUBE, WITHOUT_WHOLE = "rounded", "rounded-with-cube", "without-whole-tables"


class Held(NamedTuple):
    """Rounded numbers of some tables, and how it is known that they could be those of a register."""

    tables: tuple[Table, ...]
    rounded: Rounded
    lattice: Lattice
    certificate: Certificate


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
    shares: Shares = NOBODY_KNOWS,
    at_most: Mapping[Key, int] = NO_BOUND,
) -> Compiled:
    """The numbers of a period.

    `earlier` is what was released before, `rules` what the areas tell, `shares` what each organisation knows,
    `at_most` the rounded numbers of what is never fewer, so that no number is shown above its own.

    The same input gives the same outcome, in whatever order it comes. Raises NoRoundingFound when nothing is left to
    give up.
    """
    if counts.keys() - {table.code for table in population.tables}:
        raise ValueError("a cell lies outside the areas and the menu")
    planned = tried = tuple(sorted(areas, key=lambda area: (area.region, area.code)))
    rounding = partial(round_numbers, secret=secret, release=f"{period} {population.code}", at_most=at_most)
    while True:
        exposed: frozenset[Place] = frozenset()
        try:
            held, known = _held(population, tried, counts, shares, rounding, period)
            found = audit([*earlier, known], rules(tried))
            if found.exposed is None:
                given_up = sorted({area.code for area in planned} - {area.code for area in tried})
                return Compiled(tried, tuple(given_up), *held, found)
            exposed = frozenset(found.exposed[1])
        except NoRoundingFound:
            pass
        # What stood alone and is exposed goes first, whatever its size: that it stands alone is what tells.
        alone = {area.code: -1 for area in tried if (PLACE, area.code) in exposed}
        fewer = join_smallest(tried, {**_totals(population, tried, counts), **alone})
        if fewer is None:
            raise NoRoundingFound("nothing is left to give up")
        recount = partial(_recount, population, before=tried, after=fewer)
        counts, shares = recount(counts), {who: recount(its) for who, its in shares.items()}
        tried = fewer


def _held(
    population: Population,
    areas: Sequence[Area],
    counts: Counts,
    shares: Shares,
    rounding: Rounding,
    period: str,
) -> tuple[Held, Known]:
    """Numbers of which no organisation would be sure how many of the others are in them.

    What one organisation knows alone never goes four down. Where that is not enough, nothing does in that region.
    """
    lattice = lattice_of(population.tables, areas)
    exact = numbers_of(lattice, population.tables, counts)
    own = [
        {key: count for key, count in numbers_of(lattice, population.tables, share).items() if count}
        for share in shares.values()
    ]
    never_down = frozenset(key for its in own for key, count in its.items() if count == exact[key])
    while True:
        held = _certified(population, areas, exact, partial(rounding, never_down=never_down))
        known = Known(period, held.lattice, held.rounded.values, persons_of(held.tables, areas))
        sure = sure_of(known, exact, own)
        if not sure:
            return held, known
        more = never_down | _around(sure, exact, areas)
        if more == never_down:
            raise NoRoundingFound("an organisation would be sure of what others know")
        never_down = more


def _around(sure: Collection[Key], keys: Iterable[Key], areas: Iterable[Area]) -> frozenset[Key]:
    """All numbers of the regions of some numbers, and those of the whole; of a number of the whole, all there are.

    Where none of these went four down, one person more would have been published the same: so nobody is sure.
    """
    region = {area.code: area.region for area in areas} | {area.region: area.region for area in areas}
    places = {region.get(dict(key).get(PLACE, WHOLE)) for key in sure}
    anywhere = None in places
    return frozenset(
        key for key in keys if anywhere or PLACE not in dict(key) or region[dict(key)[PLACE]] in places
    )


def _certified(
    population: Population, areas: Sequence[Area], exact: Mapping[Key, int], rounding: Rounding
) -> Held:
    """Numbers that could be those of a register: found so, else made so, else without tables of the whole register."""
    lattice = lattice_of(population.tables, areas)
    rounded = rounding(lattice, exact)
    cube = cube_of(population.tables, areas)
    if exists(cube, rounded.values):
        return Held(population.tables, rounded, lattice, ROUNDED)
    try:
        rounded = rounding(lattice, exact, cube=cube)
        if exists(cube, rounded.values):
            return Held(population.tables, rounded, lattice, WITH_CUBE)
    except NoRoundingFound:
        pass
    tables = tuple(table for table in population.tables if table.row is None)
    lattice = lattice_of(tables, areas)
    return Held(tables, rounding(lattice, {key: exact[key] for key in lattice.keys}), lattice, WITHOUT_WHOLE)


def _totals(population: Population, areas: Sequence[Area], counts: Counts) -> Mapping[str, int]:
    table = next((one for one in population.tables if one.level == "area"), None)
    found: Counter[str] = Counter()
    if table is not None:
        for (row, _), count in counts.get(table.code, {}).items():
            found[row] += count
    return found


def _recount(
    population: Population, counts: Counts, *, before: Sequence[Area], after: Sequence[Area]
) -> Counts:
    """What was counted by areas, by the larger areas that took them in."""
    index = area_index(after)
    target = {area.code: index[area.municipalities[0]] for area in before}
    by_area = {table.code for table in population.tables if table.level == "area"}
    recounted: dict[str, Counter[tuple[str, str]]] = {table: Counter() for table in counts}
    for table, cells in counts.items():
        for (row, column), count in cells.items():
            recounted[table][target[row] if table in by_area else row, column] += count
    return recounted
