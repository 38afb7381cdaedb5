"""Naive variants of the register: what the attacks win against, over the same truth.

Each is a small application that counts live and lets anybody filter as they like: exact but for small counts, with
noise drawn for every answer, or rounded. Another kind is a release of exact numbers with the small ones hidden. Called
by the tests to show that an attack can win; never part of the register.
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from service.vocabulary.municipalities import region_of
from tests.attacks.reading import TOTAL, Number, Release, Shown, Table, number_of
from tests.attacks.truth import Unit

Shows = Callable[[int], int | None]
FEWEST_SHOWN = 5


def hiding_small(count: int) -> int | None:
    """Exact, but nothing under five."""
    return count if count >= FEWEST_SHOWN else None


def with_noise() -> Shows:
    """Up to two more or less, drawn anew for every answer."""
    drawn = random.Random(5)
    return lambda count: count + drawn.randint(-2, 2)


def rounded(count: int) -> int:
    """The nearest multiple of five."""
    return 5 * round(count / 5)


def counting(units: Iterable[Unit], releases: Sequence[Release], shows: Shows) -> httpx.AsyncClient:
    """A client of an application that counts what it is asked to."""
    kept = list(units)
    areas = {release.period: release.areas for release in releases}
    index: dict[tuple[str, str], set[int]] = {}
    for place, unit in enumerate(kept):
        for code in (("population", unit.population), *_codes(unit, areas)):
            index.setdefault(code, set()).add(place)

    async def count(request: Request) -> JSONResponse:
        asked: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            asked.setdefault(name, []).append(value)
        since, until = (date.fromisoformat(asked.pop(name)[0]) for name in ("since", "until"))
        chosen = [
            set().union(*(index.get((name, code), set()) for code in its)) for name, its in asked.items()
        ]
        found = sum(since <= kept[place].day <= until for place in set.intersection(*chosen))
        return JSONResponse({"value": shows(found)})

    app = Starlette(routes=[Route("/count", count)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://naive")


def _codes(unit: Unit, areas: Mapping[str, Mapping[str, Mapping[str, str]]]) -> list[tuple[str, str]]:
    region = region_of(unit.municipality)
    area = areas.get(unit.period, {}).get(unit.population, {}).get(unit.municipality, region)
    return [*unit.categories.items(), *{("place", area), ("place", region)}]


def released(release: Release, truth: Mapping[Number, int], shows: Shows) -> Release:
    """The same tables with these numbers in them, each cell by itself."""
    return replace(release, tables=[_table(release, table, truth, shows) for table in release.tables])


def _table(release: Release, table: Table, truth: Mapping[Number, int], shows: Shows) -> Table:
    cells = []
    for cell in table.cells:
        value = shows(truth[number_of(release, table, cell.row, cell.column)])
        cells.append(Shown(cell.row, cell.column, value, "<10" if value is None else "exact"))
    return replace(table, cells=cells)


def rounded_by_row(release: Release, name: str, truth: Mapping[Number, int]) -> Release:
    """One of its tables, each row's total rounded to the nearest five, and as many of its cells up as that needs."""
    tables = [_by_row(release, table, truth) for table in release.tables if table.name == name]
    return replace(release, tables=tables)


def _by_row(release: Release, table: Table, truth: Mapping[Number, int]) -> Table:
    rows: dict[str, dict[str, int]] = {}
    for cell in table.cells:
        rows.setdefault(cell.row, {})[cell.column] = truth[number_of(release, table, cell.row, cell.column)]
    cells = []
    for row, exact in rows.items():
        total = rounded(exact.pop(TOTAL))
        down = {column: 5 * (count // 5) for column, count in exact.items()}
        ups = (total - sum(down.values())) // 5
        first = sorted(exact, key=lambda column: -(exact[column] % 5))[: max(0, ups)]
        values = {TOTAL: total} | {column: value + 5 * (column in first) for column, value in down.items()}
        cells += [Shown(row, column, value, "rounded5") for column, value in values.items()]
    return replace(table, cells=cells)


def sums_of(earlier: Release, newer: Release, truth: Mapping[Number, int]) -> dict[str, list[Shown]]:
    """The tables of two releases added up exactly, also where one of them hides the number."""
    return {
        table.name: [
            Shown(
                cell.row,
                cell.column,
                sum(truth[number_of(one, table, cell.row, cell.column)] for one in (earlier, newer)),
                "sum",
            )
            for cell in table.cells
        ]
        for table in newer.tables
    }


def with_a_header(release: Release, truth: Mapping[Number, int]) -> Callable[..., Awaitable[httpx.Response]]:
    """A release that hides small numbers in its body and tells them in a header."""

    async def answers(table: Table, row: str, column: str) -> httpx.Response:
        count = truth[number_of(release, table, row, column)]
        body = {table.dimensions[0]: row, table.dimensions[1]: column, "value": None}
        return httpx.Response(200, json=body, headers={"X-Total-Count": str(count)})

    return answers
