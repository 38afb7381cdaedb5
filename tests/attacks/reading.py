"""All that anybody can read of a register's releases: the one place that knows how statistics are asked for.

Keeps how a period is compiled and published, how releases and tables are read, and how the numbers of different
tables are the same number. Called by the world and by every attack; reads as an analyst does. Never knows the truth.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.vocabulary.municipalities import region_of
from tests.support.register import Register

WHOLE, TOTAL = "ALL", "TOTAL"
READER = "analyst"
RELEASES = "/v1/statistics/releases"

Number = tuple[str, str, frozenset[tuple[str, str]]]
"""Period, population, and the codes that a number is about; the same in every table that shows it."""


@dataclass(frozen=True)
class Shown:
    """A cell as it was read."""

    row: str
    column: str
    value: int | None
    status: str


@dataclass(frozen=True)
class Table:
    """A released table with all of its cells."""

    name: str
    population: str
    dimensions: tuple[str, str]
    cells: Sequence[Shown]


@dataclass(frozen=True)
class Release:
    """A release with its tables, and which area a municipality is in, by population."""

    id: str
    period: str
    areas: Mapping[str, Mapping[str, str]]
    tables: Sequence[Table]


async def compiled(register: Register, period: str) -> str:
    """Compile a closed period; the id of its release."""
    answer = await register.released(period)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def published(register: Register, release: str) -> None:
    """Publish a release by somebody who did not compile it."""
    headers = await register.headers("administrator-deputy") | {"Actor": "staff.two"}
    answer = await register.http.post(f"{RELEASES}/{release}/publication", headers=headers)
    assert answer.status_code == 200, answer.text


async def read(register: Register, path: str, **headers: str) -> Any:
    """Read something as somebody who may read statistics and nothing else."""
    return await register.http.get(path, headers=await register.headers(READER, **headers))


async def read_everything(register: Register) -> list[Release]:
    """Every published release with all of its tables, oldest first."""
    listed = (await read(register, RELEASES)).json()["items"]
    return [await _release(register, one) for one in reversed(listed)]


def table_path(release: str, name: str) -> str:
    """Where a table is, as JSON."""
    return f"{RELEASES}/{release}/tables/{name}"


async def read_csv(register: Register, release: str, name: str) -> Any:
    """A table as CSV, as it came."""
    return await read(register, table_path(release, name), Accept="text/csv")


async def read_sums(register: Register, table: Table, first: str, last: str) -> list[Shown]:
    """A table over several periods; nothing where a register has no such sums, or not of this table."""
    answer = await read(register, f"/v1/statistics/sums/{table.name}?from={first}&until={last}")
    if answer.status_code != 200:
        return []
    row, column = table.dimensions
    return [Shown(one[row], one[column], one["value"], one["status"]) for one in answer.json()["cells"]]


def cells_of_csv(text: str, dimensions: tuple[str, str]) -> list[Shown]:
    """The cells of a table that came as CSV."""
    rows = csv.DictReader(io.StringIO(text))
    row, column = dimensions
    return [
        Shown(one[row], one[column], int(one["value"]) if one["value"] else None, one["status"])
        for one in rows
    ]


async def _release(register: Register, told: Mapping[str, Any]) -> Release:
    areas: dict[str, dict[str, str]] = {}
    for area in told["areas"]:
        places = areas.setdefault(area["population"], {})
        places.update((code, area["code"]) for code in area["municipalities"])
    tables = []
    for one in told["tables"]:
        answer = await read(register, table_path(told["id"], one["name"]))
        assert answer.status_code == 200, answer.text
        row, column = dimensions = tuple(answer.json()["dimensions"])
        cells = [Shown(c[row], c[column], c["value"], c["status"]) for c in answer.json()["cells"]]
        tables.append(Table(one["name"], one["population"], dimensions, cells))
    return Release(told["id"], told["period"], areas, tables)


def number_of(release: Release, table: Table, row: str, column: str) -> Number:
    """Which number a cell shows."""
    dimension = "place" if table.dimensions[0] in ("area", "region") else table.dimensions[0]
    codes = {(dimension, row)} - {(dimension, WHOLE)} | {(table.dimensions[1], column)}
    return release.period, table.population, frozenset(codes - {(table.dimensions[1], TOTAL)})


def rows_above(release: Release, table: Table, code: str) -> list[str]:
    """The rows in which somebody of a municipality, or of a category, is counted."""
    if table.dimensions[0] == "area":
        return list(dict.fromkeys((WHOLE, region_of(code), release.areas[table.population][code])))
    return [WHOLE, region_of(code) if table.dimensions[0] == "region" else code]


def children_of(release: Release, table: Table) -> dict[str, list[str]]:
    """Which rows of a table add up to which."""
    rows = list(dict.fromkeys(cell.row for cell in table.cells))
    if table.dimensions[0] != "area":
        return {WHOLE: [row for row in rows if row != WHOLE]}
    places = release.areas[table.population]
    region_by_area = {area: region_of(code) for code, area in places.items()}
    tree: dict[str, list[str]] = {WHOLE: [row for row in rows if row in set(region_by_area.values())]}
    for area, region in region_by_area.items():
        if area != region:
            tree.setdefault(region, []).append(area)
    return tree


def sums_of(release: Release, table: Table) -> Iterable[tuple[Number, list[Number]]]:
    """A number and those that add up to it, as a table tells."""
    rows = list(dict.fromkeys(cell.row for cell in table.cells))
    columns = list(dict.fromkeys(cell.column for cell in table.cells if cell.column != TOTAL))
    for row in rows:
        yield number_of(release, table, row, TOTAL), [number_of(release, table, row, one) for one in columns]
    for parent, children in children_of(release, table).items():
        for column in (TOTAL, *columns):
            parts = [number_of(release, table, child, column) for child in children]
            yield number_of(release, table, parent, column), parts
