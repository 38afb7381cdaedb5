"""Released tables as bytes: JSON, CSV, and the metadata of the CSV.

CSV: RFC 4180, UTF-8, a header, and nothing that a spreadsheet takes for a formula. Metadata: CSV on the Web, W3C's
"Metadata Vocabulary for Tabular Data". Called by the doors.
"""

import csv
import io
import json
from typing import Any

from service.statistics.definitions import CAVEATS, DEFINITIONS, MEASURED
from service.statistics.menu import TABLES
from service.statistics.models import ReleaseRead, SumRead, TableRead
from service.statistics.names import column_name, row_name
from service.wire import Text

JSON, CSV, CSVW = "application/json", "text/csv", "application/csvm+json"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LANGUAGES = ("nl", "en")

Read = TableRead | SumRead


def written(table: Read, kind: str) -> bytes:
    """A table as JSON or CSV."""
    return as_csv(table) if kind == CSV else as_json(table)


def as_json(table: Read) -> bytes:
    """A table as it is described in the OpenAPI document."""
    return table.model_dump_json(by_alias=True).encode()


def as_csv(table: Read) -> bytes:
    """The cells, one a line: each dimension as code and English name, then value (empty when not shown) and status."""
    menu_table = TABLES[table.table][1]
    row, column = table.dimensions
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_columns(table))
    for cell in table.cells:
        value = "" if cell["value"] is None else cell["value"]
        names = (row_name(menu_table, cell[row]).en, column_name(menu_table, cell[column]).en)
        writer.writerow(
            [cell[row], _harmless(names[0]), cell[column], _harmless(names[1]), value, cell["status"]]
        )
    return out.getvalue().encode()


def csv_metadata(table: TableRead, release: ReleaseRead) -> bytes:
    """What the CSV of a table of a release holds: its columns with types and titles, and what the numbers mean."""
    population, menu_table = TABLES[table.table]
    measured = MEASURED[population.code]
    row, column = table.dimensions
    row_code, row_title, column_code, column_title, value, status = _columns(table)
    described = {
        row_code: _column(row_code, Text(nl="Code van de rij", en="Code of the row")),
        row_title: _column(row_title, Text(nl="Rij", en="Row")),
        column_code: _column(column_code, Text(nl="Code van de kolom", en="Code of the column")),
        column_title: _column(column_title, Text(nl="Kolom", en="Column")),
        value: _column(value, Text(nl="Aantal, afgerond", en="Number, rounded"), datatype="integer")
        | {"dc:description": _in_both(measured.numerator), "required": False},
        status: _column(status, Text(nl="Hoe het getal wordt getoond", en="How the number is shown"))
        | {"dc:description": _in_both(DEFINITIONS["method"])},
    }
    metadata = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": "csv",
        "dc:title": _in_both(menu_table.title),
        "dc:description": _in_both(measured.numerator),
        "dc:source": _in_both(measured.source),
        "dc:temporal": f"{release.first}/{release.last}",
        "dc:identifier": str(release.id),
        "rdfs:comment": [one for caveat in CAVEATS for one in _in_both(caveat)],
        "dialect": {"lineTerminators": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "tableSchema": {"columns": list(described.values()), "primaryKey": [row, column]},
    }
    return json.dumps(metadata, ensure_ascii=False, indent=2).encode()


def _columns(table: Read) -> list[str]:
    row, column = table.dimensions
    return [row, f"{row}Name", column, f"{column}Name", "value", "status"]


def _column(name: str, description: Text, datatype: str = "string") -> dict[str, Any]:
    return {
        "name": name,
        "titles": name,
        "datatype": datatype,
        "required": True,
        "dc:description": _in_both(description),
    }


def _in_both(text: Text) -> list[dict[str, str]]:
    return [{"@value": getattr(text, language), "@language": language} for language in LANGUAGES]


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
