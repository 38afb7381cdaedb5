"""What everybody knows besides the numbers of a release: those of earlier ones, and how areas come about. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.statistics.areas import FEWEST_PERSONS, LARGEST_SHARE, Area, area_index
from service.statistics.grid import MOST_OFF, PLACE, AtLeast, Known, Number
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

    def tells(self, population: str, municipality: str, known: Iterable[Mapping[str, int]]) -> bool:
        """Whether it would tell somebody something of the year before that a municipality stands alone.

        It tells that there were at least 10 persons, and who reported the most that its own were at most 80 %. Nobody
        learns from it where the numbers of that year say so already, to whoever has own persons beside it and in it:
        `known` are those of each organisation by municipality. A year that was not released whole says nothing.
        """
        last = [one for one in self.released.get(population, ()) if one.year == self.year - 1]
        if len(last) < self.periods:
            return False
        least = sum(
            max(0, one.known.values[key] - MOST_OFF) for one in last for _, key in _totals(one, municipality)
        )
        here = _with_its_parts(municipality)
        around = {
            code for one in last for area in _shown(one, municipality) for code in area.municipalities
        } | here
        for own in ({}, *known):
            inside, beside = (sum(own.get(code, 0) for code in codes) for codes in (here, around - here))
            if least < beside + max(FEWEST_PERSONS, inside / LARGEST_SHARE):
                return True
        return False


def _totals(released: Released, municipality: str) -> list[Number]:
    """The numbers of persons in the areas in which a municipality, and those merged into it, were shown."""
    return [(released.known.period, ((PLACE, area.code),)) for area in _shown(released, municipality)]


def _shown(released: Released, municipality: str) -> list[Area]:
    index = area_index(released.areas)
    codes = {index[code] for code in _with_its_parts(municipality)}
    return sorted((area for area in released.areas if area.code in codes), key=lambda area: area.code)


def _with_its_parts(municipality: str) -> set[str]:
    return {municipality, *(one.municipality for one in mergers() if one.merged_into == municipality)}
