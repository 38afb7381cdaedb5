"""Decisions over numbers of which some are hidden, and the words for them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.report import words
from service.report.figures import ranked, reached, share, standing_out
from service.report.models import UNKNOWN, Amount

FEWER, WITHHELD = Amount(None, "<10"), Amount(None, "withheld")
AMOUNTS = st.one_of(
    st.sampled_from([FEWER, WITHHELD, UNKNOWN]),
    st.integers(2, 200).map(lambda fives: Amount(5 * fives, "rounded5")),
)


def shown(value: int) -> Amount:
    return Amount(value, "rounded5")


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [
        (shown(25), shown(50), 50),
        (shown(10), shown(60), 17),
        (shown(25), shown(45), None),
        (FEWER, shown(100), None),
        (WITHHELD, shown(100), None),
        (shown(25), FEWER, None),
        (shown(25), UNKNOWN, None),
        (shown(55), shown(50), 100),
    ],
)
def test_a_share_is_of_shown_numbers_of_fifty_or_more(
    part: Amount, whole: Amount, percent: int | None
) -> None:
    assert share(part, whole) == percent


@given(total=AMOUNTS, waiting=st.lists(AMOUNTS, min_size=2, max_size=2))
def test_a_step_is_reached_by_who_does_not_wait_as_far_as_that_is_shown(
    total: Amount, waiting: list[Amount]
) -> None:
    so_far = reached(total, waiting)
    assert (so_far[0], len(so_far)) == (total, 3)
    for number in (1, 2):
        parts = [amount.value for amount in (total, *waiting[:number])]
        left = None if None in parts else parts[0] - sum(parts[1:])  # type: ignore[operator,arg-type]
        assert so_far[number].value == (left if left is not None and left >= 10 else None)


@pytest.mark.parametrize(
    ("amounts", "code"),
    [
        ([shown(30), shown(20), FEWER], "0"),
        ([shown(20), shown(30), FEWER], "1"),
        ([shown(30), shown(25), FEWER], None),
        ([shown(20), FEWER, FEWER], "0"),
        ([shown(15), FEWER, FEWER], None),
        ([FEWER, FEWER], None),
        ([shown(30), WITHHELD], None),
        ([shown(30), UNKNOWN], None),
    ],
)
def test_a_category_stands_out_where_rounding_cannot_have_made_it_so(
    amounts: list[Amount], code: str | None
) -> None:
    assert standing_out({str(number): amount for number, amount in enumerate(amounts)}) == code


@given(st.lists(AMOUNTS, min_size=1, max_size=8))
def test_hidden_numbers_stay_in_the_order_of_their_list(amounts: list[Amount]) -> None:
    order = [int(code) for code in ranked({str(number): amount for number, amount in enumerate(amounts)})]
    hidden = [number for number in order if not amounts[number].is_shown]
    assert hidden == sorted(hidden)
    assert order[len(order) - len(hidden) :] == hidden
    values = [amounts[number].value or 0 for number in order]
    assert values == sorted(values, reverse=True)


def test_periods_days_numbers_and_places_are_written_in_words() -> None:
    assert words.period("2026-H1", "nl") == "eerste helft van 2026"
    assert words.period("2025-Q4", "en") == "fourth quarter of 2025"
    assert words.period("2024", "nl") == "2024"
    assert words.day(date(2026, 3, 1), "nl") == "1 maart 2026"
    assert words.day(datetime(2026, 7, 31, 22, 30, tzinfo=UTC), "en") == "1 August 2026"
    assert (words.number(1335, "nl"), words.number(1335, "en"), words.number(335, "nl")) == (
        "1.335",
        "1,335",
        "335",
    )
    assert words.place("VR22-OTHER", "nl") == "Brabant-Zuidoost, overige gemeenten"
    assert [words.place(code, "en") for code in ("GM0794", "VR22", "ALL")] == [
        "Helmond",
        "Brabant-Zuidoost",
        "Whole register",
    ]
    assert [words.spoken(one, "en") for one in (shown(45), FEWER, UNKNOWN)] == [
        "about 45",
        "fewer than 10",
        "an unknown number of",
    ]
