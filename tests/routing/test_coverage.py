"""From which day on nobody would serve a municipality."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.coverage import Post, first_gap

DAY = date(2026, 11, 24)
HELMOND = "GM0794"


def post(first: int, last: int | None, level: str = "LOCAL", number: int = 1) -> Post:
    """A post from and until so many days from DAY."""
    until = None if last is None else DAY + timedelta(last)
    organisation = UUID(int=number)
    return Post(UUID(int=number), organisation, level, frozenset({HELMOND}), DAY + timedelta(first), until)


GAPS = {
    "nobody": ([], 0),
    "for good": ([(-9, None)], None),
    "from tomorrow": ([(1, None)], 0),
    "until today": ([(-9, 0)], 1),
    "one after the other": ([(-9, 3), (4, None)], None),
    "a day between": ([(-9, 3), (5, None)], 4),
    "overlapping": ([(-9, 5), (2, 8)], 9),
    "the later ends earlier": ([(-9, 8), (2, 5)], 9),
    "long over": ([(-9, -5)], 0),
}


@pytest.mark.parametrize(("spans", "gap"), GAPS.values(), ids=GAPS.keys())
def test_the_first_day_without_anybody(spans: list[tuple[int, int | None]], gap: int | None) -> None:
    found = first_gap([post(*span) for span in spans], DAY)
    assert found == (None if gap is None else DAY + timedelta(gap))


@given(st.lists(st.tuples(st.integers(-5, 15), st.integers(0, 12)), max_size=6))
def test_it_is_the_first_day_that_no_span_holds(spans: list[tuple[int, int]]) -> None:
    posts = [post(first, first + length) for first, length in spans]
    days = (DAY + timedelta(offset) for offset in range(60))
    expected = next(
        day
        for day in days
        if not any(one.first <= day <= one.last for one in posts)  # type: ignore[operator]
    )
    assert first_gap(posts, DAY) == expected


def test_a_regional_one_stands_in_for_a_local_one_but_not_the_other_way() -> None:
    local, regional = post(-9, None), post(-9, None, "REGIONAL", 2)
    assert (local.serves("LOCAL", HELMOND), local.serves("REGIONAL", HELMOND)) == (True, False)
    assert (regional.serves("LOCAL", HELMOND), regional.serves("REGIONAL", HELMOND)) == (True, True)
    assert not local.serves("LOCAL", "GM0228")


def test_the_last_day_that_there_is_has_no_next() -> None:
    forever = Post(UUID(int=1), UUID(int=1), "LOCAL", frozenset({HELMOND}), DAY, date.max)
    assert first_gap([forever], DAY) is None
