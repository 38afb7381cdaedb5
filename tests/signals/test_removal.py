"""When a signal is to be removed: agreement, counting, two years at most, and the youth ground."""

from datetime import date

import pytest

from service.signals.removal import LOWER_AGE, remove_by
from service.vocabulary.lists import codes

CASES = {
    "twelve months": ("2026-11-22", 12, "half-year", None, [], "2027-11-22"),
    "six months are less than a half-year and 35 days": (
        "2026-11-22",
        6,
        "half-year",
        None,
        [],
        "2027-06-26",
    ),
    "one month, but a quarter is counted": ("2026-01-31", 1, "quarter", None, [], "2026-06-04"),
    "four months end before a quarter and 35 days": ("2026-11-22", 4, "quarter", None, [], "2027-03-29"),
    "five months end after it": ("2026-11-22", 5, "quarter", None, [], "2027-04-22"),
    "twelve months, but a year is counted": ("2026-11-22", 12, "year", None, [], "2027-12-27"),
    "24 months": ("2026-11-22", 24, "year", None, [], "2028-11-22"),
    "never more than 24": ("2026-11-22", 36, "year", None, [], "2028-11-22"),
    "from the last day of a leap February": ("2028-02-29", 12, "half-year", None, [], "2029-02-28"),
    "from the last day of a month": ("2026-08-31", 18, "half-year", None, [], "2028-02-29"),
    "youth of 12: eleven years are more than 24 months": (
        *("2026-11-22", 24, "year", "JW_REPORT", ["A12_15"]),
        "2028-11-22",
    ),
    "youth of 18: five years are more too": ("2026-11-22", 24, "year", "JW_REPORT", ["A18_22"], "2028-11-22"),
    "a grown-up on the youth ground": ("2026-11-22", 12, "half-year", "JW_REPORT", ["A30_44"], "2027-11-22"),
    "nobody on the youth ground": ("2026-11-22", 12, "half-year", "JW_REPORT", [], "2027-11-22"),
    "an unknown age": ("2026-11-22", 12, "half-year", "JW_REPORT", ["UNKNOWN"], "2027-11-22"),
    "another ground": ("2026-11-22", 12, "half-year", "CONSENT", ["A12_15"], "2027-11-22"),
}


@pytest.mark.parametrize(
    ("received", "months", "period", "basis", "bands", "removed"), CASES.values(), ids=CASES.keys()
)
def test_a_signal_is_removed_by(
    received: str, months: int, period: str, basis: str | None, bands: list[str], removed: str
) -> None:
    found = remove_by(
        date.fromisoformat(received),
        months=months,
        release_period=period,
        legal_basis=basis,
        age_bands=bands,
    )

    assert found.isoformat() == removed


def test_the_youth_ground_ends_before_the_23rd_birthday_of_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No band is old enough to show it within 24 months, so the edge of one is moved: 22 years and up.
    monkeypatch.setitem(LOWER_AGE, "A18_22", 22)  # type: ignore[arg-type]
    found = remove_by(
        date(2026, 11, 22),
        months=24,
        release_period="half-year",
        legal_basis="JW_REPORT",
        age_bands=["A12_15", "A18_22"],
    )

    assert found == date(2027, 11, 22)


def test_every_band_below_23_has_its_lower_age() -> None:
    assert {band: int(band[1:3]) for band in LOWER_AGE} == LOWER_AGE
    assert set(LOWER_AGE) == {
        code for code in codes("age_band") if code[1:3].isdigit() and int(code[1:3]) < 23
    }
