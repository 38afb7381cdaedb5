"""What somebody can work out who has read every release: the register attacks its own numbers before they are shown.

He knows that each number is rounded from a truth at most 4 away, that the truths add up as the tables do, and the rule
by which a municipality stands alone: at least 10 persons in the year before. Each small number must still have room for
a truth of 4 more or less than another: an interval narrower than 4 blocks the release. Pure; called at compilation with
all numbers of this and of the earlier releases, hidden ones too, for what is hidden can often be deduced.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_array, coo_array, csr_array

from service.statistics.grid import MOST_OFF, AtLeast, Known, Number

ROOM = 4
SMALL = 10
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Audit:
    """How many numbers were looked at, in how many programmes, and the first whose truth is known too closely."""

    numbers: int
    programmes: int
    exposed: Number | None


def audit(releases: Sequence[Known], rules: Sequence[AtLeast] = ()) -> Audit:
    """Look at every small number of some releases together.

    Where the rounded numbers could be the truth themselves, so could they with four persons more who are alike: that
    proves whatever these add to. Of the others one programme proves many: two possible truths at once, as far apart as
    4 in as many as possible. When none is proven any more, each that is left is looked at by itself.
    """
    world = _World(releases, rules)
    small = [place for place, value in enumerate(world.rounded) if value < SMALL]
    looked_at, programmes = len(small), 0
    with_more = world.with_four_more(releases)
    unproven = [place for place in small if place not in with_more]
    while unproven:
        proven = world.far_apart(unproven)
        programmes += 1
        if not proven:
            break
        unproven = [place for place in unproven if place not in proven]
    for place in unproven:
        programmes += 2
        if world.room(place) < ROOM - TOLERANCE:
            return Audit(looked_at, programmes, world.numbers[place])
    return Audit(looked_at, programmes, None)


class _World:
    """The truths that are possible, as far as somebody outside can tell."""

    def __init__(self, releases: Sequence[Known], rules: Sequence[AtLeast]) -> None:
        self.numbers: list[Number] = [(one.period, key) for one in releases for key in sorted(one.values)]
        place = {number: n for n, number in enumerate(self.numbers)}
        self.rounded = np.array(
            [one.values[key] for one in releases for key in sorted(one.values)], dtype=float
        )
        sums = [
            [(place[one.period, whole], 1.0), *((place[one.period, part], -1.0) for part in parts)]
            for one in releases
            for whole, parts in one.lattice.sums
        ]
        self._sums = _matrix(sums, len(self.numbers))
        self._least = _matrix(
            [[(place[number], -1.0) for number in rule.numbers] for rule in rules], len(self.numbers)
        )
        self._bound = np.array([-float(rule.least) for rule in rules])
        self._limits = np.stack([np.maximum(0, self.rounded - MOST_OFF), self.rounded + MOST_OFF], axis=1)

    def with_four_more(self, releases: Sequence[Known]) -> set[int]:
        """The numbers to which four more persons could add, if the rounded numbers are a possible truth."""
        rules_hold = self._least @ self.rounded <= self._bound
        if np.any(self._sums @ self.rounded) or not np.all(rules_hold):
            return set()
        place = {number: n for n, number in enumerate(self.numbers)}
        adds = [
            [(place[one.period, key], 1.0) for key in person] for one in releases for person in one.persons
        ]
        persons = _matrix(adds, len(self.numbers))
        possible = np.flatnonzero(np.asarray(abs(self._sums @ persons.T).sum(axis=0)).ravel() == 0)
        return set(persons[possible].indices.tolist()) if len(possible) else set()

    def far_apart(self, places: Sequence[int]) -> set[int]:
        """The numbers that two possible truths have 4 apart, in the pair that parts as many of these as it can."""
        many, few, sums, rules = len(self.numbers), len(places), self._sums.shape[0], self._least.shape[0]
        ones, chosen = np.ones(few), range(few)
        high = coo_array((-ones, (chosen, places)), shape=(few, many))
        low = coo_array((ones, (chosen, places)), shape=(few, many))
        gap = coo_array((ones, (chosen, chosen)), shape=(few, few))
        upper = block_array(
            [
                [high, low, gap],
                [self._least, csr_array((rules, many)), csr_array((rules, few))],
                [csr_array((rules, many)), self._least, csr_array((rules, few))],
            ]
        )
        equal = block_array(
            [
                [self._sums, csr_array((sums, many)), csr_array((sums, few))],
                [csr_array((sums, many)), self._sums, csr_array((sums, few))],
            ]
        )
        found = linprog(
            np.concatenate([np.zeros(2 * many), -ones]),
            A_ub=upper.tocsr(),
            b_ub=np.concatenate([np.zeros(few), self._bound, self._bound]),
            A_eq=equal.tocsr(),
            b_eq=np.zeros(2 * sums),
            bounds=np.concatenate([self._limits, self._limits, np.tile([0.0, ROOM], (few, 1))]),
            method="highs",
        )
        if found.status != 0:
            return set()
        return {places[n] for n in chosen if found.x[2 * many + n] >= ROOM - TOLERANCE}

    def room(self, place: int) -> float:
        """How far the truth of a number may lie from itself; nothing where no truth is possible at all."""
        ends = []
        for sign in (1.0, -1.0):
            cost = np.zeros(len(self.numbers))
            cost[place] = sign
            found = linprog(
                cost,
                A_ub=self._least if self._least.shape[0] else None,
                b_ub=self._bound if self._least.shape[0] else None,
                A_eq=self._sums,
                b_eq=np.zeros(self._sums.shape[0]),
                bounds=self._limits,
                method="highs",
            )
            if found.status != 0:
                return 0.0
            ends.append(found.x[place])
        return float(ends[1] - ends[0])


def _matrix(rows: Sequence[Sequence[tuple[int, float]]], width: int) -> csr_array:
    entries = [(value, n, column) for n, row in enumerate(rows) for column, value in row]
    if not entries:
        return csr_array((len(rows), width))
    values, places, columns = zip(*entries, strict=True)
    return coo_array((values, (places, columns)), shape=(len(rows), width)).tocsr()
