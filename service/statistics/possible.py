"""The truths that are possible for somebody who has read releases: a set of linear constraints over all their numbers.

Each number lies within limits, the truths add up as the tables do, and some together are at least something. Asked by
`audit`, which knows nothing besides, and by `insiders`, which knows a part of the truth. Pure.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_array, coo_array, csr_array, eye_array, hstack

from service.statistics.grid import MOST_OFF, AtLeast, Known, Number

TOLERANCE = 1e-6


class Possible:
    """The possible truths of some releases: `limits` (n × 2) of each number of `numbers`, and how they hang together.

    Whoever knows more than that every number is at most 4 off gives limits of its own to a question.
    """

    def __init__(self, releases: Sequence[Known], rules: Sequence[AtLeast] = ()) -> None:
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
        self.limits = np.stack([np.maximum(0, self.rounded - MOST_OFF), self.rounded + MOST_OFF], axis=1)

    def roomy(self, releases: Sequence[Known], by: float) -> set[int]:
        """Numbers that may lie so far from themselves, as persons who are alike are added to a truth or taken from it.

        The truth is one in which as few numbers as can be are above what was published: there is the room.
        """
        truth = self._low_truth()
        persons = self._matrix_of_persons(releases)
        if truth is None or not persons.shape[0]:
            return set()
        low, high = self.limits.T
        starts = persons.indptr[:-1]
        more = np.minimum.reduceat((high - truth)[persons.indices], starts)
        fewer = np.minimum.reduceat((truth - low)[persons.indices], starts)
        for rule, bound in zip(self._least, self._bound, strict=True):
            there = np.asarray(persons @ -rule.reshape(-1, 1).tocsr().toarray()).ravel()
            spare = bound - float((rule @ truth).sum())
            fewer = np.where(there > 0, np.minimum(fewer, spare / np.maximum(there, 1)), fewer)
        wide = np.flatnonzero(more + fewer >= by - TOLERANCE)
        return set(persons[wide].indices.tolist()) if len(wide) else set()

    def close(
        self, places: Sequence[int], by: float, limits: np.ndarray | None = None
    ) -> tuple[list[int], int]:
        """Those of some numbers that no pair has apart together with others; and how many programmes it took."""
        unproven, programmes = list(places), 0
        while unproven:
            proven = self._apart(unproven, by, self.limits if limits is None else limits)
            programmes += 1
            if not proven:
                break
            unproven = [place for place in unproven if place not in proven]
        return unproven, programmes

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
                bounds=self.limits,
                method="highs",
            )
            if found.status != 0:
                return 0.0
            ends.append(found.x[place])
        return float(ends[1] - ends[0])

    def _low_truth(self) -> np.ndarray | None:
        """The rounded numbers themselves where they can be the truth, else a truth that is least above them."""
        if not np.any(self._sums @ self.rounded) and np.all(self._least @ self.rounded <= self._bound):
            return self.rounded
        many = len(self.numbers)
        one, nothing = eye_array(many), csr_array(self._least.shape)
        found = linprog(
            np.concatenate([np.zeros(many), np.ones(many)]),
            A_ub=block_array([[one, -one], [self._least, nothing]]).tocsr(),
            b_ub=np.concatenate([self.rounded, self._bound]),
            A_eq=hstack([self._sums, csr_array(self._sums.shape)]).tocsr(),
            b_eq=np.zeros(self._sums.shape[0]),
            bounds=np.concatenate([self.limits, np.tile([0.0, np.inf], (many, 1))]),
            method="highs",
        )
        return found.x[:many] if found.status == 0 else None

    def _matrix_of_persons(self, releases: Sequence[Known]) -> csr_array:
        """The persons that there could be more or fewer, one a line, each with a one where it is counted."""
        place = {number: n for n, number in enumerate(self.numbers)}
        persons = _matrix(
            [[(place[one.period, key], 1.0) for key in person] for one in releases for person in one.persons],
            len(self.numbers),
        )
        adds_up = np.asarray(abs(self._sums @ persons.T).sum(axis=0)).ravel() == 0
        return persons[np.flatnonzero(adds_up)]

    def _apart(self, places: Sequence[int], by: float, within: np.ndarray) -> set[int]:
        """The numbers that two possible truths have apart by so much, in the pair that parts as many as it can."""
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
            bounds=np.concatenate([within, within, np.tile([0.0, by], (few, 1))]),
            method="highs",
        )
        if found.status != 0:
            return set()
        return {places[n] for n in chosen if found.x[2 * many + n] >= by - TOLERANCE}


def _matrix(rows: Sequence[Sequence[tuple[int, float]]], width: int) -> csr_array:
    entries = [(value, n, column) for n, row in enumerate(rows) for column, value in row]
    if not entries:
        return csr_array((len(rows), width))
    values, places, columns = zip(*entries, strict=True)
    return coo_array((values, (places, columns)), shape=(len(rows), width)).tocsr()
