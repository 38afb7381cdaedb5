"""Terms in working days, across weekends and Dutch holidays."""

from datetime import date

import pytest

from service.referrals.terms import due_on, shortest

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
