"""The page from material that is made up: what is withheld, drafts, organisations, odd texts; and its charts."""

import subprocess
import sys
import uuid
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from service.report import words
from service.report.charts import ACROSS, bar_chart
from service.report.models import Amount, Bar, Cell, Earlier, Material, ReleaseFacts
from service.report.page import page_of
from service.report.sections import ORGANISATIONS, OUTCOMES
from service.statistics.grid import TOTAL
from service.statistics.menu import MENU
from service.vocabulary.lists import code_lists
from tests.support.pages import blocks, by_class, parsed, text_of

ROOT = Path(__file__).parents[2]
RELEASE = ReleaseFacts(
    id=uuid.UUID("01900000-0000-7000-8000-000000000000"),
    period="2026-Q2",
    first=date(2026, 4, 1),
    last=date(2026, 6, 30),
    compiled_at=datetime(2026, 8, 1, 12, tzinfo=UTC),
    published_at=datetime(2026, 8, 3, 12, tzinfo=UTC),
    menu_version=2,
    proofs=(("VICTIMS", "rounded", 1200), ("OFFENDERS", "without-whole-tables", 34)),
    tables=("victims-by-municipality-and-form",),
)


def material(shown: dict[tuple[str, str], int | str], **changes: Any) -> Material:
    """A region whose cells are `<10` but for those that are named, by table and column."""
    cells = []
    for population in MENU.values():
        for table in (one for one in population.tables if one.row is None):
            for column in (TOTAL, *table.column.codes):
                told = shown.get((table.code, column), "<10")
                value, status = (told, "rounded5") if isinstance(told, int) else (None, told)
                cells.append(Cell(table.code, "VR22", column, value, status))
    made = Material(RELEASE, "VR22", (("VICTIMS", ()), ("OFFENDERS", ())), tuple(cells), ())
    return replace(made, **changes)


def page(made: Material, language: words.Language = "nl") -> Any:
    return parsed(page_of(made, language).decode())


FORMS = "victims-by-municipality-and-form"


def test_of_a_withheld_row_only_the_total_is_there() -> None:
    withheld: dict[tuple[str, str], int | str] = {
        (FORMS, code): "withheld" for code in code_lists()["form_group"]
    }
    block = blocks(page(material({**withheld, (FORMS, TOTAL): 120})))["Mogelijke slachtoffers naar vorm"]
    assert block.rows.pop("Totaal") == ["120"]
    assert set(map(tuple, block.rows.values())) == {("niet getoond",)}
    assert block.chart is None


FUNNELS: dict[str, tuple[dict[str, int], list[list[str]]]] = {
    "all of it": (
        {"TOTAL": 100, "RECEIVED": 40, "DECIDED": 30, "HELP": 20},
        [["100", "4"], ["60", "8"], ["30", "12"], ["20", "4"]],
    ),
    "few are left": (
        {"TOTAL": 100, "RECEIVED": 40, "DECIDED": 55},
        [["100", "4"], ["60", "8"], ["< 10", ""], ["< 10", ""]],
    ),
    "who waits is hidden": (
        {"TOTAL": 100, "DECIDED": 30, "HELP": 50},
        [["100", "4"], ["niet bekend", ""], ["niet bekend", ""], ["50", "4"]],
    ),
}


@pytest.mark.parametrize(("numbers", "told"), FUNNELS.values(), ids=FUNNELS.keys())
def test_a_step_of_the_funnel_is_told_as_far_as_those_who_wait_are_shown(
    numbers: dict[str, int], told: list[list[str]]
) -> None:
    shown = page(material({(OUTCOMES, code): value for code, value in numbers.items()}))
    rows = blocks(shown)["Van signaal naar hulp"].rows.values()
    off = [[cells[0], "".join(filter(str.isdigit, cells[1]))] for cells in rows]
    assert off == told


def test_how_many_organisations_reported_is_told_where_the_release_has_it() -> None:
    unknown = "Hoeveel organisaties er meldden, staat niet in deze uitgave."
    without = tuple(cell for cell in material({}).cells if cell.table != ORGANISATIONS)
    assert unknown in text_of(page(material({}, cells=without)))
    told = [Cell(ORGANISATIONS, "VR22", code, None, "<10") for code in code_lists()["org_type"]]
    told += [Cell(ORGANISATIONS, "VR22", TOTAL, 15, "rounded5")]
    known = page(replace(material({}), cells=(*without, *told)))
    assert unknown not in text_of(known)
    assert "In het tweede kwartaal van 2026 meldden in Brabant-Zuidoost ongeveer 15 organisaties." in text_of(
        known
    )
    assert text_of(list(by_class(known, "tiles"))[0][3]).startswith("Organisaties die meldden ongeveer 15")
    assert blocks(known)["Organisaties die meldden, naar soort"].rows == {
        "Alle categorieën: elk minder dan 10, of geen": ["< 10"],
        "Totaal": ["15"],
    }


