"""A released table as CSV: RFC 4180, UTF-8, a header, and nothing that a spreadsheet takes for a formula."""

import csv
import io

from service.statistics.models import TableRead
from service.statistics.queries import area_name, category_name, find_table

MEDIA_TYPE = "text/csv"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: TableRead) -> bytes:
    """The cells, one a line: each dimension as code and name, then value (empty when not shown) and status."""
    menu_table = find_table(table.table)
    assert menu_table is not None
    area, category = table.dimensions
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([area, f"{area}Name", category, f"{category}Name", "value", "status"])
    for cell in table.cells:
        names = (area_name(cell[area]), category_name(menu_table.code_list, cell[category]))
        writer.writerow(
            [
                cell[area],
                _harmless(names[0]),
                cell[category],
                _harmless(names[1]),
                "" if cell["value"] is None else cell["value"],
                cell["status"],
            ]
        )
    return out.getvalue().encode()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
