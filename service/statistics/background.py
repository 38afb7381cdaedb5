"""What everybody knows besides the numbers of a release: those of earlier ones, and how areas come about. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.statistics.areas import FEWEST_PERSONS, Area, area_index
from service.statistics.grid import PLACE, AtLeast, Known, Number
from service.vocabulary.municipalities import mergers


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
            AtLeast(
                [number for one in by_year[year - 1] for number in _totals(one, area.code)], FEWEST_PERSONS
            )
            for year, its in planned.items()
            if (year, population) in self.by_counts and len(by_year.get(year - 1, ())) == self.periods
            for area in its
            if area.municipalities == (area.code,)
        ]


def _totals(released: Released, municipality: str) -> list[Number]:
    """The numbers of persons in the areas in which a municipality, and those merged into it, were shown."""
    index = area_index(released.areas)
    parts = [merger.municipality for merger in mergers() if merger.merged_into == municipality]
    shown = sorted({index[code] for code in (municipality, *parts)})
    return [(released.known.period, ((PLACE, code),)) for code in shown]
