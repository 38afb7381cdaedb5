"""That a municipality stands alone tells nobody more of its year before than was published."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.demo.loading import LOADER
from service.statistics.actions import set_areas
from service.statistics.areas import standing_alone
from service.statistics.background import Background, Released
from service.statistics.grid import PLACE, Key, Known, lattice_of
from service.statistics.menu import VICTIMS
from tests.support.register import Templates
from tests.support.years import standing_in_years

FEW, MANY, ONE_SIDED = ("GM0794", "GM0743"), ("GM0762", "GM1652"), ("GM1659",)
ALL = (*FEW, *MANY, *ONE_SIDED)


async def test_who_stands_alone_only_where_the_year_before_says_so_already(
    templates: Templates, tmp_path: Path, database_url: str, engine: str
) -> None:
    """Ten persons suffice for the counts; for the published numbers there must be ten at least, whatever was rounded.

    Nor is it told which was given up: that it could have stood alone says the same.
    """
    async with standing_in_years(database_url, templates.loaded[engine], tmp_path) as years:
        years.stand_at("2026-12-15")
        async with years.register.database.writing() as session:
            await set_areas(session, LOADER, year=2027, areas=standing_alone(ALL, 2027))
        for day, ours, theirs, codes in (
            ("2027-03-01", 1, 1, FEW),
            ("2027-09-01", 4, 4, FEW),
            ("2027-09-01", 12, 12, MANY),
            ("2027-09-01", 16, 4, ONE_SIDED),
        ):
            for code in codes:
                await years.post(day, ours, client="jpt-helmond", municipality=code)
                await years.post(day, theirs, client="police-oost-brabant", municipality=code)
        await years.published("2027-H1", "2027-08-01")
        await years.published("2027-H2", "2028-02-01")
        answer = (await years.compiled("2028-H1", "2028-08-01")).json()
        again = (await years.compiled("2028-H2", "2029-02-01")).json()
    alone = {a["code"] for a in answer["areas"] if a["population"] == "VICTIMS" and a["region"] == "VR22"}
    assert alone == {*MANY, "VR22-OTHER"}
    assert again["areas"] == answer["areas"]
    assert not {code for code in (*FEW, *ONE_SIDED) if code in str(answer["certificate"])}


M, NEAR, OTHER = "GM0794", "GM0762", "VR22-OTHER"
AREAS = standing_alone([M], 2026)


@pytest.mark.parametrize(
    ("values", "own", "expected"),
    [
        pytest.param([15], {}, False, id="eleven at least"),
        pytest.param([10], {}, True, id="six at least"),
        pytest.param([10, 10], {}, False, id="six and six"),
        pytest.param([5, 10], {}, True, id="one and six"),
        pytest.param([15], {M: 8}, False, id="eleven, of which eight are 73 %"),
        pytest.param([15], {M: 9}, True, id="eleven, of which nine are more than 80 %"),
        pytest.param([15], {NEAR: 30}, False, id="own ones elsewhere"),
    ],
)
def test_what_standing_alone_tells_of_a_municipality_that_was_shown(
    values: list[int], own: dict[str, int], expected: bool
) -> None:
    assert background(((PLACE, M),), values).tells("VICTIMS", M, [{}, own]) is expected
    not_whole = replace(background(((PLACE, M),), values), periods=len(values) + 1)
    assert not not_whole.tells("VICTIMS", M, [{}, own])


@pytest.mark.parametrize(
    ("own", "expected"), [({}, False), ({"GM0743": 16}, False), ({"GM0743": 17}, True), ({NEAR: 20}, False)]
)
def test_what_it_tells_of_one_that_was_shown_with_others(own: dict[str, int], expected: bool) -> None:
    """Thirty were published of all others, so 26 at least: of them its own, and ten of the municipality."""
    found = background(((PLACE, OTHER),), [30])
    assert found.tells("VICTIMS", NEAR, [own]) is expected


def background(key: Key, values: list[int]) -> Background:
    """A year of as many periods as values, which a number has."""
    lattice = lattice_of(VICTIMS.tables, AREAS)
    released = [
        Released(2026, AREAS, Known(f"2026-{n}", lattice, {key: value})) for n, value in enumerate(values)
    ]
    return Background(2027, len(values), {"VICTIMS": released}, frozenset())
