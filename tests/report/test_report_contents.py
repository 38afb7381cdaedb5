"""What stands on the page: the released numbers, all of them that are shown, and none that is hidden."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from service.report import words
from service.report.words import Language, read_file
from service.statistics.models import ReleaseCell
from service.vocabulary.lists import codes, label
from tests.support.pages import Block, blocks, by_class, numbers, parsed, text_of
from tests.support.register import Register
from tests.support.released import BEFORE, EMPTY, PERIOD, POOR, RICH, Releases

WHOLE = "ALL"
REGIONS = (RICH, POOR, EMPTY, WHOLE)
LANGUAGES = ("nl", "en")
OUTCOMES = "signals-by-region-and-outcome"
# The blocks by the name of their title: the table that they show, and the code list of its columns.
SHOWN = {
    "by_form": ("victims-by-municipality-and-form", "form_group"),
    "by_setting": ("victims-by-region-and-setting", "setting"),
    "victims_by_gender": ("victims-by-municipality-and-gender", "gender_group"),
    "victims_by_age": ("victims-by-municipality-and-age", "age_group"),
    "offenders_by_gender": ("offenders-by-municipality-and-gender", "gender_group"),
    "offenders_by_age": ("offenders-by-municipality-and-age", "age_group"),
    "by_organisation": ("organisations-by-region-and-type-of-reporter", "org_type"),
    "outcomes": ("signals-by-region-and-outcome", "outcome_group"),
    "feedback": ("signals-by-region-and-feedback", "feedback_term"),
    "by_reporter": ("signals-by-region-and-type-of-reporter", "org_type"),
}
AREAS = {"victims_by_area": "VICTIMS", "offenders_by_area": "OFFENDERS"}
KEY_TABLES = ("by_form", "offenders_by_age", "by_reporter", "by_organisation")


@dataclass
class Read:
    """A page beside the tables of the API: `cells[table][row, column]` has a number or a status."""

    page: Any
    html: str
    language: Language
    region: str
    cells: dict[str, dict[tuple[str, str], int | str]]

    def text(self, name: str, **values: object) -> str:
        return words.texts(self.language)[name].format(**values)

    def block(self, name: str) -> Block:
        return blocks(self.page)[self.text(name)]

    def written(self, table: str, column: str = "TOTAL", row: str | None = None) -> str:
        value = self.cells[table][row or self.region, column]
        hidden = {"<10": self.text("fewer"), "withheld": self.text("withheld")}
        return words.number(value, self.language) if isinstance(value, int) else hidden[value]


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=REGIONS)
def region(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def read(reported: Register, releases: Releases, region: str, language: Language) -> Read:
    headers = await reported.headers("analyst")
    path = releases.path(region)
    answer = await reported.http.get(path, params={"language": language}, headers=headers)
    assert answer.status_code == 200, answer.text
    cells: dict[str, dict[tuple[str, str], int | str]] = {}
    for name in {table for table, _ in SHOWN.values()} | {OUTCOMES}:
        table = (await reported.http.get(f"{path.rsplit('/', 3)[0]}/tables/{name}", headers=headers)).json()
        row, column = table["dimensions"]
        cells[name] = {(c[row], c[column]): c["value"] or c["status"] for c in table["cells"]}
    return Read(parsed(answer.text), answer.text, language, region, cells)


def test_every_number_of_a_table_on_the_page_is_the_released_one(read: Read) -> None:
    for name, (table, code_list) in SHOWN.items():
        block, total = read.block(name), read.cells[table][read.region, "TOTAL"]
        if total == "<10":
            assert (block.rows, block.chart) == ({}, None)
            assert read.text("all_fewer") in block.text
            continue
        rest = [row for row in block.rows if row in _rests(read)]
        for code in codes(code_list):
            its = block.rows.get(label(code_list, code, read.language))
            if its is None:
                assert rest, (name, code)
                assert read.cells[table][read.region, code] in ("<10", "withheld")
            else:
                assert its[0] == read.written(table, code), (name, code)
        assert block.rows[read.text("total")][0] == read.written(table)
        assert all(block.rows[row][0] in (read.text("fewer"), read.text("withheld")) for row in rest)


def _rests(read: Read) -> set[str]:
    return {read.text(name) for name in ("rest_fewer", "rest_all", "rest_withheld")}


async def test_every_area_of_the_region_has_the_released_total(
    read: Read, reported: Register, releases: Releases
) -> None:
    headers = await reported.headers("analyst")
    release = (await reported.http.get(releases.path().rsplit("/", 3)[0], headers=headers)).json()
    tables = {"VICTIMS": "victims-by-municipality-and-form", "OFFENDERS": "offenders-by-municipality-and-age"}
    for population, table in tables.items():
        its = {
            a["code" if read.region != WHOLE else "region"]
            for a in release["areas"]
            if _is_in(a, read, population)
        }
        if not its:
            assert read.text("undivided") in read.block("by_area").text
            continue
        rows = read.block(f"{population.lower()}_by_area").rows
        for area in its:
            written = rows.get(words.place(area, read.language), [read.text("fewer")])[0]
            assert written == read.written(table, row=area), area
        assert rows[read.text("total")][0] == read.written(table)


def _is_in(area: dict[str, Any], read: Read, population: str) -> bool:
    """Whether it is a row below the region; of the whole register that is every region."""
    below = read.region == WHOLE or (area["region"] == read.region and area["code"] != read.region)
    return below and area["population"] == population


def test_the_key_figures_are_those_of_the_release(read: Read) -> None:
    totals = [read.cells[SHOWN[name][0]][read.region, "TOTAL"] for name in KEY_TABLES]
    tiles = [text_of(tile) for tile in next(by_class(read.page, "tiles"))]
    summary = text_of(next(by_class(read.page, "summary")))

    spoken = [
        read.text("spoken_fewer")
        if isinstance(total, str)
        else read.text("about", number=words.number(total, read.language))
        for total in totals
    ]
    assert all(text in tile for text, tile in zip(spoken, tiles, strict=True))
    told = spoken[:3]  # organisations stand beside the sentence
    assert [summary.count(text) for text in told] == [told.count(text) for text in told]
    year = [2026]
    assert sorted(set(numbers(summary)) - set(year)) == sorted(
        {t if isinstance(t, int) else 10 for t in totals[:3]}
    )


def test_the_funnel_reckons_with_what_is_shown_and_nothing_else(read: Read) -> None:
    cells = {column: value for (row, column), value in read.cells[OUTCOMES].items() if row == read.region}
    block = read.block("funnel")
    if cells["TOTAL"] == "<10":
        assert block.rows == {}
        return
    left: Any = cells["TOTAL"]
    told = {"RECEIVED": left}
    for waiting, step in (("RECEIVED", "DECIDED"), ("DECIDED", "CLOSED")):
        known = isinstance(left, int) and isinstance(cells[waiting], int)
        left = left - cells[waiting] if known else "unknown"
        left = "fewer" if isinstance(left, int) and left < 10 else left
        told[step] = left
    told["HELPED"] = {"<10": "fewer"}.get(str(cells["HELP"]), cells["HELP"])
    for (step, value), most in zip(told.items(), (4, 8, 12, 4), strict=True):
        written, off = block.rows[read.text(f"step_{step}")]
        shown = isinstance(value, int)
        assert written == (words.number(value, read.language) if shown else read.text(str(value)))
        assert off == (read.text("off", most=most) if shown else "–")


def test_a_chart_holds_no_number_that_the_table_beside_it_does_not_show(read: Read) -> None:
    drawn = [block for block in blocks(read.page).values() if block.chart is not None]
    assert len(drawn) == {RICH: 14, WHOLE: 14, POOR: 1, EMPTY: 1}[read.region]
    for block in drawn:
        assert block.chart is not None
        beside = {cell for cells in block.rows.values() for cell in cells}
        texts = {kind: _texts(block.chart, kind) for kind in ("number", "hidden", "label")}
        bars = list(block.chart.iter("rect"))
        assert set(texts["number"]) <= beside
        assert set(texts["hidden"]) <= {read.text("fewer"), read.text("withheld"), read.text("unknown")}
        assert len(bars) == len(texts["number"])
        assert len(texts["label"]) >= len(bars) + len(texts["hidden"])
        lengths = [
            float(bar.attrib["width"]) / numbers(text)[0]
            for bar, text in zip(bars, texts["number"], strict=True)
        ]
        assert max(lengths) - min(lengths) < 0.02 * max(lengths), block.title
        _only_shapes(block.chart)


def _texts(chart: Any, kind: str) -> list[str]:
    return [text_of(text) for text in chart.iter("text") if text.get("class") == kind]


def _only_shapes(chart: Any) -> None:
    """Nothing but bars and texts, at places; and no number in any attribute but as a place."""
    assert set(chart.attrib) == {"class", "viewbox", "role", "aria-label"}
    assert (chart.get("role"), bool(chart.get("aria-label"))) == ("img", True)
    for node in chart:
        assert node.tag in ("rect", "text")
        assert len(node) == 0
        assert set(node.attrib) <= {"class", "x", "y", "width", "height"}


async def test_no_hidden_number_is_anywhere(read: Read, reported: Register) -> None:
    """Numbers that count are in cells, charts, tiles and sentences; the hidden ones (0 and 5) are in none of these."""
    told = [text_of(node) for node in read.page.iter("td")]
    told += [text_of(node) for node in read.page.iter("text") if node.get("class") != "label"]
    told += [
        text_of(node) for name in ("tiles", "summary", "lead", "note") for node in by_class(read.page, name)
    ]
    found = {number for text in told if not text.endswith("%") for number in numbers(text)}
    async with reported.database.reading() as session:
        rounded: Any = ReleaseCell.rounded
        small = select(rounded).where(ReleaseCell.status == "<10").distinct()  # type: ignore[arg-type]
        values = set(await session.scalars(small))
    assert values == {0, 5}
    assert not values & (found - _of_sources(read))


def _of_sources(read: Read) -> set[int]:
    """Numbers in what sources of national figures are called."""
    rows = read.block("national_table").rows.values()
    return {number for cells in rows for number in numbers(cells[-1])} - {0, 5}


def test_shares_are_of_shown_numbers_of_fifty_or_more(read: Read) -> None:
    for name, (table, _) in SHOWN.items():
        total = read.cells[table][read.region, "TOTAL"]
        for label_, cells in read.block(name).rows.items():
            shares = [cell for cell in cells if cell.endswith("%")]
            if shares:
                assert isinstance(total, int)
                assert total >= 50
                (share,) = numbers(shares[0])
                assert abs(share - 100 * numbers(cells[0])[0] / total) <= 0.5, (name, label_)


async def test_both_languages_hold_the_same_numbers(
    reported: Register, releases: Releases, region: str
) -> None:
    pages = []
    for language in LANGUAGES:
        answer = await reported.http.get(
            releases.path(region), params={"language": language}, headers=await reported.headers("analyst")
        )
        page = parsed(answer.text)
        cells = [text_of(node) for node in page.iter("td")]
        charts = [text_of(node) for node in page.iter("text") if node.get("class") == "number"]
        pages.append([numbers(text) for text in cells + charts])
        assert page.get("lang") == language
    assert pages[0] == pages[1]


def test_the_page_is_whole_in_its_language(read: Read) -> None:
    text = text_of(next(read.page.iter("body")))
    assert "{" not in text
    assert "None" not in text
    other = words.texts("en" if read.language == "nl" else "nl")
    for name in ("caveats", "reading_fewer", "certificate_cube", "tables_lead", "how_many", "subject"):
        assert read.text(name) in text, name
        assert other[name] not in text, name
    assert read.text("national_lead") in text
    assert read.text("period_H1", year=2026) in text_of(next(read.page.iter("title")))


def test_nothing_is_fetched_from_elsewhere(read: Read) -> None:
    assert "://" not in read.html
    assert {node.tag for node in read.page.iter()} & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "form",
    } == set()
    assert not any(
        name.startswith("on") or name in ("style", "src") for n in read.page.iter() for name in n.attrib
    )
    paths = [node.get("href", "") for node in read.page.iter("a")]
    assert all(path.startswith(("#", "?language=", "/v1/statistics/releases/")) for path in paths)
    ids = [node.get("id") for node in read.page.iter() if node.get("id")]
    assert len(set(ids)) == len(ids)
    assert {path[1:] for path in paths if path.startswith("#")} <= set(ids)


async def test_the_tables_that_the_page_links_are_there(reported: Register, releases: Releases) -> None:
    headers = await reported.headers("analyst")
    page = parsed((await reported.http.get(releases.path(), headers=headers)).text)
    paths = [node.attrib["href"] for node in page.iter("a") if "/tables/" in node.get("href", "")]
    release = (await reported.http.get(releases.path().rsplit("/", 3)[0], headers=headers)).json()
    names = [table["name"] for table in release["tables"]]
    assert [path.partition("/tables/")[2] for path in paths] == [
        address for name in names for address in (name, f"{name}/csv")
    ]
    for path in paths:
        assert (await reported.http.get(path, headers=headers)).status_code == 200


async def test_the_trend_has_published_releases_up_to_this_one(
    reported: Register, releases: Releases
) -> None:
    async def trend(period: str, client: str) -> Block:
        headers = await reported.headers(client)
        answer = await reported.http.get(releases.path(period=period), headers=headers)
        return blocks(parsed(answer.text))[words.texts("nl")["trend"]]

    assert words.texts("nl")["no_trend"] in (await trend(BEFORE, "analyst")).text
    shown = (await trend(PERIOD, "analyst")).rows
    assert list(shown) == ["tweede helft van 2025", "eerste helft van 2026"]
    drafted = (await trend("2026-H2", "administrator")).rows
    assert list(drafted) == [*shown, "tweede helft van 2026"]
    assert drafted["eerste helft van 2026"] == shown["eerste helft van 2026"]
    assert drafted["tweede helft van 2026"] == ["< 10"] * 3


def test_every_text_is_there_in_both_languages_and_is_used() -> None:
    dutch, english = words.texts("nl"), words.texts("en")
    assert set(dutch) == set(english)
    assert all(text.strip() for text in (*dutch.values(), *english.values()))
    source = "".join(
        read_file(name)
        for name in ("sections.py", "opening.py", "tables.py", "words.py", "templates/report.html")
    )
    built = (
        "period_",
        "step_",
        "tile_",
        "definition_",
        "victims_",
        "offenders_",
        "column_",
        "reading_",
        "release_",
    )
    unused = [name for name in dutch if f'"{name}"' not in source and not name.startswith(built)]
    assert unused == []
