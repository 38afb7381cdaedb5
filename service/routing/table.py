"""A rule set as a table: one row for each rule, for a policy officer to read and change in a spreadsheet. Pure.

The columns are the paths of the wire (`when.types.anyOf`, `then.suggest.1.why.nl`); several codes in a cell stand
apart by spaces, and the example is JSON. A cell that begins like a formula is written with an apostrophe before it, and
refused when it is read (CSV injection, OWASP). Read in UTF-8, with `,` or `;` between the cells.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from service.errors import Fault, Invalid, faults_of, told_once
from service.routing.choices import Choice
from service.routing.rules import MOST_RULES, Conditions, PersonConditions, Rule, Rules

FORMULA = ("=", "+", "-", "@", "\t", "\r")
SUGGESTION, ADVICE = ("target", "why.nl", "why.en"), ("code", "text.nl", "text.en")
LISTED = re.compile(
    r"then\.(suggest\.([1-9]|1[0-2])\.(target|why\.(nl|en))|advise\.[1-6]\.(code|text\.(nl|en)))"
)
MOST_COLUMNS = 200
FORMULA_TOLD = "A cell that begins like a formula; put an apostrophe before it."
_RULES = TypeAdapter(Rules)


def _condition_columns() -> Iterator[str]:
    for whose, shape in (("when", Conditions), ("when.person", PersonConditions)):
        for field in shape.model_fields.values():
            choice, _ = get_args(field.annotation)
            if issubclass(choice, Choice):
                yield from (f"{whose}.{field.alias}.{kind.alias}" for kind in choice.model_fields.values())


CODES = tuple(_condition_columns())
DAYS = "then.dueWorkingDays"
BEFORE = ("name", *CODES, "then.contactPoint", "then.priority", DAYS)
EXAMPLE = "example"
AFTER = ("why.nl", "why.en", "basis", EXAMPLE)


def to_table(rules: Sequence[Rule]) -> str:
    """The rules as CSV, with as many columns for suggestions and advice as there are."""
    rows = [_cells(rule.model_dump(mode="json", exclude_none=True)) for rule in rules]
    listed = sorted({column for row in rows for column in row if LISTED.fullmatch(column)}, key=_place)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*BEFORE, *listed, *AFTER], restval="")
    writer.writeheader()
    writer.writerows({column: _harmless(cell) for column, cell in row.items()} for row in rows)
    return text.getvalue()


def from_table(content: bytes) -> tuple[Rule, ...]:
    """The rules of a table; raises `Invalid` with every fault and its place, as `cell:line:column`."""
    header, rows = _read(content)
    faults = list(_faults_of_shape(header, rows))
    lines = [
        (line, dict(zip(header, row, strict=True)))
        for line, row in rows[:MOST_RULES]
        if len(row) == len(header)
    ]
    faults += [
        Fault(f"cell:{line}:{column}", "formula", FORMULA_TOLD)
        for line, cells in lines
        for column, cell in cells.items()
        if cell.strip().startswith(FORMULA)
    ]
    try:
        rules = _RULES.validate_python([_value(cells) for _, cells in lines])
    except ValidationError as error:
        faults += [fault for one in told_once(error.errors()) for fault in _placed(one, lines)]
    if faults:
        raise Invalid(errors=faults)
    return rules


def _cells(value: Any, path: str = "") -> dict[str, str]:
    """The leaves of a JSON value by their paths; codes of a condition are one leaf."""
    if path == EXAMPLE:
        return {path: orjson.dumps(value).decode()}
    if isinstance(value, Mapping):
        inner = {f"{path}.{name}" if path else name: one for name, one in value.items()}
    elif isinstance(value, list) and path not in CODES:
        inner = {f"{path}.{place}": one for place, one in enumerate(value, start=1)}
    else:
        return {path: " ".join(value) if isinstance(value, list) else str(value)}
    return {column: cell for name, one in inner.items() for column, cell in _cells(one, name).items()}


def _value(cells: Mapping[str, str]) -> dict[str, Any]:
    """The JSON value of a row: what is empty is left out, and what is listed moves up."""
    value: dict[str, Any] = {"when": {}, "then": {}}
    for column, cell in cells.items():
        if cell.strip() and _is_known(column):
            *way, last = column.split(".")
            inner = value
            for step in way:
                inner = inner.setdefault(step, {})
            inner[last] = _leaf(column, _plain(cell.strip()))
    for name in ("suggest", "advise"):
        if listed := value["then"].get(name):
            value["then"][name] = [listed[place] for place in sorted(listed, key=int)]
    return value


def _leaf(column: str, cell: str) -> Any:
    """The value of a cell; an example that is no JSON stays a text, and is refused as one."""
    if column == EXAMPLE:
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(cell)
    if column == DAYS and cell.isascii() and cell.isdecimal():
        return int(cell)
    return cell.split() if column in CODES else cell


def _read(content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows that are not empty with the lines that they end on: one more than there may be."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused("cell:1:", "not-utf-8", "Save the table as CSV in UTF-8.") from None
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=";" if first.count(";") > first.count(",") else ",",
        strict=True,
    )
    try:
        header = [cell.strip() for cell in next(reader, [])]
        filled = ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))
        rows = list(islice(filled, MOST_RULES + 1))
    except csv.Error:
        told = "Not a table of CSV, or a cell of it is too long: check the quotes."
        raise _refused(f"cell:{reader.line_num}:", "broken", told) from None
    if len(header) > MOST_COLUMNS:
        raise _refused("cell:1:", "too-many", f"At most {MOST_COLUMNS} columns.")
    return header, rows


def _faults_of_shape(header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> Iterator[Fault]:
    for place, column in enumerate(header, start=1):
        if not _is_known(column):
            yield Fault(f"cell:1:{place}", "unknown", "There is no such column.")
        elif column in header[: place - 1]:
            yield Fault(f"cell:1:{column}", "repeated", "This column is there twice.")
    for line, row in rows:
        if len(row) != len(header):
            yield Fault(f"cell:{line}:", "wrong-length", "This row has more or fewer cells than the header.")
    if len(rows) > MOST_RULES:
        yield Fault(f"cell:{rows[MOST_RULES][0]}:", "too-many", f"At most {MOST_RULES} rules.")


def _is_known(column: str) -> bool:
    return column in BEFORE or column in AFTER or LISTED.fullmatch(column) is not None


def _placed(error: Any, lines: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[Fault]:
    """A fault of pydantic at the cell of its value; that there is no rule at all, at the header."""
    if not error["loc"]:
        yield Fault("cell:1:", "no-rules", "There is no rule in it.")
        return
    row, *steps = error["loc"]
    line, cells = lines[row]
    column = _column(steps, cells)
    for fault in faults_of([{**error, "loc": ("cell", column)}]):
        yield Fault(f"cell:{line}:{column}", fault.code, fault.detail)


def _column(steps: Sequence[str | int], cells: Mapping[str, str]) -> str:
    """The column in which a value stands; what is listed has moved up where columns before it are empty."""
    path = ".".join(map(str, steps))
    if path.startswith(("then.suggest.", "then.advise.")):
        begins, (moved_to, *part) = ".".join(map(str, steps[:2])), steps[2:]
        listed = (column for column, cell in cells.items() if cell.strip() and column.startswith(begins))
        filled = {int(column.split(".")[2]) for column in listed}
        return ".".join([begins, str(sorted(filled)[int(moved_to)]), *map(str, part)])
    return next((one for one in (*CODES, EXAMPLE) if path.startswith(one)), path)


def _refused(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(errors=[Fault(pointer, code, detail)])


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `_plain` takes the apostrophe off again."""
    shielded = cell.startswith("'") and cell[1:].startswith((*FORMULA, "'"))
    return f"'{cell}" if shielded or cell.startswith(FORMULA) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell


def _place(column: str) -> tuple[str, int, int]:
    """The order of what is listed: suggestions before advice, each by its number and its parts."""
    _, kind, number, *part = column.split(".")
    parts = SUGGESTION if kind == "suggest" else ADVICE
    return ("a" if kind == "suggest" else "b", int(number), parts.index(".".join(part)))
