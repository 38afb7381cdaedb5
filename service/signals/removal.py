"""When a signal is to be removed: the rule, without clock or database.

Months by the agreement (12 by default), at least the release period plus 35 days so that it can be counted,
at most 24 months, and on the youth ground never past the 23rd birthday as far as the age band can tell
(Jeugdwet 7.1.4.5).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from dateutil.relativedelta import relativedelta

MAX_MONTHS = 24
COUNTING_DAYS = 35
YOUTH_GROUND = "JW_REPORT"
YOUTH_ENDS_AT = 23
LOWER_AGE = {"A00_11": 0, "A12_15": 12, "A16_17": 16, "A18_22": 18}
PERIOD_MONTHS = {"quarter": 3, "half-year": 6, "year": 12}


def remove_by(
    received_on: date,
    *,
    months: int,
    release_period: str,
    legal_basis: str | None,
    age_bands: Iterable[str],
) -> date:
    """The last day on which the signal may exist."""
    countable = _later(received_on, PERIOD_MONTHS[release_period]) + timedelta(COUNTING_DAYS)
    wanted = max(_later(received_on, months), countable)
    limits = [_later(received_on, MAX_MONTHS)]
    if legal_basis == YOUTH_GROUND:
        limits += [
            _later(received_on, 12 * (YOUTH_ENDS_AT - LOWER_AGE[band]))
            for band in age_bands
            if band in LOWER_AGE
        ]
    return min(wanted, *limits)


@lru_cache(maxsize=4096)
def _later(day: date, months: int) -> date:
    return day + relativedelta(months=months)
