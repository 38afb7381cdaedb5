"""Published figures of the whole country, to read a release beside: CoMensha and the National Rapporteur, by source.

They count reports and victims in their own way: no number of this register is a share of one of them.
"""

from collections.abc import Sequence
from functools import cache

from service.statistics.models import NationalFigure
from service.synthesis.figures import figures


@cache
def national_figures() -> Sequence[NationalFigure]:
    """Every figure of the packaged files, the latest year first."""
    counts = [
        NationalFigure(
            year=row["year"],
            measure=row["measure"],
            category=row["category"],
            value=float(row["value"]),
            unit=row["unit"],
            source=row["source"],
        )
        for row in figures("comensha_counts")
    ]
    reporters = [
        NationalFigure(
            year=row["year"],
            measure="reports_by_reporter",
            category=row["reporter_type"],
            value=float(row["value"]),
            unit=row["reports_or_victims"],
            source=row["source"],
        )
        for row in figures("comensha_reporters")
        if row["value"]
    ]
    return sorted([*counts, *reporters], key=lambda one: one.year, reverse=True)
