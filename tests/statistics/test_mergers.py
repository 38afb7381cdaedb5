"""Municipalities that are merged: what was recorded under one goes on being counted, in every year once.

The files are those of a coming version of the register: Helmond and Deurne become a new municipality with 2027, Someren
goes into Asten with 2028.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from service.statistics.areas import (
    InvalidAreas,
    Standing,
    _regions,
    area_index,
    check_areas,
    places_in,
    plan_areas,
    regions_only,
    standing_alone,
)
from service.statistics.background import Background, Released
from service.statistics.grid import PLACE, Known, lattice_of
from service.statistics.menu import ORGANISATIONS, SIGNALS, VICTIMS, menu_on
from service.statistics.names import area_name
from service.statistics.periods import period_of
from service.statistics.tallies import count_period
from service.vocabulary import municipalities as vocabulary
from service.vocabulary.lists import data_rows
from service.vocabulary.models import read_municipality
from service.vocabulary.municipalities import region_of
from tests.support.bodies import person, signal
from tests.support.years import Years

HELMOND, DEURNE, NEW, SOMEREN, ASTEN = "GM0794", "GM0762", "GM2999", "GM0847", "GM0743"
GOING = "GM0228"  # from another region, with 2029
ENOUGH = {"one": 8, "two": 8}
CACHED = (vocabulary.municipalities, vocabulary.mergers, _regions)


def coming_rows(filename: str) -> list[dict[str, str]]:
    """The files as they will be."""
    rows = list(data_rows(filename))
    if filename == "municipality_mergers.csv":
        for code, into, on in (
            (HELMOND, NEW, "2027-01-01"),
            (DEURNE, NEW, "2027-01-01"),
            (SOMEREN, ASTEN, "2028-01-01"),
            (GOING, ASTEN, "2029-01-01"),
        ):
            rows.append({"municipality": code, "merged_into": into, "on": on, "source": "a test"})
    if filename == "municipalities.csv":
        (helmond,) = [row for row in rows if row["gemeentecode"] == HELMOND]
        coming: dict[str, Any] = {"gemeentecode": NEW, "gemeentenaam": "Peelrand", "valid_from": "2027-01-01"}
        rows.append(helmond | coming)
    return rows


@pytest.fixture
def merged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(vocabulary, "data_rows", coming_rows)
    for one in CACHED:
        one.cache_clear()
    yield
    monkeypatch.undo()
    for one in CACHED:
        one.cache_clear()


pytestmark = pytest.mark.usefixtures("merged")


@pytest.mark.parametrize(
    ("day", "there", "gone"),
    [
        (date(2026, 12, 31), {HELMOND, DEURNE, SOMEREN, ASTEN}, {NEW}),
        (date(2027, 1, 1), {NEW, SOMEREN, ASTEN}, {HELMOND, DEURNE}),
        (date(2028, 1, 1), {NEW, ASTEN}, {HELMOND, DEURNE, SOMEREN}),
    ],
)
def test_a_municipality_is_there_on_the_days_of_its_own(day: date, there: set[str], gone: set[str]) -> None:
    found = set(vocabulary.municipalities_on(day))
    assert there <= found
    assert not gone & found


def test_the_areas_of_a_year_hold_the_municipalities_of_its_first_day() -> None:
    for year, there, gone in ((2026, HELMOND, NEW), (2027, NEW, HELMOND), (2028, NEW, SOMEREN)):
        for areas in (regions_only(year), plan_areas([], year)):
            check_areas(areas, year)
            placed = {code for area in areas for code in area.municipalities}
            assert (there in placed, gone in placed) == (True, False)
    check_areas(standing_alone([NEW], 2027), 2027)
    with pytest.raises(InvalidAreas) as caught:
        check_areas(regions_only(2026), 2027)
    assert {f"{HELMOND} is no municipality", f"{NEW} is in no area"} <= set(caught.value.faults)


def test_what_was_recorded_before_is_counted_where_it_is_now_and_the_other_way() -> None:
    before = area_index(standing_alone([HELMOND, SOMEREN], 2026))
    assert (before[HELMOND], before[DEURNE], before[NEW]) == (HELMOND, "VR22-OTHER", "VR22-OTHER")
    after = area_index(standing_alone([NEW], 2028))
    assert (after[HELMOND], after[DEURNE], after[NEW]) == (NEW, NEW, NEW)
    assert after[SOMEREN] == after[ASTEN] == "VR22-OTHER"


def test_the_year_before_a_merger_decides_about_what_came_of_it() -> None:
    half = {"one": 4, "two": 4}
    standings = [Standing(HELMOND, half), Standing(DEURNE, half), Standing(ASTEN, ENOUGH)]
    apart = {area.code for area in plan_areas(standings, 2026) if area.region == "VR22"}
    assert apart == {ASTEN, "VR22-OTHER"}
    alone = {area.code for area in plan_areas(standings, 2027)}
    assert NEW in alone
    assert not {HELMOND, DEURNE} & alone


def test_an_attacker_may_know_that_the_parts_had_ten_persons_together() -> None:
    areas = standing_alone([HELMOND], 2026)
    lattice = lattice_of(VICTIMS.tables, areas)
    known = [
        Released(2026, areas, Known(period, lattice, dict.fromkeys(lattice.keys, 0)))
        for period in ("2026-H1", "2026-H2")
    ]
    background = Background(2027, 2, {"VICTIMS": known}, frozenset({(2027, "VICTIMS")}))
    (rule,) = background.rules("VICTIMS", [one for one in standing_alone([NEW], 2027) if one.code == NEW])
    assert rule.least == 10
    assert set(rule.numbers) == {
        (period, ((PLACE, code),)) for period in ("2026-H1", "2026-H2") for code in (HELMOND, "VR22-OTHER")
    }


def test_a_municipality_that_goes_to_another_region_is_counted_there() -> None:
    """What is counted by area and what is counted by region follow it alike."""
    now = places_in(2029)
    assert (now[GOING], places_in(2028)[GOING]) == (ASTEN, GOING)
    assert region_of(GOING) != region_of(ASTEN)
    assert now[HELMOND] == NEW


async def test_whatever_is_counted_follows_a_municipality_into_another_region(years: Years) -> None:
    """Who lives there, what happened there, and who reported it, in every table."""
    body = signal(municipalities={"incident": GOING}, persons=[person(municipality=GOING)])
    years.stand_at("2029-02-01")
    answer = await years.register.post_signal(body, client="jpt-ede")
    assert answer.status_code == 201, answer.text
    years.stand_at("2029-08-01")
    period = period_of("2029-H1", "half-year")
    async with years.register.database.reading() as session:
        counted = await count_period(session, period, menu_on(period.first))
    for population in (VICTIMS, SIGNALS, ORGANISATIONS):
        for table in (one for one in population.tables if one.row is None):
            (((row, _), count),) = counted.counts[population.code][table.code].items()
            assert (row, count) == ("VR22", 1), table.code


def test_the_list_says_what_became_of_it() -> None:
    known = vocabulary.municipalities()
    gone, new = read_municipality(known[SOMEREN]), read_municipality(known[NEW])
    assert (gone.valid_from, gone.merged_into, gone.merged_on) == (date(2023, 1, 1), ASTEN, date(2028, 1, 1))
    assert (new.valid_from, new.merged_into, new.merged_on) == (date(2027, 1, 1), None, None)
    assert area_name(HELMOND).nl == "Helmond"
