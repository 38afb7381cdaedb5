"""Whether the released numbers could be those of some register of persons. Pure.

One linear programme looks for a cube (area × form × age × gender, nothing negative) whose margins are exactly the
rounded numbers. Where there is one, nobody can deduce from the release alone that a number is off, and so bound the
truth more closely than its 4 up and down. Called when a release is compiled.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from service.statistics.areas import Area
from service.statistics.grid import Cube, Key, key_of
from service.statistics.menu import Category, Table


def cube_of(tables: Sequence[Table], areas: Sequence[Area]) -> Cube:
    """The cube of the tables by area and of the whole register; those of regions alone never stand in its way."""
    by_area = [table for table in tables if table.level == "area"]
    whole = [table for table in tables if table.row is not None]
    categories = [table.column for table in by_area]
    if not whole:
        return Cube((), ())
    cells = [
        _numbers_of(
            area.code, dict(zip((one.name for one in categories), codes, strict=True)), by_area, whole
        )
        for area in areas
        for codes in product(*(category.codes for category in categories))
    ]
    return Cube(cells, sorted({key for cell in cells for key in cell}))


def exists(cube: Cube, values: Mapping[Key, int]) -> bool:
    """Whether the cells of a cube can be filled so that they add up to these values."""
    cells = [cell for cell in cube.cells if all(values[key] > 0 for key in cell)]
    row = {key: n for n, key in enumerate(cube.keys)}
    if not cube.keys:
        return True
    places = [(row[key], n) for n, cell in enumerate(cells) for key in cell]
    if not places:
        return all(values[key] == 0 for key in cube.keys)
    rows, columns = zip(*places, strict=True)
    matrix = coo_array((np.ones(len(places)), (rows, columns)), shape=(len(row), len(cells)))
    found = linprog(
        np.zeros(len(cells)),
        A_eq=matrix.tocsr(),
        b_eq=[values[key] for key in cube.keys],
        bounds=(0, None),
        method="highs-ipm",
    )
    return bool(found.status == 0)


def _numbers_of(
    area: str, codes: Mapping[str, str], by_area: Sequence[Table], whole: Sequence[Table]
) -> tuple[Key, ...]:
    """The numbers to which a cell of the cube adds."""
    return (
        *(key_of(table, area, codes[table.column.name]) for table in by_area),
        *(key_of(table, codes[_row(table).name], codes[table.column.name]) for table in whole),
    )


def _row(table: Table) -> Category:
    assert table.row is not None
    return table.row
