"""Sums of releases, the metadata of a CSV, definitions, and national figures."""

import json
from datetime import date
from hashlib import sha256
from pathlib import Path

from csvw import CSVW

from service.statistics.areas import WHOLE
from service.statistics.menu import MENUS, Menu, menu_on
from service.synthesis.figures import figure
from service.trail import AuditEntry
from tests.support.years import AGE, RELEASES, Years

SUMS = "/v1/statistics/sums"
DEURNE, ASTEN, SOMEREN = "GM0762", "GM0743", "GM0847"


async def three_periods(years: Years) -> list[str]:
    """Helmond stands alone in 2026 by plan; in 2027, by the counts of 2026, Deurne does too."""
    await years.post("2026-02-01", 20)
    await years.post("2026-02-02", 12, municipality=DEURNE, client="police-oost-brabant")
    first = await years.published("2026-H1", "2026-08-01")
    for count, more in (
        (30, {}),
        (25, {"client": "police-oost-brabant"}),
        (10, {"municipality": DEURNE}),
        (5, {"municipality": ASTEN}),
        (4, {"municipality": ASTEN, "client": "police-oost-brabant"}),
        (3, {"municipality": SOMEREN, "client": "police-oost-brabant"}),
    ):
        await years.post("2026-09-01", count, **more)
    second = await years.published("2026-H2", "2027-02-01")
    await years.post("2027-03-01", 25)
    return [first, second, await years.published("2027-H1", "2027-08-01")]


async def cells_of(years: Years, path: str) -> dict[tuple[str, str], tuple[int | None, str]]:
    answer = await years.get(path, client="analyst")
    assert answer.status_code == 200, answer.text
    row, column = answer.json()["dimensions"]
    return {(one[row], one[column]): (one["value"], one["status"]) for one in answer.json()["cells"]}


async def test_sums_over_three_periods(years: Years) -> None:
    releases = await three_periods(years)
    await each_sum_is_that_of_its_releases_where_all_of_them_show_the_number(years, releases)
    await it_tells_its_periods_and_its_tolerance(years, releases)
    await an_area_that_is_not_the_same_in_all_of_them_is_left_out(years)
    await only_successive_published_periods_are_added_up(years)


async def each_sum_is_that_of_its_releases_where_all_of_them_show_the_number(
    years: Years, releases: list[str]
) -> None:
    seen: set[str] = set()
    for name in (AGE, "victims-by-form-and-gender", "signals-by-region-and-outcome"):
        parts = [await cells_of(years, f"{RELEASES}/{release}/tables/{name}") for release in releases[:2]]
        told = await cells_of(years, f"{SUMS}/{name}?from=2026-H1&until=2026-H2")
        assert told.keys() == parts[0].keys()
        for place, (value, status) in told.items():
            values = [part[place][0] for part in parts]
            hidden = {part[place][1] for part in parts if part[place][0] is None}
            if hidden:
                assert (value, status) == (None, "withheld" if "withheld" in hidden else "<10")
            else:
                assert (value, status) == (sum(values), "sum")  # type: ignore[arg-type]
        seen |= {status for _, status in told.values()}
    assert seen == {"sum", "<10", "withheld"}


async def it_tells_its_periods_and_its_tolerance(years: Years, releases: list[str]) -> None:
    answer = (await years.get(f"{SUMS}/{AGE}?from=2026-H1&until=2027-H1", client="analyst")).json()
    assert {name: answer[name] for name in ("periods", "releases", "tolerance")} == {
        "periods": ["2026-H1", "2026-H2", "2027-H1"],
        "releases": releases,
        "tolerance": 12,
    }


async def an_area_that_is_not_the_same_in_all_of_them_is_left_out(years: Years) -> None:
    two = await cells_of(years, f"{SUMS}/{AGE}?from=2026-H1&until=2026-H2")
    three = await cells_of(years, f"{SUMS}/{AGE}?from=2026-H1&until=2027-H1")
    assert {WHOLE, "VR22", "GM0794", "VR22-OTHER"} <= {area for area, _ in two}
    assert DEURNE not in {area for area, _ in two}
    here = {area for area, _ in three if area.startswith(("VR22", "GM07"))}
    assert here == {"VR22", "GM0794"}  # the other municipalities are others from 2027 on


