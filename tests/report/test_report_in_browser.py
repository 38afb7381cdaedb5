"""The report in a real browser, from a real server: on a phone, on a desk, on paper, in both languages.

Pictures of every page are left in the folder REPORT_PICTURES, if that is set.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from service.report.charts import bar_chart
from service.report.models import Bar
from service.report.words import read_file
from service.vocabulary.lists import code_lists
from tests.support import browser as browsers
from tests.support.register import Register, calling, server
from tests.support.released import POOR, RICH, Releases

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
SMALLEST = {"width": 320, "height": 640}
A4 = {"width": 672, "height": 1009}  # what the margins of the page leave, in CSS pixels
SIZES = {"phone": PHONE, "desk": DESK}
MOST_SHEETS = 8
# Everything that is shown and does not fit: wider than the window, or wider than what it stands in.
OVERFLOWING = """() => [...document.body.querySelectorAll("*")].filter(node => {
  const box = node.getBoundingClientRect();
  const unseen = node.closest("caption, .unseen, .skip");
  const shown = box.width > 0 && !unseen && !node.closest("svg");
  return shown && (box.right > document.documentElement.clientWidth + 0.5 || box.left < -0.5
    || node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== "inline");
}).map(node => node.outerHTML.slice(0, 120))"""
# Texts of charts that leave their drawing or meet another text.
CUT_LABELS = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const texts = [...svg.querySelectorAll("text")].map(text => [text, text.getBBox()]);
  return texts.filter(([text, box]) => box.x < -0.5 || box.y < -3 || box.x + box.width > width
    || box.y + box.height > height + 3 || texts.some(([other, its]) => other !== text
      && box.x < its.x + its.width && its.x < box.x + box.width
      && box.y + 4 < its.y + its.height && its.y + 4 < box.y + box.height))
    .map(([text]) => text.textContent);
})"""


@dataclass
class Site:
    """A server with releases, a browser, and the headers that let it in."""

    url: str
    browser: Browser
    register: Register
    releases: Releases

    @asynccontextmanager
    async def open(
        self,
        language: str,
        size: dict[str, int],
        *,
        region: str = RICH,
        scripts: bool = True,
        media: Any = "screen",
    ) -> AsyncIterator[Page]:
        """The report, loaded; whatever else it asks for, or complains of, is a failure."""
        headers = await self.register.headers("analyst")
        context = await self.browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            extra_http_headers=headers,
            java_script_enabled=scripts,
        )
        page = await context.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        await page.emulate_media(media=media)
        url = f"{self.url}{self.releases.path(region)}?language={language}"
        answer = await page.goto(url)
        assert answer is not None
        assert answer.status == 200
        yield page
        assert asked == [url]
        assert complaints == []
        await context.close()


@pytest.fixture(scope="module")
async def site(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with server(releases.database_url, folder, jobs=False) as running:
        async with (
            calling(running.url, releases.database_url, releases.loaded) as register,
            browsers.browser() as browser,
        ):
            yield Site(running.url, browser, register, releases)


@pytest.fixture(params=("nl", "en"))
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("REPORT_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("region", [RICH, POOR, "ALL"])
@pytest.mark.parametrize("size", SIZES)
async def test_the_page_needs_no_script(
    site: Site, language: str, size: str, region: str, pictures: Path
) -> None:
    async with site.open(language, SIZES[size], region=region, scripts=False) as page:
        await page.screenshot(path=pictures / f"report-{region}-{language}-{size}.png", full_page=True)
        assert await page.locator("h1").is_visible()
        assert await page.locator("svg").count() == {RICH: 14, POOR: 1, "ALL": 14}[region]


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("region", [RICH, POOR])
async def test_axe_finds_nothing(site: Site, language: str, size: str, media: str, region: str) -> None:
    async with site.open(language, SIZES[size], region=region, media=media) as page:
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert len(found.response["passes"]) > 20
        # What axe cannot decide by itself: nothing may be left but texts over the charts' bars.
        assert {one["id"] for one in found.response["incomplete"]} <= {"color-contrast"}


@pytest.mark.parametrize("region", [RICH, POOR, "ALL"])
@pytest.mark.parametrize(
    ("size", "media"), [(SMALLEST, "screen"), (PHONE, "screen"), (DESK, "screen"), (A4, "print")]
)
async def test_nothing_is_cut_off(
    site: Site, language: str, size: dict[str, int], media: str, region: str
) -> None:
    async with site.open(language, size, region=region, media=media) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert await page.evaluate(OVERFLOWING) == []
        assert await page.evaluate(CUT_LABELS) == []


async def test_no_label_of_any_code_list_is_cut() -> None:
    charts = [
        bar_chart([Bar(label, 1335, "1.335") for label in (code.label_nl, code.label_en)], code.code)
        for name in ("form_group", "setting", "org_type", "age_group", "gender_group", "outcome_group")
        for code in code_lists()[name].values()
    ]
    async with browsers.browser() as browser:
        page = await browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
        await page.set_content(
            f"<style>{read_file('templates/report.css')}</style>{''.join(map(str, charts))}"
        )
        assert await page.locator("svg").count() == len(charts)
        assert await page.evaluate(CUT_LABELS) == []


@pytest.mark.parametrize("region", [RICH, POOR, "ALL"])
async def test_it_is_printed_on_a_few_sheets(site: Site, language: str, region: str, pictures: Path) -> None:
    async with site.open(language, DESK, region=region, scripts=False, media="print") as page:
        file = pictures / f"report-{region}-{language}.pdf"
        printed = await page.pdf(path=file, format="A4", prefer_css_page_size=True, tagged=True)
        sheets = len(re.findall(rb"/Type\s*/Page\b", printed))
        assert 2 < sheets <= MOST_SHEETS
        assert b"/StructTreeRoot" in printed


async def test_the_keyboard_finds_the_content_first(site: Site) -> None:
    async with site.open("nl", PHONE) as page:
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert await focused.text_content() == "Naar de inhoud"
        box = await focused.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('main') !== null")


async def test_the_headings_have_no_gap(site: Site, language: str) -> None:
    async with site.open(language, DESK) as page:
        levels = await page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
        tables = await page.evaluate(
            "[...document.querySelectorAll('table')].map(t => [!!t.caption.textContent.trim(),"
            " [...t.querySelectorAll('th')].every(h => h.scope)])"
        )
        assert len(tables) == 14
        assert all(map(all, tables))


async def test_another_process_makes_the_same_bytes(site: Site, reported: Register, language: str) -> None:
    path = f"{site.releases.path()}?language={language}"
    elsewhere, here = await asyncio.gather(
        site.register.http.get(path, headers=await site.register.headers("analyst")),
        reported.http.get(path, headers=await reported.headers("analyst")),
    )
    assert elsewhere.content == here.content


def test_a_machine_without_a_browser_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(browsers.NoBrowser, match="apt-get install chromium"):
        browsers.executable()
