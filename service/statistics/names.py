"""What the rows and columns of released tables are called, in Dutch and English. Pure.

Read by the doors and the report.
"""

from service.statistics.areas import WHOLE
from service.statistics.grid import TOTAL
from service.statistics.menu import Table
from service.vocabulary.lists import code_lists
from service.vocabulary.municipalities import municipalities
from service.wire import Text

_WHOLE = Text(nl="Hele register", en="Whole register")
_TOTAL = Text(nl="Totaal", en="Total")


def area_name(code: str) -> Text:
    """What an area is called: a municipality, a region, the rest of a region, or all."""
    if code == WHOLE:
        return _WHOLE
    if code in municipalities():
        name = municipalities()[code].name
        return Text(nl=name, en=name)
    region = code.removesuffix("-OTHER")
    name = next(one.region_name for one in municipalities().values() if one.region == region)
    if region == code:
        return Text(nl=name, en=name)
    return Text(nl=f"{name}, overige gemeenten", en=f"{name}, other municipalities")


def row_name(table: Table, code: str) -> Text:
    """What a row is called."""
    if table.row is None or code == WHOLE:
        return area_name(code)
    return _category_name(table.row.code_list, code)


def column_name(table: Table, code: str) -> Text:
    """What a column is called."""
    return _TOTAL if code == TOTAL else _category_name(table.column.code_list, code)


def _category_name(code_list: str, code: str) -> Text:
    found = code_lists()[code_list].get(code)
    if found is None:  # of a release that was made before this list
        return Text(nl=code, en=code)
    return Text(nl=found.label_nl, en=found.label_en)
