"""Attacks 6 and 8: somebody who knows a part of the cases and subtracts it, in one period and in every one.

An insider posts signals about persons that it made up, in cells that it wants to know; a partner just knows its own
cases. Both know the rest of a number as well as the number, and that the rest is not negative. Claims what subtracting
and programming say about the rest, where that is one value.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.attacks import programming, subtraction
from tests.attacks.programme import told_by
from tests.attacks.reading import Number, Release
from tests.attacks.scoring import Claims
from tests.support.bodies import person, signal

INSIDER = "police-utrecht"
DAYS = {"2026-H2": "2026-12-31", "2027-H1": "2027-06-30"}
# Four more than a multiple of five: if such a number is published as that multiple, nobody else is in it.
POSTED = {"GM0344": 14, "GM0310": 4, "GM0321": 4, "GM0345": 9, "GM0356": 4, "GM0632": 9}
SIGNALS = {"legalBasis": "WPG_20", "municipalities": {"incident": "GM0344"}, "primaryType": "LOVERBOY"}


def made_up(period: str) -> list[dict[str, Any]]:
    """The signals that the insider posts in a period, each about somebody who does not exist."""
    day = DAYS[period]
    return [
        signal(
            **SIGNALS,
            types=["LOVERBOY"],
            observedFrom=day,
            observedUntil=day,
            persons=[person(f"made up {period} {place} {number}", municipality=place)],
        )
        for place, many in POSTED.items()
        for number in range(many)
    ]


def claims_about_the_rest(
    releases: Sequence[Release], population: str, own: Mapping[Number, int], wanted: Iterable[Number]
) -> Claims:
    """What somebody who has `own` of each number knows of the rest of those that are wanted."""
    chosen = list(wanted)
    simply = subtraction.claims(releases, population, chosen)
    better = programming.claims(releases, population, own=own, wanted=chosen)
    return {
        n: _rest(better.get(n, simply[n]), own[n])
        for n in chosen
        if n in told_by(releases, population).published
    }


def _rest(claim: tuple[int, int], own: int) -> tuple[int, int]:
    return max(0, claim[0] - own), claim[1] - own
