"""What may be said of released numbers of which some are hidden. Pure; called by `sections`.

Decides shares, the funnel and which category stands out. Never reckons with a number that is not shown, never
gives a share of a small whole, and never puts hidden numbers in an order that follows from them.
"""

from collections.abc import Mapping, Sequence

from service.report.models import Amount
from service.statistics.disclosure import FEWEST_SHOWN

FEWEST_FOR_SHARE = 50
FURTHEST_OFF = 4


def share(part: Amount, whole: Amount) -> int | None:
    """How many per cent a part is of a whole: of shown numbers, where the whole is 50 or more."""
    if part.value is None or whole.value is None or whole.value < FEWEST_FOR_SHARE:
        return None
    return min(100, round(100 * part.value / whole.value))


def reached(total: Amount, waiting: Sequence[Amount]) -> list[Amount]:
    """How many came to a first step, and past each of some: the total less those who are there still.

    Only of shown numbers, each of which adds its own 4 to what the outcome may be off; under ten it is hidden as well.
    """
    found = [total]
    for there in waiting:
        found.append(_less(found[-1], there))
    return found


def _less(whole: Amount, part: Amount) -> Amount:
    if whole.value is None or part.value is None:
        return Amount(None, "unknown")
    left = whole.value - part.value
    return Amount(left, "sum") if left >= FEWEST_SHOWN else Amount(None, "<10")


def standing_out(amounts: Mapping[str, Amount]) -> str | None:
    """The category that is the largest whatever the rounding did; None where that is not sure."""
    first, *others = ranked(amounts)
    largest = amounts[first].value
    if largest is None or any(amount.status in ("withheld", "unknown") for amount in amounts.values()):
        return None
    second = amounts[others[0]].value if others else 0
    return first if largest - (second or 9) > 2 * FURTHEST_OFF else None


def ranked(amounts: Mapping[str, Amount]) -> list[str]:
    """The categories by number, the largest first; those that are hidden in the order of their list."""
    return sorted(amounts, key=lambda code: -(amounts[code].value or 0))
