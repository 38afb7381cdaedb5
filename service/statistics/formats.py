"""A released table as CSV: RFC 4180, UTF-8, a header, and nothing that a spreadsheet takes for a formula."""

import csv
import io

from service.statistics.models import TableRead
from service.statistics.queries import category_name, find_table, row_name

MEDIA_TYPE = "text/csv"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: TableRead) -> bytes:
    """The cells, one a line: each dimension as code and name, then value (empty when not shown) and status."""
    menu_table = find_table(table.table)
    assert menu_table is not None
    row, column = table.dimensions
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([row, f"{row}Name", column, f"{column}Name", "value", "status"])
    for cell in table.cells:
        value = "" if cell["value"] is None else cell["value"]
        names = (row_name(menu_table, cell[row]), category_name(menu_table.column.code_list, cell[column]))
        writer.writerow(
            [cell[row], _harmless(names[0]), cell[column], _harmless(names[1]), value, cell["status"]]
        )
    return out.getvalue().encode()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
