"""Periods: their first and last day, when they are closed, and codes that are none."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from service.statistics.periods import NoSuchPeriod, period_of, year_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

PERIODS = [
    ("2026-Q1", "quarter", "2026-01-01", "2026-03-31", "2026-05-01"),
    ("2026-Q2", "quarter", "2026-04-01", "2026-06-30", "2026-07-31"),
    ("2026-Q3", "quarter", "2026-07-01", "2026-09-30", "2026-10-31"),
    ("2026-Q4", "quarter", "2026-10-01", "2026-12-31", "2027-01-31"),
    ("2026-H1", "half-year", "2026-01-01", "2026-06-30", "2026-07-31"),
    ("2026-H2", "half-year", "2026-07-01", "2026-12-31", "2027-01-31"),
    ("2026", "year", "2026-01-01", "2026-12-31", "2027-01-31"),
    ("2028-Q1", "quarter", "2028-01-01", "2028-03-31", "2028-05-01"),
]


@pytest.mark.parametrize(
    ("code", "kind", "first", "last", "closes"), PERIODS, ids=[row[0] for row in PERIODS]
)
def test_a_period_has_its_days(code: str, kind: str, first: str, last: str, closes: str) -> None:
    period = period_of(code, kind)
    assert (period.code, period.first, period.last) == (
        code,
        date.fromisoformat(first),
        date.fromisoformat(last),
    )
    assert period.closes_on == date.fromisoformat(closes)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("2026-H3", "half-year"),
        ("2026-H0", "half-year"),
        ("2026-h1", "half-year"),
        ("2026-Q1", "half-year"),
        ("2026", "half-year"),
        ("2026-H1", "quarter"),
        ("2026-Q5", "quarter"),
        ("2026-H1", "year"),
        ("0000-H1", "half-year"),
        ("26-H1", "half-year"),
        ("2026-H1 ", "half-year"),
        ("2026-H1\n", "half-year"),
        ("", "half-year"),
    ],
    ids=repr,
)
def test_another_code_is_no_period(code: str, kind: str) -> None:
    with pytest.raises(NoSuchPeriod):
        period_of(code, kind)


@pytest.mark.parametrize("year", ["0000", "0001", "9999"])
def test_a_year_at_the_ends_of_the_calendar_is_no_period(year: str) -> None:
    for code, kind in ((f"{year}-H2", "half-year"), (year, "year"), (f"{year}-Q4", "quarter")):
        with pytest.raises(NoSuchPeriod):
            period_of(code, kind)


@pytest.mark.parametrize(
    ("code", "kind", "begin", "end"),
    [
        ("2026-H1", "half-year", "2025-12-31T23:00:00", "2026-06-30T22:00:00"),
        ("2026-H2", "half-year", "2026-06-30T22:00:00", "2026-12-31T23:00:00"),
        ("2026-Q1", "quarter", "2025-12-31T23:00:00", "2026-03-31T22:00:00"),
    ],
)
def test_a_period_begins_and_ends_at_midnight_in_the_netherlands(
    code: str, kind: str, begin: str, end: str
) -> None:
    assert period_of(code, kind).moments(AMSTERDAM) == (
        datetime.fromisoformat(begin).replace(tzinfo=UTC),
        datetime.fromisoformat(end).replace(tzinfo=UTC),
    )


def test_periods_follow_each_other_without_a_gap() -> None:
    quarters = [period_of(f"{year}-Q{n}", "quarter") for year in (2026, 2027) for n in (1, 2, 3, 4)]
    for one, following in zip(quarters, quarters[1:], strict=False):
        assert one.moments(AMSTERDAM)[1] == following.moments(AMSTERDAM)[0]
    year = year_of(2026)
    assert (year.first, year.last) == (quarters[0].first, quarters[3].last)