def test_of_the_whole_register_organisations_are_told_to_be_counted_by_region() -> None:
    shown: dict[tuple[str, str], int | str] = {(ORGANISATIONS, TOTAL): 15}
    for region, by_region in (("VR22", False), ("ALL", True)):
        cells = tuple(replace(cell, row=region) for cell in material(shown).cells)
        text = text_of(page(material({}, region=region, cells=cells)))
        assert "ongeveer 15 organisaties" in text
        assert ("wie uit meer regio’s meldt, telt vaker" in text) == by_region


def test_the_release_is_told_of_in_plain_words() -> None:
    text = text_of(page(material({})))
    assert "tweede kwartaal van 2026: 1 april 2026 tot en met 30 juni 2026" in text
    assert "3 augustus 2026" in text
    assert "(1.234 getallen)" in text
    assert words.texts("nl")["certificate_cube"] not in text
    proved = replace(RELEASE, proofs=(("VICTIMS", "rounded-with-cube", 7),))
    assert words.texts("nl")["certificate_cube"] in text_of(page(material({}, release=proved)))
    unproved = replace(RELEASE, proofs=(("VICTIMS", "none", 0),))
    assert words.texts("nl")["certificate_none"] in text_of(page(material({}, release=unproved)))


def test_a_trend_has_the_words_of_its_periods() -> None:
    earlier = Earlier("2026-Q1", (("VICTIMS", Amount(40, "rounded5")), ("SIGNALS", Amount(None, "<10"))))
    rows = blocks(page(material({(FORMS, TOTAL): 55}, earlier=(earlier,))))[
        "Mogelijke slachtoffers door de tijd"
    ].rows
    assert rows == {
        "eerste kwartaal van 2026": ["40", "niet bekend", "< 10"],
        "tweede kwartaal van 2026": ["55", "< 10", "< 10"],
    }


def test_texts_go_into_the_page_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = '<b onclick="x()">&amp; "Ede"</b>'
    for name in ("subject", "by_form", "total", "column_form_group", "in_whole_register", "tile_signals"):
        monkeypatch.setitem(words.texts("nl"), name, odd)  # type: ignore[arg-type]
    made = material({(FORMS, TOTAL): 120, (FORMS, "SEXUAL"): 60}, region="VR22")
    html = page_of.__wrapped__(made, "nl").decode()
    assert "<b" not in html.replace("<body", "").replace("<base", "")
    assert text_of(parsed(html)).count(odd) >= 4


def test_the_same_material_is_the_same_page() -> None:
    made = material({(FORMS, TOTAL): 120, (FORMS, "SEXUAL"): 60})
    assert page_of.__wrapped__(made, "nl") == page_of.__wrapped__(
        material({(FORMS, TOTAL): 120, (FORMS, "SEXUAL"): 60}), "nl"
    )
    assert page_of(made, "nl") is page_of(made, "nl")
    draft = replace(made, release=replace(RELEASE, published_at=None))
    assert page_of(draft, "nl") != page_of(made, "nl")


def test_no_label_of_a_chart_is_cut() -> None:
    for name in ("form_group", "setting", "org_type", "age_group", "outcome_group"):
        labels = [code.label_nl for code in code_lists()[name].values()]
        drawn = parsed(bar_chart([Bar(one, 15, "15") for one in labels], "a & <b>") or "")
        lines = [text_of(text) for text in drawn.iter("text") if text.get("class") == "label"]
        assert sorted(" ".join(lines).split()) == sorted(" ".join(labels).split())
        assert all(len(line) <= ACROSS for line in lines)
        assert drawn.get("aria-label") == "a & <b>"


def test_a_hidden_number_has_a_text_and_no_bar() -> None:
    drawn = parsed(bar_chart([Bar("a", 40, "40"), Bar("b", None, "< 10"), Bar("c", 80, "80")], "x") or "")
    assert [float(bar.attrib["width"]) for bar in drawn.iter("rect")] == pytest.approx(
        [width := float(next(drawn.iter("rect")).attrib["width"]), 2 * width], abs=0.2
    )
    assert [text_of(text) for text in drawn.iter("text")] == ["40", "a", "< 10", "b", "80", "c"]
    assert bar_chart([Bar("a", None, "< 10")], "x") is None


def test_the_files_of_the_page_are_in_the_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        f"service/report/{name}"
        for name in ("data/texts.csv", "templates/report.html", "templates/report.css")
    } <= names
