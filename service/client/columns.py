"""From the columns of a CSV file to records, by a column map.

Without a map the headers are the paths themselves: `primaryType`, `municipalities.incident`, `persons.0.bsn`. A map
(TOML) names the path of each column, gives what is the same in every row, and translates cells:

    [columns]
    "Soort" = "primaryType"
    "BSN jongere" = "persons.0.bsn"
    "Intern nummer" = ""                 # not used
    [fixed]
    "legalBasis" = "JW_REPORT"
    "persons.0.role" = "VICTIM"
    [values."primaryType"]
    "loverboy" = "LOVERBOY"

A path of a list takes several codes in a cell, with `;`, `,` or `|` between them; an indicator is `C02`, or
`G01:UNKNOWN`. The path `key` is the partner's own unique number of the row. Pure. A column is told by its place,
never by its header: a file without headers would have somebody's number there.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.client.bodies import FIELDS, PARTS, PERSON_FIELDS
from service.client.identifiers import DAYS, IDENTIFIERS
from service.client.values import Unfit, day_of

KEY = "key"
LISTS = frozenset({"types", "settings", "flagCriteria", "handlingCodes", "indicators"})
MAX_PERSONS = 10

_PERSON_PATH = re.compile(r"persons\.([0-9])\.([A-Za-z]+)\Z")


class WrongColumns(ValueError):
    """The map or the header cannot be used; the message says why, by the places of columns."""


@dataclass(frozen=True)
class ColumnMap:
    """The path of each column by its header (none: the header is the path), what is fixed, and translations."""

    columns: Mapping[str, str] | None
    fixed: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]

    def paths(self, header: Sequence[str]) -> list[str]:
        """The path of each column, `""` for one that is not used; raises `WrongColumns`."""
        names = [name.strip() for name in header]
        paths = [(name if self.columns is None else self.columns.get(name)) for name in names]
        unknown = [place for place, path in enumerate(paths, 1) if path is None or not _is_path(path or KEY)]
        if unknown:
            raise WrongColumns(f"no path for column {_listed(unknown)}: see the column map")
        if self.columns is not None and (missing := len(self.columns.keys() - set(names))):
            raise WrongColumns(f"{missing} columns of the map are not in the file")
        used = [path for path in (*paths, *self.fixed) if path]
        if len(set(used)) < len(used):
            raise WrongColumns("two columns have the same path")
        return [path or "" for path in paths]

    def record(self, paths: Sequence[str], cells: Sequence[str]) -> tuple[dict[str, Any], str | None]:
        """The record of a row, and its own key where a column has one."""
        record: dict[str, Any] = {}
        key = None
        somebody: set[int] = set()
        given = [(*one, True) for one in zip(paths, cells, strict=True)]
        given += [(*one, False) for one in self.fixed.items()]
        for path, cell, of_the_row in given:
            cell = cell.strip()
            if not path or not cell:
                continue
            if path == KEY:
                key = cell
            else:
                _put(record, path, self.values.get(path, {}), cell)
                if (person := _PERSON_PATH.match(path)) and (of_the_row or person[2] == "pseudonym"):
                    somebody.add(int(person[1]))
        if "persons" in record:
            # What is the same in every row makes nobody of a place that this row leaves empty.
            record["persons"] = [
                person for place, person in enumerate(record["persons"]) if place in somebody
            ]
        return record, key


def read_map(text: str) -> ColumnMap:
    """A column map from TOML; raises `WrongColumns`."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongColumns(f"the column map is no TOML: {error}") from None
    columns, fixed, values = (told.pop(name, {}) for name in ("columns", "fixed", "values"))
    tables = (columns, fixed, *(values.values() if isinstance(values, dict) else [None]))
    if told or not all(map(_all_texts, tables)):
        raise WrongColumns("a column map has the tables columns, fixed and values, of texts")
    if KEY in fixed:
        raise WrongColumns("a key is each row's own: it cannot be fixed")
    wrong = [path for path in (*filter(None, columns.values()), *fixed, *values) if not _is_path(path)]
    if wrong:
        raise WrongColumns(f"the column map has paths that there are not: {_listed(wrong)}")
    return ColumnMap(columns or None, fixed, values)


def _is_path(path: str) -> bool:
    if person := _PERSON_PATH.match(path):
        return person[2] in PERSON_FIELDS | IDENTIFIERS
    whole, dot, part = path.partition(".")
    if dot:
        return whole in PARTS and whole != "indicators" and part in PARTS[whole]
    return path == KEY or path in FIELDS - {"persons", *PARTS} or path == "indicators"


def _put(record: dict[str, Any], path: str, values: Mapping[str, str], cell: str) -> None:
    """Put a cell at its path."""
    if person := _PERSON_PATH.match(path):
        persons = record.setdefault("persons", [])
        while len(persons) <= int(person[1]):
            persons.append({})
        several = person[2] == "alsoKnownAs"
        persons[int(person[1])][person[2]] = _several(cell, values) if several else values.get(cell, cell)
    elif path == "indicators":
        record[path] = [_indicator(one) for one in _several(cell, values)]
    elif path in LISTS:
        record[path] = _several(cell, values)
    elif path == "group.size":
        size = values.get(cell, cell)
        record.setdefault("group", {})["size"] = int(size) if re.fullmatch("[0-9]{1,3}", size) else size
    elif "." in path:
        whole, _, part = path.partition(".")
        record.setdefault(whole, {})[part] = values.get(cell, cell)
    else:
        told = values.get(cell, cell)
        record[path] = _day(told) if path in DAYS else told


def _several(cell: str, values: Mapping[str, str]) -> list[str]:
    return [values.get(one, one) for one in (piece.strip() for piece in re.split("[;,|]", cell)) if one]


def _indicator(written: str) -> dict[str, str]:
    code, _, observation = (part.strip() for part in written.partition(":"))
    return {"code": code, "observation": observation or "OBSERVED"}


def _day(cell: str) -> str:
    """A day as Dutch spreadsheets write it; what is none stays as it is, to be refused with the row."""
    try:
        return day_of(cell, today=date.max).isoformat()
    except Unfit:
        return cell


def _all_texts(table: Any) -> bool:
    return isinstance(table, dict) and all(isinstance(value, str) for value in table.values())


def _listed(things: Sequence[Any]) -> str:
    return ", ".join(map(str, things[:5])) + (" …" if len(things) > 5 else "")
