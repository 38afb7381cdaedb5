"""What follows from everything that the register ever told: programmes over all numbers of a population.

Decides how low and how high the truth of a number may be, for somebody who knows the published method: shown numbers
are rounded to a multiple of five next to the truth, hidden ones are rounded to 0 or 5, tables add up before and after
rounding, a number that several tables show is one, and a municipality that stands alone had ten persons the year
before. Called by the attacks; written anew, so that it shares no mistake with what the register asks itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack

from tests.attacks.reading import WHOLE, Number, Release, number_of, sums_of

STANDS_ALONE = 10
MOST = 10**6


@dataclass(frozen=True)
class Method:
    """How numbers came about: multiples of `base`, at most `off` from the truth; hidden are those up to `hidden`.

    `zero` is what a zero may become, where it is no sum.
    """

    base: int
    off: int
    zero: int
    hidden: int


ROUNDED = Method(base=5, off=4, zero=5, hidden=5)
EXACT = Method(base=1, off=0, zero=0, hidden=4)


@dataclass
class Told:
    """What was read about some numbers: lowest and highest as published, which add up to which, what else is known."""

    method: Method
    published: dict[Number, tuple[int, int]] = field(default_factory=dict)
    sums: dict[tuple[Number, tuple[Number, ...]], None] = field(default_factory=dict)
    at_least: list[tuple[list[Number], int]] = field(default_factory=list)

    def allows(self, truth: Mapping[Number, int]) -> bool:
        """Whether the truth could be as it is; else what was read, or this test, is wrong."""
        wholes = {whole for whole, _ in self.sums}
        return (
            all(self._near(truth[n], n in wholes, *known) for n, known in self.published.items())
            and all(truth[whole] == sum(truth[part] for part in parts) for whole, parts in self.sums)
            and all(sum(truth[n] for n in numbers) >= least for numbers, least in self.at_least)
        )

    def _near(self, truth: int, is_sum: bool, low: int, high: int) -> bool:
        off = self.method.zero if low == 0 and not is_sum else self.method.off
        return low - off <= truth <= high + self.method.off


def told_by(releases: Iterable[Release], population: str, method: Method = ROUNDED) -> Told:
    """Everything that was read about a population."""
    told, chosen = Told(method), list(releases)
    for release in chosen:
        for table in release.tables:
            if table.population != population:
                continue
            for cell in table.cells:
                number = number_of(release, table, cell.row, cell.column)
                low, high = _published(cell.value, cell.status, method)
                known = told.published.get(number, (0, MOST))
                told.published[number] = max(known[0], low), min(known[1], high)
            for whole, parts in sums_of(release, table):
                if parts:
                    told.sums[whole, tuple(parts)] = None
    told.at_least = list(_standing_alone(chosen, population))
    return told


def _published(value: int | None, status: str, method: Method) -> tuple[int, int]:
    if value is not None:
        return value, value
    return (0, method.hidden) if status == "<10" else (0, MOST)


def _standing_alone(releases: Sequence[Release], population: str) -> Iterable[tuple[list[Number], int]]:
    """A municipality that stands alone because of the year before had ten persons in that year's releases."""
    by_year: dict[int, list[Release]] = {}
    for release in releases:
        by_year.setdefault(int(release.period[:4]), []).append(release)
    for year, its in by_year.items():
        before = by_year.get(year - 1, [])
        if len(before) == 2:
            for code, area in its[0].areas.get(population, {}).items():
                if code == area:
                    numbers = [_of_place(one, population, one.areas[population][code]) for one in before]
                    yield numbers, STANDS_ALONE


def _of_place(release: Release, population: str, place: str) -> Number:
    return release.period, population, frozenset({("place", place)} - {("place", WHOLE)})


