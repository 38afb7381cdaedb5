"""Attack 3: subtracting what is shown from the totals, in rows, columns and regions, again and again.

Decides between which bounds every number lies, first as it was published (multiples of five), then in truth; a bound
that was found helps to find the next. Sound: it only adds and subtracts. Never solves a programme.
"""

from collections.abc import Iterable, Sequence

from tests.attacks.programme import ROUNDED, Method, Told, told_by
from tests.attacks.reading import Number, Release
from tests.attacks.scoring import Claims, both

ROUNDS = 8


def claims(
    releases: Sequence[Release], population: str, targets: Iterable[Number], method: Method = ROUNDED
) -> Claims:
    """What subtraction says about some numbers of a population."""
    told = told_by(releases, population, method)
    published = as_published(told)
    wholes = {whole for whole, _ in told.sums}
    near = {number: _near(claim, number in wholes, method) for number, claim in published.items()}
    known = _subtracted(near, told)
    return {number: known[number] for number in targets if number in known}


def as_published(told: Told) -> Claims:
    """What subtraction says of the numbers as they were rounded, shown or hidden."""
    return _subtracted(dict(told.published), told)


def _near(published: tuple[int, int], is_sum: bool, method: Method) -> tuple[int, int]:
    low, high = (method.base * -(-published[0] // method.base), method.base * (published[1] // method.base))
    off = method.zero if low <= method.base and not is_sum else method.off
    return max(0, low - off), high + method.off


def _subtracted(known: dict[Number, tuple[int, int]], told: Told) -> dict[Number, tuple[int, int]]:
    for _ in range(ROUNDS):
        before = dict(known)
        for whole, parts in told.sums:
            low, high = (sum(known[part][end] for part in parts) for end in (0, 1))
            known[whole] = both(known[whole], (low, high))
            for part in parts:
                rest = known[whole][0] - (high - known[part][1]), known[whole][1] - (low - known[part][0])
                known[part] = both(known[part], rest)
        if known == before:
            break
    return known
