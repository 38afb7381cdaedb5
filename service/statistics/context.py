"""National figures beside which a region can be read, from published sources. Read by the report.

Never puts them in proportion to the register's own: they count something else.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class NationalFigure:
    """A published figure of a year, with its source."""

    year: int
    measure: str
    category: str
    value: int
    unit: str
    status: str
    source: str


@cache
def national_figures() -> Sequence[NationalFigure]:
    """The figures of single years, in whole numbers."""
    text = files("service.synthesis").joinpath("data", "comensha_counts.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return tuple(
        NationalFigure(int(row["year"]), value=int(row["value"]), **{name: row[name] for name in _WORDS})
        for row in rows
        if row["year"].isdigit() and row["value"].isdigit()
    )


_WORDS = ("measure", "category", "unit", "status", "source")
