"""Attack 4: the attribute of somebody who is known to be in a row, because nearly everybody there has it.

Looks for rows of ten or more of which one category has 90 %, in everything that was published: also where the row was
withheld and its neighbours, margins or other tables give it away. Claims a row only if every completion of what was
published has 90 % there; one completion that has not spares as many rows as it can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tests.attacks.programme import ROUNDED, Method, Programme, told_by
from tests.attacks.reading import Number, Release, sums_of

FEWEST = 10
PLACES = ("area", "region")


@dataclass(frozen=True)
class Row:
    """A row by its total, and the number that has most of it in truth."""

    total: Number
    most: Number


def one_sided(releases: Sequence[Release], truth: Mapping[Number, int], population: str) -> list[Row]:
    """The rows that are worth attacking: ten or more, 90 % of them alike. Columns too, where rows are categories."""
    found = {}
    for release in releases:
        for table in (one for one in release.tables if one.population == population):
            for total, parts in sums_of(release, table):
                if parts and (table.dimensions[0] not in PLACES or _in_one_place(total, parts)):
                    most = max(parts, key=lambda one: truth[one])
                    if truth[total] >= FEWEST and 10 * truth[most] >= 9 * truth[total]:
                        found[total, most] = Row(total, most)
    return list(found.values())


def _in_one_place(total: Number, parts: Sequence[Number]) -> bool:
    """Where most of those of a category are is no secret of theirs."""
    place = [code for code in total[2] if code[0] == "place"]
    return all([code for code in part[2] if code[0] == "place"] == place for part in parts)


def learnt(
    releases: Sequence[Release], population: str, rows: Sequence[Row], method: Method = ROUNDED
) -> list[Row]:
    """The rows of which it follows from what was published that one category has 90 %."""
    programme, left = Programme(told_by(releases, population, method)), list(rows)
    while left:
        values = programme.published(sum((_outside(programme, row) for row in left), start=programme.nothing))
        spared = {row for row in left if _outside(programme, row) @ values > 0}
        if not spared:
            break
        left = [row for row in left if row not in spared]
    return [row for row in left if _follows(programme, row)]


def _follows(programme: Programme, row: Row) -> bool:
    """Whether no completion has less than 90 % in the row, or a total of less than ten."""
    fewest = programme.published(-_only(programme, row.total))[programme.place[row.total]]
    outside = _outside(programme, row)
    return bool(fewest >= FEWEST and outside @ programme.published(outside) <= 0)


def _outside(programme: Programme, row: Row) -> np.ndarray:
    """More than nothing where less than 90 % of a row are alike."""
    return 9 * _only(programme, row.total) - 10 * _only(programme, row.most)


def _only(programme: Programme, number: Number) -> np.ndarray:
    cost = programme.nothing
    cost[programme.place[number]] = 1.0
    return cost