BAD_SPANS = {
    "no such period": ("from=2026-H3&until=2026-H2", [("query:from", "unknown-code")]),
    "not released": ("from=2026-H1&until=2027-H2", [("query:until", "unknown-code")]),
    "neither": (
        "from=2020-H1&until=2020-H2",
        [("query:from", "unknown-code"), ("query:until", "unknown-code")],
    ),
    "backwards": ("from=2026-H2&until=2026-H1", [("query:until", "no-span")]),
    "no last one": ("from=2026-H2", [("query:until", "required")]),
    "another dimension": ("from=2026-H1&until=2026-H2&form=SEXUAL", [("query:form", "unknown-field")]),
    "no such code": ("from=2026-H1&until=2026-H2&area=GM0001", [("query:area", "unknown-code")]),
    "something else": ("from=2026-H1&until=2026-H2&month=3", [("query:month", "unknown-field")]),
}


async def only_successive_published_periods_are_added_up(years: Years) -> None:
    for name, (query, faults) in BAD_SPANS.items():
        answer = await years.get(f"{SUMS}/{AGE}?{query}", client="analyst")
        assert answer.status_code == 400, name
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == faults, name
    assert (await years.get(f"{SUMS}/nothing?from=2026-H1&until=2026-H2")).status_code == 404


async def test_a_period_between_that_is_not_published_makes_no_sum(years: Years) -> None:
    await years.published("2025-H1", "2025-08-01")
    await years.compiled("2025-H2", "2026-02-01")
    await years.published("2026-H1", "2026-08-01")
    answer = await years.get(f"{SUMS}/{AGE}?from=2025-H1&until=2026-H1")
    assert [one["code"] for one in answer.json()["errors"]] == ["no-span"]


async def test_csv_by_its_own_address_is_the_same(years: Years) -> None:
    await years.post("2026-02-01", 20)
    table = f"{RELEASES}/{await years.published('2026-H1', '2026-08-01')}/tables/{AGE}"
    by_address = await years.get(f"{table}/csv", client="analyst")
    by_accept = await years.get(table, client="analyst", headers={"Accept": "text/csv"})
    assert by_address.content == by_accept.content
    assert by_address.headers["ETag"] == by_accept.headers["ETag"]
    links = by_address.headers["Link"], by_accept.headers["Link"]
    assert links == (
        '<csv-metadata>; rel="describedby"; type="application/csvm+json"',
        f'<{AGE}/csv-metadata>; rel="describedby"; type="application/csvm+json"',
    )
    for name in ("ETag", "Cache-Control"):
        again = {"If-None-Match": by_address.headers["ETag"]}
        unchanged = await years.get(f"{table}/csv", client="analyst", headers=again)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers[name] == by_address.headers[name]


async def test_every_reading_is_in_the_trail_with_what_was_read(years: Years) -> None:
    first = await years.published("2025-H2", "2026-02-01")
    second = await years.published("2026-H1", "2026-08-01")
    table = f"{RELEASES}/{second}/tables/{AGE}"
    one, none = [("release.read", second)], [("release.search", None)]
    for path, expected in {
        RELEASES: none,
        f"{RELEASES}/{second}": one,
        table: one,
        f"{table}?area=ALL": one,
        f"{table}/csv": one,
        f"{table}/csv-metadata": one,
        f"{SUMS}/{AGE}?from=2025-H2&until=2026-H1": [("release.read", first), ("release.read", second)],
    }.items():
        before = {entry.id for entry in await years.register.rows(AuditEntry)}
        assert (await years.get(path, client="analyst")).status_code == 200
        entries = [entry for entry in await years.register.rows(AuditEntry) if entry.id not in before]
        read = [(one.act, one.object_id) for one in entries if one.act.startswith("release.")]
        assert sorted(read) == sorted(expected), path


