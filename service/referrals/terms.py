"""Terms in working days: Monday to Friday without the Dutch public holidays. Pure."""

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

SATURDAY = 5

_holidays = country_holidays("NL")


@lru_cache(maxsize=4096)
def due_on(received_on: date, working_days: int) -> date:
    """The last day of a term of so many working days; the day of receipt is not counted."""
    day = received_on
    while working_days > 0:
        day += timedelta(1)
        if day.weekday() < SATURDAY and day not in _holidays:
            working_days -= 1
    return day


def shortest(agreed: int, by_rule: int | None) -> int:
    """A rule may shorten the agreed term, never lengthen it."""
    return agreed if by_rule is None else min(agreed, by_rule)
