"""What everybody knows besides the numbers of a release: those of earlier ones, and how areas come about. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.statistics.areas import FEWEST_PERSONS, Area, area_index
from service.statistics.grid import PLACE, AtLeast, Known


class Released(NamedTuple):
    """What a release told of a population: in which year, by which areas, which numbers."""

    year: int
    areas: tuple[Area, ...]
    known: Known


@dataclass(frozen=True)
class Background:
    """Earlier releases by population, and the years and populations whose areas follow from the year before.

    `year` is that of the period that is compiled, `periods` how many there are in a year.
    """

    year: int
    periods: int
    released: Mapping[str, Sequence[Released]]
    by_counts: frozenset[tuple[int, str]]

    def known(self, population: str) -> list[Known]:
        """The numbers of earlier releases."""
        return [one.known for one in self.released.get(population, ())]

    def rules(self, population: str, areas: Sequence[Area]) -> list[AtLeast]:
        """What areas tell: who stands alone had at least 10 persons in the year before.

        `areas` are those of the period that is compiled. A year that was not released whole is no bound.
        """
        by_year: dict[int, list[Released]] = {}
        for one in self.released.get(population, ()):
            by_year.setdefault(one.year, []).append(one)
        planned = {year: its[0].areas for year, its in by_year.items()} | {self.year: tuple(areas)}
        return [
            AtLeast([_total(one, area.code) for one in by_year[year - 1]], FEWEST_PERSONS)
            for year, its in planned.items()
            if (year, population) in self.by_counts and len(by_year.get(year - 1, ())) == self.periods
            for area in its
            if area.municipalities == (area.code,)
        ]


def _total(released: Released, municipality: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The number of persons in the area in which a municipality was shown."""
    return released.known.period, ((PLACE, area_index(released.areas)[municipality]),)
