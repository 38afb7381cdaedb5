"""A clock that a test moves, and an oracle of working days: a list of days by hand, and counting on one's fingers.

The list is that of the Algemene termijnenwet for 2026 and the months around it; it knows nothing of the library that
the register asks. Called by tests about terms.
"""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from service import clock
from service.access import granting, verifying

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOLIDAYS = {
    date(2025, 12, 25),
    date(2025, 12, 26),
    date(2026, 1, 1),
    date(2026, 4, 3),  # Good Friday
    date(2026, 4, 6),  # Easter Monday
    date(2026, 4, 27),  # King's Day
    date(2026, 5, 5),  # Liberation Day
    date(2026, 5, 14),  # Ascension Day
    date(2026, 5, 25),  # Whit Monday
    date(2026, 12, 25),
    date(2026, 12, 26),
    date(2027, 1, 1),
    date(2027, 3, 26),  # Good Friday
    date(2027, 3, 29),  # Easter Monday
}


def is_working(day: date) -> bool:
    return day.isoweekday() <= 5 and day not in HOLIDAYS


def counted(day: date, working_days: int) -> date:
    """The day on which so many working days have passed since a day."""
    passed = 0
    while passed < working_days:
        day += timedelta(1)
        passed += is_working(day)
    return day


def moment(day: date | str, at: str = "10:00") -> datetime:
    """A moment on a day in the Netherlands, UTC."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime.combine(day, time.fromisoformat(at), AMSTERDAM).astimezone(UTC)


class MovingClock:
    """The time of the register, as a test says. Tokens live by the real one: the library that checks them does too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime.now(UTC)
        real = SimpleNamespace(now=clock.now)
        for module in (granting, verifying):
            monkeypatch.setattr(module, "clock", real)
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def to(self, day: date | str, at: str = "10:00") -> datetime:
        """Move to a time of a day in the Netherlands; the moment."""
        self.now = moment(day, at)
        return self.now
