"""That a municipality stands alone tells of its year before; a release that would say more gives the area up."""

from pathlib import Path

from service.demo.loading import LOADER
from service.files import write_whole
from service.statistics.actions import set_areas
from service.statistics.areas import standing_alone
from service.statistics.models import ReleaseCell
from tests.support.register import Templates
from tests.support.years import Years, standing_in_years

ALONE = ("GM0794", "GM0743", "GM0762", "GM1652", "GM1659", "GM0847")
ROUNDING = b"rounds two down, some eights too"


async def test_who_stands_alone_after_two_small_halves_is_joined(
    templates: Templates, tmp_path: Path, database_url: str, engine: str
) -> None:
    """2 and 8 persons, published as 0 and 5: at least ten would be 1 to 4 and 6 to 9.

    Nor is it told which was given up: that it could have stood alone says the same.
    """
    (tmp_path / "keys").mkdir(mode=0o700)
    write_whole(tmp_path / "keys" / "release.key", ROUNDING, replace=False)
    async with standing_in_years(database_url, templates.loaded[engine], tmp_path) as years:
        years.stand_at("2026-12-15")
        async with years.register.database.writing() as session:
            await set_areas(session, LOADER, year=2027, areas=standing_alone(ALONE, 2027))
        for code in ALONE:
            for client, few, many in (("jpt-helmond", 1, 4), ("police-oost-brabant", 1, 4)):
                await years.post("2027-03-01", few, client=client, municipality=code)
                await years.post("2027-09-01", many, client=client, municipality=code)
        first = await years.published("2027-H1", "2027-08-01")
        second = await years.published("2027-H2", "2028-02-01")
        answer = (await years.compiled("2028-H1", "2028-08-01")).json()
        rounded = [await rounded_totals(years, one) for one in (first, second)]
    told = {code for code in ALONE if [one[code] for one in rounded] == [0, 5]}
    assert told
    alone = {a["code"] for a in answer["areas"] if a["population"] == "VICTIMS" and a["region"] == "VR22"}
    assert alone == {*ALONE, "VR22-OTHER"} - told
    assert not {code for code in told if code in str(answer["certificate"])}


async def rounded_totals(years: Years, release: str) -> dict[str, int]:
    """As they are kept, hidden ones too."""
    return {
        row.row_code: row.rounded
        for row in await years.register.rows(ReleaseCell)
        if str(row.release_id) == release
        and row.table == "victims-by-municipality-and-form"
        and row.column_code == "TOTAL"
    }