class Programme:
    """The possible truths, as points in whole numbers."""

    def __init__(self, told: Told, own: Mapping[Number, int] | None = None) -> None:
        """`own`: how many of a number somebody knows to be there, for they are theirs."""
        method, published = told.method, told.published
        self.numbers = list(published)
        self.place = {number: n for n, number in enumerate(self.numbers)}
        self._count, self.base, self._off = len(self.numbers), method.base, method.off
        wholes = {whole for whole, _ in told.sums}
        self._low = np.array([published[number][0] // method.base for number in self.numbers])
        self._high = np.array([published[number][1] // method.base for number in self.numbers])
        may_be_zero = [published[n][0] == 0 and n not in wholes for n in self.numbers]
        self._below = np.where(may_be_zero, method.zero, method.off)
        self._own = np.array([(own or {}).get(number, 0) for number in self.numbers])
        sums = [
            [(self.place[whole], 1.0), *((self.place[part], -1.0) for part in parts)]
            for whole, parts in told.sums
        ]
        self._sums = _matrix(sums, self._count)
        self.rules = _matrix(
            [[(self.place[number], 1.0) for number in numbers] for numbers, _ in told.at_least], self._count
        )
        self.least = np.array([least for _, least in told.at_least], dtype=int)

    def a_possible_one(self) -> tuple[np.ndarray, np.ndarray]:
        """A possible truth and what would have been published of it: the same, where that can be."""
        least = np.maximum(self._low, -(-self._own // self.base))
        found = milp(
            -(self._high == 1).astype(float),
            integrality=np.ones(self._count),
            bounds=Bounds(least, self._high),
            constraints=[LinearConstraint(self._sums, 0, 0), *self._rules(self.rules * self.base)],
        )
        if found.status != 0:
            return self._possible(self.nothing)
        published = np.rint(found.x).astype(int)
        return self.base * published, published

    def adds_up(self, changes: csr_array) -> np.ndarray:
        """Which changes of numbers, one a line, leave every sum right."""
        return np.asarray(abs(self._sums @ changes.T).sum(axis=0)).ravel() == 0

    def room(self, published: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The least and the most that each number by itself may be, where this was published (in units of the base)."""
        low = np.maximum(self._own, np.maximum(0, published * self.base - self._below))
        return low, published * self.base + self._off

    @property
    def nothing(self) -> np.ndarray:
        """A cost that asks for nothing."""
        return np.zeros(self._count)

    def published(self, cost: np.ndarray) -> np.ndarray:
        """The published numbers, hidden ones filled in, for which the sum of `cost` is greatest."""
        found = milp(
            -cost,
            integrality=np.ones(self._count),
            bounds=Bounds(self._low, self._high),
            constraints=LinearConstraint(self._sums, 0, 0),
        )
        assert found.status == 0, "what was read does not add up, or this test is wrong"
        return np.rint(found.x).astype(int) * self.base

    def between(self, number: Number) -> tuple[int, int]:
        """The least and the most that a number may be."""
        cost = self.nothing
        cost[self.place[number]] = 1.0
        low, high = (self._possible(one)[0][self.place[number]] for one in (-cost, cost))
        return int(low), int(high)

    def _possible(self, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The truth for which the sum of `cost` is greatest, and what would have been published of it."""
        count = self._count
        least = np.maximum(self._own, np.maximum(0, self.base * self._low - self._below))
        one, nothing = eye_array(count, format="csr"), csr_array(self._sums.shape)
        found = milp(
            np.concatenate([-cost, self.nothing]),
            integrality=np.ones(2 * count),
            bounds=Bounds(
                np.concatenate([least, self._low]),
                np.concatenate([self.base * self._high + self._off, self._high]),
            ),
            constraints=[
                LinearConstraint(_beside(self._sums, nothing), 0, 0),
                LinearConstraint(_beside(nothing, self._sums), 0, 0),
                LinearConstraint(_beside(one, -self.base * one), -self._below, self._off),
                *self._rules(_beside(self.rules, csr_array(self.rules.shape))),
            ],
        )
        assert found.status == 0, "what was read contradicts the method, or this test is wrong"
        return np.rint(found.x[:count]).astype(int), np.rint(found.x[count:]).astype(int)

    def _rules(self, matrix: csr_array) -> list[LinearConstraint]:
        return [LinearConstraint(matrix, self.least, np.inf)] if len(self.least) else []


def _beside(left: csr_array, right: csr_array) -> csr_array:
    return hstack([left, right], format="csr")


def _matrix(rows: Sequence[Sequence[tuple[int, float]]], width: int) -> csr_array:
    entries = [(factor, n, place) for n, row in enumerate(rows) for place, factor in row]
    if not entries:
        return csr_array((len(rows), width))
    factors, lines, places = zip(*entries, strict=True)
    return coo_array((factors, (lines, places)), shape=(len(rows), width)).tocsr()
