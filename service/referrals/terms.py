"""Terms in working days: Monday to Friday without the Dutch public holidays. Pure.

The holidays are those of the Algemene termijnenwet, article 3: 5 May is one of them every year, which the
library counts in lustrum years only; Good Friday is one as well.
"""

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

SATURDAY = 5
LIBERATION_DAY = (5, 5)

_holidays = country_holidays("NL")


@lru_cache(maxsize=4096)
def due_on(received_on: date, working_days: int) -> date:
    """The last day of a term of so many working days; the day of receipt is not counted."""
    day = received_on
    while working_days > 0:
        day += timedelta(1)
        if _is_working_day(day):
            working_days -= 1
    return day


def _is_working_day(day: date) -> bool:
    return day.weekday() < SATURDAY and day not in _holidays and (day.month, day.day) != LIBERATION_DAY


@lru_cache(maxsize=4096)
def overdue_since(today: date, working_days: int) -> date:
    """The latest last day that has been over for so many working days by today; 0: that has just passed."""
    day = today - timedelta(1)
    while due_on(day, working_days) > today:
        day -= timedelta(1)
    return day


def shortest(agreed: int, by_rule: int | None) -> int:
    """A rule may shorten the agreed term, never lengthen it."""
    return agreed if by_rule is None else min(agreed, by_rule)
