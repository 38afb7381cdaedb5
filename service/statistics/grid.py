"""The numbers of a population as one lattice: which there are, and which add up to which. Pure.

A number is named by the codes that it is about, whatever table it stands in: so what two tables share is one number
(`Key`), and the total of everything is the empty key. Called by rounding, certificate, audit and display.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from service.statistics.areas import WHOLE, Area, hierarchy
from service.statistics.menu import Table

TOTAL = "TOTAL"
PLACE = "place"
MOST_OFF = 4  # what a released number may differ from the truth

Counts = Mapping[str, Mapping[tuple[str, str], int]]
"""Exact numbers by table code, then by (row, column), of the undivided rows; a cell that is not there is zero."""

Shares = Mapping[UUID, Counts]
"""Of these, the persons that an organisation knows; one may be known by several."""

Key = tuple[tuple[str, str], ...]
"""The codes that a number is about, by dimension in alphabetical order; the whole register is left out."""

Tree = Mapping[str, Sequence[str]]
"""The rows of a table, each with those that add up to it."""


@dataclass(frozen=True)
class Lattice:
    """All numbers of some tables: `inner` ones that were counted, and `sums` of one number and its parts."""

    inner: Sequence[Key]
    sums: Sequence[tuple[Key, tuple[Key, ...]]]

    @property
    def keys(self) -> Sequence[Key]:
        """Every number once, the inner ones first."""
        return list(dict.fromkeys([*self.inner, *(whole for whole, _ in self.sums)]))


Number = tuple[str, Key]
"""A number by the period of its release."""


@dataclass(frozen=True)
class Known:
    """The rounded numbers of a release, how they add up, and persons that there could be more, by what they add to."""

    period: str
    lattice: Lattice
    values: Mapping[Key, int]
    persons: Sequence[tuple[Key, ...]] = ()


@dataclass(frozen=True)
class AtLeast:
    """Something known of the truth besides: some numbers together are at least so many."""

    numbers: Sequence[Number]
    least: int


@dataclass(frozen=True, slots=True)
class Cube:
    """The cells of an imaginable register, each with the numbers to which it adds; see `certificate`."""

    cells: Sequence[tuple[Key, ...]]
    keys: Sequence[Key]


def key_of(table: Table, row: str, column: str) -> Key:
    """The number of a cell; `ALL` and `TOTAL` are what is left out."""
    dimension = table.row.name if table.row else PLACE
    codes = [(dimension, row)] if row != WHOLE else []
    codes += [(table.column.name, column)] if column != TOTAL else []
    return tuple(sorted(codes))


def tree_of(table: Table, areas: Iterable[Area]) -> Tree:
    """The rows of a table, the whole first."""
    if table.row is not None:
        return {WHOLE: table.row.codes}
    tree = hierarchy(areas)
    return tree if table.level == "area" else {WHOLE: tree[WHOLE]}


def rows_of(tree: Tree) -> list[str]:
    """Every row in the order of reading: the whole, then each part with its own parts."""
    return [WHOLE, *(row for part in tree[WHOLE] for row in (part, *tree.get(part, ())))]


def leaves_of(tree: Tree) -> list[str]:
    """The rows that no others add up to."""
    return [row for row in rows_of(tree) if not tree.get(row)]


def lattice_of(tables: Iterable[Table], areas: Sequence[Area]) -> Lattice:
    """The lattice of tables of one population."""
    inner: dict[Key, None] = {}
    sums: dict[tuple[Key, tuple[Key, ...]], None] = {}
    for table in tables:
        tree, columns = tree_of(table, areas), table.column.codes
        for leaf in leaves_of(tree):
            inner.update(dict.fromkeys(key_of(table, leaf, column) for column in columns))
        for parent, children in reversed(list(tree.items())):
            for column in columns if children else ():
                parts = tuple(key_of(table, child, column) for child in children)
                sums[key_of(table, parent, column), parts] = None
        for row in reversed(rows_of(tree)):
            parts = tuple(key_of(table, row, column) for column in columns)
            sums[key_of(table, row, TOTAL), parts] = None
    return Lattice(list(inner), list(sums))


def numbers_of(lattice: Lattice, tables: Iterable[Table], counts: Counts) -> dict[Key, int]:
    """Every number of the lattice of tables, from exact counts of its inner cells.

    ValueError for a cell outside areas and menu, a negative count, tables that differ in a number they share.
    """
    given = {
        key_of(table, row, column): count
        for table in tables
        for (row, column), count in counts.get(table.code, {}).items()
    }
    if given.keys() - set(lattice.inner) or any(count < 0 for count in given.values()):
        raise ValueError("a cell lies outside the areas and the menu, or is negative")
    exact = {key: given.get(key, 0) for key in lattice.inner}
    for whole, parts in lattice.sums:
        total = sum(exact[part] for part in parts)
        if exact.setdefault(whole, total) != total:
            raise ValueError("two tables differ in a number that they share")
    return exact


def persons_of(tables: Sequence[Table], areas: Sequence[Area]) -> list[tuple[Key, ...]]:
    """Imaginable persons, each as the numbers to which it adds; every number has one that adds to it."""
    categories = {one.name: one for table in tables for one in (table.column, table.row) if one is not None}
    most = max(len(category.codes) for category in categories.values())
    drawn = [
        (area, {name: one.codes[turn % len(one.codes)] for name, one in categories.items()})
        for area in areas
        for turn in range(most)
    ]
    drawn += [
        (areas[0], {**drawn[0][1], table.row.name: row, table.column.name: column})
        for table in tables
        if table.row is not None
        for row in table.row.codes
        for column in table.column.codes
    ]
    return [_adds_to(tables, area, codes) for area, codes in drawn]


def _adds_to(tables: Iterable[Table], area: Area, codes: Mapping[str, str]) -> tuple[Key, ...]:
    found: dict[Key, None] = {}
    for table in tables:
        rows = {WHOLE, area.region, area.code} if table.row is None else {WHOLE, codes[table.row.name]}
        if table.level == "region":
            rows.discard(area.code if area.code != area.region else "")
        for row in sorted(rows):
            found[key_of(table, row, codes[table.column.name])] = None
            found[key_of(table, row, TOTAL)] = None
    return tuple(found)
