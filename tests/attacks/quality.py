"""How good the released numbers are, beside the figures of the prototype that the method was chosen by.

Counts shown inner cells, the persons in them, and how far shown cells are from the truth. Called by the tests, which
hold it to the promises, and printed with the table of attacks.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from tests.attacks.programme import told_by
from tests.attacks.reading import TOTAL, Number, Release, number_of
from tests.attacks.scoring import Note

REFERENCE = "prototype: cells 49.5/50/84 %, persons 81/93/99.5 % (at 300/3,000/100,000), mean error 1.5-1.6, largest 5"


@dataclass(frozen=True)
class Quality:
    """Shares of inner cells that hold somebody and of persons in them, in per cent, and errors of shown cells."""

    period: str
    population: str
    size: int
    engine: str
    cells: float
    persons: float
    mean_error: float
    largest_error: int

    def told(self, note: Note) -> "Quality":
        note("quality", json.dumps(asdict(self)))
        return self


def quality_of(
    releases: Sequence[Release], population: str, truth: Mapping[Number, int], size: int, engine: str
) -> Quality:
    """The quality of the tables by area of a population in the newest of some releases."""
    release = releases[-1]
    wholes = {whole for whole, _ in told_by([release], population).sums}
    inner, shown = {}, {}
    for table in release.tables:
        for cell in table.cells if table.population == population and table.dimensions[0] == "area" else ():
            number = number_of(release, table, cell.row, cell.column)
            if cell.column != TOTAL and number not in wholes and truth[number]:
                inner[number] = truth[number]
                if cell.value is not None:
                    shown[number] = abs(cell.value - truth[number])
    return Quality(
        release.period,
        population,
        size,
        engine,
        round(100 * len(shown) / len(inner), 1),
        round(100 * sum(truth[number] for number in shown) / sum(inner.values()), 1),
        round(sum(shown.values()) / max(1, len(shown)), 2),
        max(shown.values(), default=0),
    )
