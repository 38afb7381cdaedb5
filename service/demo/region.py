"""The regional table and report: compiled by one person, published by another, read by the analyst. A scene of the
demo."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.client.connection import Connection
from service.demo.screen import Screen
from service.vocabulary.lists import codes, label

PERIOD = "2026-H1"
REPORTS = Path("var/demo")
SHOWN = ("victims-by-municipality-and-form", "victims-by-municipality-and-age")
REGION, ALONE, REST = "VR22", "GM0794", "VR22-OTHER"


async def the_region_is_counted(clients: dict[str, Connection], screen: Screen) -> None:
    """From a closed half-year to a table and its CSV."""
    screen.chapter(
        "The regional table",
        "The closed half-year is counted once, rounded so that nobody can be found in it, frozen by one person "
        "and published by another. Everybody reads the same numbers.",
    )
    path = f"/v1/statistics/releases/{await _compiled(clients['administrator'])}"
    compiled = await clients["administrator"].get(path)
    await clients["administrator-deputy"].call("POST", f"{path}/publication")
    release = await clients["analyst"].get(path)
    for table in (one for one in release["tables"] if one["name"] in SHOWN):
        cells = (await clients["analyst"].get(f"{path}/tables/{table['name']}"))["cells"]
        area, category = table["dimensions"]
        _show_table(screen, table["title"]["en"], cells, area, category)
    csv = await clients["analyst"].get_text(f"{path}/tables/{table['name']}", "text/csv")
    screen.say("The same as CSV, for a BI tool:\n  " + "\n  ".join(csv.splitlines()[:3]))
    proofs = ", ".join(f"{one['audited']} of {one['population'].lower()}" for one in compiled["certificate"])
    screen.say(
        f"\n{len(release['tables'])} tables; small numbers in which the register could find nobody: {proofs}."
    )
    screen.say(f"[italic]{compiled['caveats'][0]['en']}[/]")
    await _the_report(clients["analyst"], path, screen)


async def _the_report(analyst: Connection, path: str, screen: Screen) -> None:
    """The report of the region in both languages, kept as files: the server ends with the demo."""
    address = f"{path}/regions/{REGION}/report"
    screen.say(f"\nThe regional report is one page: GET {address}, ?language=nl or en. It was written to:")
    for language in ("nl", "en"):
        page = await analyst.get_text(f"{address}?language={language}", "text/html")
        screen.address(_kept(page, language))


def _kept(page: str, language: str) -> str:
    """Where the page lies from now on."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    file = REPORTS / f"report-{REGION}-{PERIOD}-{language}.html"
    file.write_text(page, encoding="utf-8")
    return file.resolve().as_uri()


async def _compiled(administrator: Connection) -> str:
    """Ask for the release and wait until the register's job has made it."""
    asked = await administrator.call("POST", "/v1/statistics/releases", json={"period": PERIOD})
    while "endedAt" not in asked:
        await asyncio.sleep(0.2)
        asked = await administrator.get(f"/v1/statistics/compilations/{asked['id']}")
    if "problem" in asked:
        raise RuntimeError(f"the release was not compiled: {asked['problem']}")
    return str(asked["release"])


def _show_table(
    screen: Screen, title: str, cells: Sequence[dict[str, Any]], area: str, category: str
) -> None:
    """The rows of the region and of the whole register."""
    code_list = f"{category}_group"
    head = ["Total", *(label(code_list, code) for code in codes(code_list))]
    names = {
        REGION: "Brabant-Zuidoost",
        ALONE: "  Helmond",
        REST: "  other municipalities",
        "ALL": "whole register",
    }
    rows = [(name, [cell for cell in cells if cell[area] == code]) for code, name in names.items()]
    screen.released(
        f"{title}, {PERIOD} (rounded to 5; '< 10' includes none)", [row for row in rows if row[1]], head
    )
