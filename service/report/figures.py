"""What may be said of released numbers of which some are hidden. Pure; called by `sections`.

Decides shares, the funnel and which category stands out. Never adds up numbers unless all of them are shown, never
gives a share of a small whole, and never puts hidden numbers in an order that follows from them.
"""

from collections.abc import Mapping, Sequence

from service.report.models import Amount

FEWEST_FOR_SHARE = 50
FURTHEST_OFF = 4


def share(part: Amount, whole: Amount) -> int | None:
    """How many per cent a part is of a whole: of shown numbers, where the whole is 50 or more."""
    if part.value is None or whole.value is None or whole.value < FEWEST_FOR_SHARE:
        return None
    return min(100, round(100 * part.value / whole.value))


def reached(total: Amount, steps: Sequence[Amount]) -> list[Amount]:
    """How many came to each step or further; `steps` has the furthest of each, in order, as the release tells it.

    The first is the total itself. Each other is a sum, and only there where all of its parts are shown.
    """
    sums = [_sum(steps[number:]) for number in range(1, len(steps))]
    return [total, *sums]


def _sum(amounts: Sequence[Amount]) -> Amount:
    shown = [amount.value for amount in amounts if amount.value is not None]
    return Amount(sum(shown), "sum") if len(shown) == len(amounts) else Amount(None, "withheld")


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
