"""Periods of a release: quarters, half-years or years of the Dutch calendar. Pure.

A period is closed 30 days after its end; only then may it be counted, once.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CLOSING_DAYS = 30
MONTHS = {"quarter": 3, "half-year": 6, "year": 12}
PERIODS_A_YEAR = {kind: 12 // months for kind, months in MONTHS.items()}

_FORMS = {
    "quarter": re.compile(r"([12]\d{3})-Q([1-4])\Z"),
    "half-year": re.compile(r"([12]\d{3})-H([12])\Z"),
    "year": re.compile(r"([12]\d{3})()\Z"),
}


class NoSuchPeriod(ValueError):
    """Not the code of a period of the kind that this register releases."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period by its code (`2026-H1`), with its first and last day."""

    code: str
    first: date
    last: date

    @property
    def closes_on(self) -> date:
        """The first day on which it may be counted."""
        return self.last + timedelta(CLOSING_DAYS + 1)

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Begin and end (excluded) as moments."""
        return (
            datetime.combine(self.first, time.min, zone),
            datetime.combine(self.last + timedelta(1), time.min, zone),
        )


def period_of(code: str, kind: str) -> Period:
    """The period with this code, if it is of the kind (`quarter`, `half-year`, `year`); else NoSuchPeriod."""
    form = _FORMS[kind].match(code)
    if form is None:
        raise NoSuchPeriod(kind)
    year, months = int(form[1]), MONTHS[kind]
    begin = (int(form[2] or 1) - 1) * months + 1
    end = date(year + (begin + months > 12), (begin + months - 1) % 12 + 1, 1)
    return Period(code, date(year, begin, 1), end - timedelta(1))


def year_of(year: int) -> Period:
    """A calendar year as a period."""
    return Period(str(year), date(year, 1, 1), date(year, 12, 31))
