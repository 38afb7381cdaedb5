"""Which version holds where and when."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.routing.validity import Calendar, Turn

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLACES = ("GM0794", "GM0762")


def turns(*told: tuple[int, str, int | None]) -> Calendar:
    """Turns by hours after noon."""
    return Calendar(Turn(NOON + hours * HOUR, place, version) for hours, place, version in told)


def test_a_version_holds_from_its_moment_until_the_next_turn() -> None:
    calendar = turns((0, "GM0794", 1), (2, "GM0794", 2))
    moment = timedelta(microseconds=1)
    assert calendar.at("GM0794", NOON - moment) is None
    assert calendar.at("GM0794", NOON) == 1
    assert calendar.at("GM0794", NOON + 2 * HOUR - moment) == 1
    assert calendar.at("GM0794", NOON + 2 * HOUR) == 2
    assert calendar.at("GM0762", NOON) is None


def test_what_comes_begins_at_the_moment_itself() -> None:
    calendar = turns((0, "GM0794", 1), (2, "GM0794", 2))
    assert [turn.version for turn in calendar.coming("GM0794", NOON)] == [1, 2]
    assert [turn.version for turn in calendar.coming("GM0794", NOON + HOUR)] == [2]
    assert calendar.coming("GM0762", NOON) == []


def test_a_version_that_lost_one_of_its_places_goes_on_in_the_other() -> None:
    calendar = turns((0, "GM0794", 1), (0, "GM0762", 1), (2, "GM0794", 2))
    assert calendar.places_from(NOON + 3 * HOUR) == {1: {"GM0762"}, 2: {"GM0794"}}
    assert calendar.places_from(NOON + HOUR) == {1: set(PLACES), 2: {"GM0794"}}
    assert calendar.span(1) == (NOON, None)
    assert calendar.status(1, NOON + 3 * HOUR) == "ACTIVE"


def test_the_life_of_a_version() -> None:
    calendar = turns((0, "GM0794", 1), (1, "GM0762", 1), (2, "GM0794", 2), (3, "GM0762", None))
    assert calendar.span(1) == (NOON, NOON + 3 * HOUR)
    assert [calendar.status(1, NOON + hours * HOUR) for hours in (-1, 0, 2, 3)] == [
        "PLANNED",
        "ACTIVE",
        "ACTIVE",
        "RETIRED",
    ]
    assert calendar.status(9, NOON) == "RETIRED"
    assert calendar.places_from(NOON + 3 * HOUR) == {2: {"GM0794"}}


TURNS = st.dictionaries(
    st.tuples(st.integers(0, 20), st.sampled_from(PLACES)), st.integers(1, 4) | st.none(), max_size=20
)


@given(TURNS, st.integers(-1, 21))
def test_it_says_the_same_as_looking_at_every_turn(
    told: dict[tuple[int, str], int | None], hours: int
) -> None:
    calendar = turns(*((at, place, version) for (at, place), version in told.items()))
    moment = NOON + hours * HOUR
    for place in PLACES:
        before = [at for at, where in told if where == place and at <= hours]
        expected = told[max(before), place] if before else None
        assert calendar.at(place, moment) == expected
    holding = calendar.places_from(moment)
    for version in (1, 2, 3, 4):
        later = {
            place
            for place in PLACES
            if calendar.at(place, moment) == version
            or any(at >= hours and told[at, place] == version for at in range(21) if (at, place) in told)
        }
        assert holding.get(version, frozenset()) == later
        assert (calendar.status(version, moment) == "RETIRED") == (not later)
