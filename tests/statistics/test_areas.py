"""Which municipalities stand alone: the area rule by cases, its promises as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.statistics.areas import (
    Area,
    InvalidAreas,
    Standing,
    area_index,
    check_areas,
    hierarchy,
    join_smallest,
    plan_areas,
    regions_only,
)
from service.vocabulary.municipalities import municipalities, region_of

REGION = "VR25"
MEMBERS = tuple(sorted(code for code in municipalities() if region_of(code) == REGION))
A, B, C, D, E, F = MEMBERS
GOOD = {"jpt": 6, "police": 6}


def plan_of(standings: dict[str, dict[str, int]]) -> dict[str, tuple[str, ...]]:
    """The areas of the one region in which anybody was counted."""
    areas = plan_areas((Standing(code, counts) for code, counts in standings.items()), 2026)
    return {area.code: area.municipalities for area in areas if area.region == REGION}


@pytest.mark.parametrize(
    ("by_organisation", "suffices"),
    [
        ({}, False),
        ({"jpt": 5, "police": 4}, False),
        ({"jpt": 5, "police": 5}, True),
        ({"jpt": 30}, False),
        ({"jpt": 30, "police": 0}, False),
        ({"jpt": 8, "police": 2}, True),
        ({"jpt": 12, "police": 3}, True),
        ({"jpt": 81, "police": 19}, False),
        ({"jpt": 80, "police": 10, "school": 10}, True),
    ],
)
def test_ten_persons_two_organisations_none_over_eighty_per_cent(
    by_organisation: dict[str, int], suffices: bool
) -> None:
    assert Standing(A, by_organisation).suffices is suffices


def test_a_standing_counts_only_organisations_that_reported() -> None:
    standing = Standing(A, {"jpt": 9, "police": 3, "school": 0})
    assert (standing.persons, standing.organisations, standing.largest_share) == (12, 2, 0.75)


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        pytest.param(dict.fromkeys(MEMBERS, GOOD), {code: (code,) for code in MEMBERS}, id="all stand alone"),
        pytest.param({}, {REGION: MEMBERS}, id="nobody counted"),
        pytest.param(
            dict.fromkeys((A, B, C, D), GOOD) | {E: {"jpt": 9}, F: {"police": 9}},
            {A: (A,), B: (B,), C: (C,), D: (D,), "VR25-OTHER": (E, F)},
            id="two fail alone but not together",
        ),
        pytest.param(
            dict.fromkeys((A, B, C, D), GOOD) | {E: {"jpt": 15}, F: {"jpt": 15}},
            {C: (C,), D: (D,), "VR25-OTHER": (A, B, E, F)},
            id="two fail together by one organisation, until enough others join",
        ),
        pytest.param(
            {code: {"jpt": 10 + n, "police": 10} for n, code in enumerate(reversed(MEMBERS[1:]))} | {A: {}},
            {B: (B,), C: (C,), D: (D,), E: (E,), "VR25-OTHER": (A, F)},
            id="one fails, the smallest joins",
        ),
        pytest.param(
            dict.fromkeys(MEMBERS[1:], GOOD) | {A: {"jpt": 9}},
            {C: (C,), D: (D,), E: (E,), F: (F,), "VR25-OTHER": (A, B)},
            id="equally small: the first code joins",
        ),
        pytest.param({A: GOOD, B: {"jpt": 40}}, {REGION: MEMBERS}, id="one area is left: only the region"),
        pytest.param(
            {A: GOOD, B: {"jpt": 6, "police": 3}},
            {REGION: MEMBERS},
            id="the rest fails together and takes in the last that stood alone",
        ),
    ],
)
def test_the_failing_ones_join(
    standings: dict[str, dict[str, int]], expected: dict[str, tuple[str, ...]]
) -> None:
    assert plan_of(standings) == expected


counted = st.dictionaries(
    st.sampled_from(sorted(municipalities())[:120]),
    st.dictionaries(st.sampled_from(["jpt", "police", "school"]), st.integers(0, 25)),
)


@given(counted, st.randoms(use_true_random=False))
def test_a_plan_divides_the_country_and_every_part_of_a_region_suffices(counts, random) -> None:
    areas = plan_areas((Standing(code, by) for code, by in counts.items()), 2026)
    check_areas(areas, 2026)
    for area in areas:
        if area.code != area.region:
            added: dict[str, int] = {}
            for code in area.municipalities:
                for organisation, persons in counts.get(code, {}).items():
                    added[organisation] = added.get(organisation, 0) + persons
            assert Standing(area.code, added).suffices
    shuffled = list(counts.items())
    random.shuffle(shuffled)
    assert plan_areas((Standing(code, dict(reversed(by.items()))) for code, by in shuffled), 2026) == areas


def test_standings_of_one_municipality_add_up() -> None:
    halves = [Standing(code, {organisation: 6}) for code in MEMBERS for organisation in ("jpt", "police")]
    assert {area.code for area in plan_areas(halves, 2026)} >= set(MEMBERS)


def test_an_unknown_municipality_has_no_area() -> None:
    with pytest.raises(KeyError):
        plan_areas([Standing("GM9999", GOOD)], 2026)


def test_the_first_year_shows_regions_only() -> None:
    areas = regions_only(2026)
    check_areas(areas, 2026)
    assert len(areas) == 25
    assert all(area.code == area.region for area in areas)
    assert area_index(areas) == {code: region_of(code) for code in municipalities()}


def divided(*parts: Area) -> list[Area]:
    """A plan with one region divided by hand."""
    return [area for area in regions_only(2026) if area.region != REGION] + list(parts)


def test_a_plan_set_by_hand_is_accepted() -> None:
    check_areas(divided(Area(A, REGION, (A,)), Area("VR25-OTHER", REGION, MEMBERS[1:])), 2026)


@pytest.mark.parametrize(
    ("parts", "faults"),
    [
        ([], [f"{code} is in no area" for code in MEMBERS]),
        ([Area(REGION, REGION, MEMBERS), Area(A, REGION, (A,))], [f"{A} is in 2 areas"]),
        (
            [Area(REGION, REGION, (*MEMBERS, "GM9999"))],
            [
                "GM9999 is no municipality",
                "VR25 holds municipalities outside VR25",
                "VR25 is shown as a whole region but does not hold all of it",
            ],
        ),
        (
            [*(Area(code, REGION, (code,)) for code in MEMBERS[1:]), Area("VR25-OTHER", REGION, (A,))],
            ["VR25-OTHER joins fewer than two municipalities"],
        ),
        (
            [Area("VR25-OTHER", REGION, MEMBERS)],
            ["VR25-OTHER holds its whole region and should be VR25"],
        ),
        (
            [Area(A, REGION, (A, B)), Area("VR25-OTHER", REGION, (C, D, E, F))],
            [f"{A} stands alone and should hold the municipality of its code, nothing else"],
        ),
        (
            [Area("VR25-OTHER", REGION, (A, B, C)), Area("VR25-OTHER", REGION, (D, E, F))],
            ["VR25-OTHER is the code of 2 areas"],
        ),
        (
            [Area("VR25-OTHER", "VR99", MEMBERS)],
            ["VR25-OTHER names VR99, which is no region"],
        ),
    ],
)
def test_all_faults_of_a_plan_are_named(parts: list[Area], faults: list[str]) -> None:
    with pytest.raises(InvalidAreas) as caught:
        check_areas(divided(*parts), 2026)
    assert list(caught.value.faults) == faults
    assert all(fault in str(caught.value) for fault in faults)


def test_rows_add_up_by_region_and_whole() -> None:
    areas = [Area("VR24", "VR24", ()), Area("VR25-OTHER", REGION, MEMBERS[1:]), Area(A, REGION, (A,))]
    assert hierarchy(areas) == {"ALL": ("VR24", "VR25"), "VR25": (A, "VR25-OTHER")}


ALONE = [Area(code, REGION, (code,)) for code in MEMBERS]
OTHER = Area("VR25-OTHER", REGION, (E, F))


@pytest.mark.parametrize(
    ("parts", "persons", "expected"),
    [
        pytest.param(ALONE, {A: 9, B: 3, C: 2, D: 9, E: 9, F: 9}, (B, C), id="the two smallest"),
        pytest.param(ALONE, dict.fromkeys(MEMBERS, 9), (A, B), id="equals by code"),
        pytest.param(
            [*ALONE[:4], OTHER], {A: 9, B: 3, C: 4, D: 9, OTHER.code: 99}, (B, E, F), id="into the rest"
        ),
        pytest.param(
            [*ALONE[:4], OTHER], {A: 9, B: 7, C: 8, D: 9, OTHER.code: 1}, (B, E, F), id="the rest is smallest"
        ),
    ],
)
def test_the_smallest_area_joins(
    parts: list[Area], persons: dict[str, int], expected: tuple[str, ...]
) -> None:
    joined = join_smallest(divided(*parts), persons)
    assert joined is not None
    check_areas(joined, 2026)
    assert {area.code: area.municipalities for area in joined}["VR25-OTHER"] == expected


def test_joining_ends_with_regions_only() -> None:
    areas = join_smallest(divided(Area(A, REGION, (A,)), Area("VR25-OTHER", REGION, MEMBERS[1:])), {})
    assert areas == regions_only(2026)
    assert join_smallest(regions_only(2026), {}) is None