async def test_only_a_whole_csv_has_metadata(years: Years) -> None:
    """They give its address, and under that all cells are."""
    table = f"{RELEASES}/{await years.published('2026-H1', '2026-08-01')}/tables/{AGE}"
    for path, linked in ((f"{table}/csv", True), (f"{table}/csv?area=ALL", False)):
        assert ("Link" in (await years.get(path, client="analyst")).headers) == linked
    as_csv = {"Accept": "text/csv"}
    for path, linked in ((table, True), (f"{table}?area=ALL", False)):
        assert ("Link" in (await years.get(path, client="analyst", headers=as_csv)).headers) == linked


async def test_metadata_describes_every_csv(years: Years, tmp_path: Path) -> None:
    """A reader of CSV on the Web finds no fault in any table, and finds one in a table that is not as described."""
    await years.post("2026-02-01", 30)
    release = await years.published("2026-H1", "2026-08-01")
    tables = (await years.get(f"{RELEASES}/{release}")).json()["tables"]
    for name in (table["name"] for table in tables):
        path = f"{RELEASES}/{release}/tables/{name}"
        content = await years.get(f"{path}/csv", client="analyst")
        described = await years.get(f"{path}/csv-metadata", client="analyst")
        assert described.headers["Content-Type"] == "application/csvm+json"
        (tmp_path / "csv").write_bytes(content.content)
        (tmp_path / "csv-metadata").write_bytes(described.content)
        assert CSVW(str(tmp_path / "csv-metadata"), validate=True).is_valid, name
    told = described.json()
    assert told["dc:temporal"] == "2026-01-01/2026-06-30"
    assert {one["@language"] for one in told["dc:title"]} == {"nl", "en"}
    (tmp_path / "csv").write_bytes(content.content.replace(b'"', b"").replace(b",<10", b"x,<10"))
    assert not CSVW(str(tmp_path / "csv-metadata"), validate=True).is_valid


async def test_each_table_says_what_it_counts_of_what_and_from_where(years: Years) -> None:
    told = (await years.get("/v1/statistics/definitions")).json()
    assert told["menuVersion"] == MENUS[-1].version == 3
    assert len(told["tables"]) == 19
    for table in told["tables"]:
        for text in ("title", "numerator", "denominator", "period", "source"):
            assert all(table[text][language] for language in ("nl", "en"))
    units = {table["population"]: table["unit"] for table in told["tables"]}
    assert units == {
        "VICTIMS": "persons",
        "OFFENDERS": "persons",
        "SIGNALS": "signals",
        "ORGANISATIONS": "organisations",
    }


async def test_national_figures_come_with_year_and_source(years: Years) -> None:
    items = (await years.get("/v1/statistics/national-figures", client="analyst")).json()["items"]
    assert all(one["year"] and one["source"] for one in items)
    (total,) = [one for one in items if (one["year"], one["measure"]) == ("2017", "victims_total")]
    assert total["value"] == figure("comensha_counts", year="2017", measure="victims_total")
    assert [one["year"] for one in items] == sorted((one["year"] for one in items), reverse=True)
    assert {one["measure"] for one in items} > {"victims_minors", "reports_by_reporter"}


def test_a_later_menu_does_not_change_a_period_that_has_begun() -> None:
    now = MENUS[-1]
    later = Menu(now.version + 1, date(2027, 1, 1), {})
    menus = (*MENUS, later)
    for day, menu in ((date(2026, 7, 1), now), (date(2026, 12, 31), now), (date(2027, 1, 1), later)):
        assert menu_on(day, menus) is menu


def test_a_menu_that_is_changed_is_a_new_version() -> None:
    """What a menu holds never changes: whoever changes it makes a new version, and adds its sum here."""
    sums = {
        menu.version: sha256(
            json.dumps(
                [
                    [population.code, table.code, table.dimensions, table.column.codes, table.level]
                    for population in menu.populations.values()
                    for table in population.tables
                ]
            ).encode()
        ).hexdigest()[:12]
        for menu in MENUS
    }
    assert sums == {3: "47bd047759ae"}
