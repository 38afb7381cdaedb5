"""What an attack claims, when it wins, and the table of who won how often.

An attack claims an interval for a number only where its method entails it. It wins where that interval is narrower than
the promise (a truth may be anything within 4): a count of 1 to 9 known exactly or almost, or a zero known for sure.
Whoever guesses that a hidden number is zero is often right, but claims nothing. A claim that the truth contradicts is a
mistake of the test, not a win, and fails it. Called by the attacks and by the command that prints the table.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from tests.attacks.reading import Number

PROMISE = 4
SMALL = range(1, 10)

Claims = Mapping[Number, tuple[int, int]]
Note = Callable[[str, object], None]


@dataclass(frozen=True)
class Outcome:
    """How often an attack won, of how much it tried to learn, against the register or a naive variant of it."""

    attack: str
    against: str
    size: int
    engine: str
    won: int
    tried: int

    def told(self, note: Note) -> "Outcome":
        """The same, after it was noted for the table."""
        note("attack", json.dumps(asdict(self)))
        return self


def wins(claims: Claims, truth: Mapping[Number, int]) -> int:
    """How many claims tell more than the promise; none of them is false."""
    wrong = {
        number: (claim, truth[number]) for number, claim in claims.items() if not _holds(claim, truth[number])
    }
    assert not wrong, f"{len(wrong)} claims are false, as {next(iter(wrong.items()))}"
    return sum(high - low < PROMISE for low, high in claims.values())


def both(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """What two claims about a number say together."""
    return max(one[0], other[0]), min(one[1], other[1])


def small_numbers(
    truth: Mapping[Number, int], populations: tuple[str, ...], periods: tuple[str, ...]
) -> list[Number]:
    """The numbers of a few persons: what an attack tries to learn."""
    return sorted(
        (n for n, count in truth.items() if count in SMALL and n[0] in periods and n[1] in populations),
        key=lambda number: (number[0], number[1], sorted(number[2])),
    )


def _holds(claim: tuple[int, int], truth: int) -> bool:
    return claim[0] <= truth <= claim[1]
