"""Terms in working days, across weekends and Dutch holidays."""

from datetime import date, timedelta

import pytest

from service.referrals.terms import due_on, overdue_since, shortest
from tests.support.days import counted

CASES = {
    "no days": ("2026-11-24", 0, "2026-11-24"),
    "the next day": ("2026-11-24", 1, "2026-11-25"),
    "from a Friday": ("2026-11-20", 1, "2026-11-23"),
    "from a Saturday": ("2026-11-21", 1, "2026-11-23"),
    "from a Sunday, a week's term": ("2026-11-22", 5, "2026-11-27"),
    "a whole week later": ("2026-11-24", 5, "2026-12-01"),
    "up to Good Friday": ("2026-04-01", 1, "2026-04-02"),
    "over Good Friday and Easter Monday": ("2026-04-02", 1, "2026-04-07"),
    "received at Easter": ("2026-04-05", 1, "2026-04-07"),
    "King's Day on a Monday": ("2026-04-24", 1, "2026-04-28"),
    "King's Day a day earlier, as the 27th is a Sunday": ("2025-04-25", 1, "2025-04-28"),
    "King's Day on a Tuesday": ("2027-04-26", 1, "2027-04-28"),
    "Liberation Day in a lustrum": ("2025-05-02", 1, "2025-05-06"),
    "Ascension Day": ("2026-05-13", 1, "2026-05-15"),
    "Whit Monday": ("2026-05-22", 1, "2026-05-26"),
    "Christmas and its weekend": ("2026-12-23", 2, "2026-12-28"),
    "up to New Year's Eve": ("2026-12-23", 5, "2026-12-31"),
    "over New Year": ("2026-12-23", 6, "2027-01-04"),
    "Christmas in the middle of a week": ("2025-12-24", 1, "2025-12-29"),
    "thirty days, the longest term": ("2026-11-23", 30, "2027-01-06"),
}


@pytest.mark.parametrize(("received", "days", "due"), CASES.values(), ids=CASES.keys())
def test_a_term_counts_working_days(received: str, days: int, due: str) -> None:
    assert due_on(date.fromisoformat(received), days) == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("agreed", "by_rule", "expected"),
    [(5, None, 5), (5, 2, 2), (5, 5, 5), (5, 9, 5), (1, 30, 1)],
)
def test_a_rule_only_shortens(agreed: int, by_rule: int | None, expected: int) -> None:
    assert shortest(agreed, by_rule) == expected


SINCE = {
    "the day after": ("2026-11-25", 0, "2026-11-24"),
    "a Saturday, after a Friday": ("2026-11-28", 0, "2026-11-27"),
    "a Monday: also what was over on Saturday": ("2026-11-30", 0, "2026-11-29"),
    "one working day later": ("2026-11-26", 1, "2026-11-25"),
    "a Saturday is not one": ("2026-11-28", 1, "2026-11-26"),
    "a Monday is the first after a Friday": ("2026-11-30", 1, "2026-11-29"),
    "two working days over Good Friday and Easter": ("2026-04-07", 2, "2026-04-01"),
    "the second after Easter": ("2026-04-08", 2, "2026-04-06"),
    "on King's Day": ("2026-04-27", 1, "2026-04-23"),
    "on 5 May, which is no lustrum": ("2026-05-05", 2, "2026-04-30"),
    "over Ascension Day": ("2026-05-15", 2, "2026-05-12"),
    "over Whit Monday": ("2026-05-26", 1, "2026-05-25"),
    "at Christmas": ("2026-12-26", 2, "2026-12-22"),
    "over New Year": ("2027-01-04", 2, "2026-12-30"),
}


@pytest.mark.parametrize(("today", "days", "since"), SINCE.values(), ids=SINCE.keys())
def test_a_term_has_been_over_for_so_many_working_days_since(today: str, days: int, since: str) -> None:
    assert overdue_since(date.fromisoformat(today), days) == date.fromisoformat(since)


YEAR = [date(2026, 1, 1) + timedelta(number) for number in range(375)]
BEFORE = [YEAR[0] - timedelta(number) for number in range(1, 100)]


@pytest.mark.parametrize("days", [0, 1, 2, 3, 10, 60])
def test_every_day_of_a_year_agrees_with_a_calendar_by_hand(days: int) -> None:
    ends = {day: counted(day, days) for day in (*BEFORE, *YEAR)}
    for day in YEAR:
        assert due_on(day, days) == ends[day], day
        assert overdue_since(day, days) == max(last for last in ends if last < day and ends[last] <= day), day
