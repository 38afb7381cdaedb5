"""Reading what a partner posts: JSON, NDJSON or CSV, as records with the line that each came from.

A record that cannot be read is told by its line and does not stop the others. Never keeps more than a record.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from service.client.columns import ColumnMap
from service.client.identifiers import Fault

Form = Literal["json", "ndjson", "csv"]
FORMS: dict[str, Form] = {".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
DELIMITERS = ";,\t|"
LONGEST_KEY = 200
NO_MAP = ColumnMap(None, {}, {})


class Unreadable(ValueError):
    """The source as a whole cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One signal of a source, with its line and the partner's own key; or the fault that it is."""

    line: int
    body: Any = None
    key: str | None = None
    fault: Fault | None = None


def form_of(name: str) -> Form:
    """The form of a file, by its name; raises `Unreadable`."""
    form = FORMS.get(Path(name).suffix.lower())
    if form is None:
        raise Unreadable("say --format: the name does not end in .json, .ndjson, .jsonl or .csv")
    return form


def records(
    source: TextIO, form: Form, *, columns: ColumnMap = NO_MAP, delimiter: str | None = None
) -> Iterator[Record]:
    """The records of a source, as it is read; raises `Unreadable`, `WrongColumns`."""
    try:
        if form == "csv":
            yield from _of_csv(source, columns, delimiter)
        elif form == "ndjson":
            yield from _of_lines(source)
        else:
            yield from _of_json(source)
    except UnicodeDecodeError:
        raise Unreadable("this is not the encoding of the file: say --encoding, as cp1252") from None


def _of_json(source: TextIO) -> Iterator[Record]:
    try:
        told = json.loads(source.read())
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        raise Unreadable("this is no JSON") from None
    for number, one in enumerate(told if isinstance(told, list) else [told], 1):
        yield _record(number, one)


def _of_lines(source: TextIO) -> Iterator[Record]:
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            yield Record(number, fault=Fault("", "broken-json", "This line is no JSON."))
            continue
        yield _record(number, told)


def _record(number: int, told: Any) -> Record:
    """A signal, alone or as a line of a batch with a key."""
    if isinstance(told, dict) and told.keys() == {"idempotencyKey", "signal"}:
        return _keyed(number, told["signal"], told["idempotencyKey"])
    return Record(number, told)


def _keyed(number: int, body: Any, key: Any) -> Record:
    """A signal with a key of the partner's own; an empty one is none."""
    if key in (None, ""):
        return Record(number, body)
    if not isinstance(key, str) or not key.isprintable() or len(key) > LONGEST_KEY:
        told = f"A key is a text of at most {LONGEST_KEY} printable characters."
        return Record(number, fault=Fault("/idempotencyKey", "wrong-form", told))
    return Record(number, body, key)


def _of_csv(source: TextIO, columns: ColumnMap, delimiter: str | None) -> Iterator[Record]:
    head = source.readline()
    if not head.strip():
        raise Unreadable("there is no header")
    mark = delimiter or max(DELIMITERS, key=head.count)
    if mark not in DELIMITERS:
        raise Unreadable(f"a delimiter is one of {' '.join(DELIMITERS[:2])} | or a tab")
    try:
        (header,) = csv.reader([head.rstrip("\r\n")], delimiter=mark, strict=True)
    except (csv.Error, ValueError):
        raise Unreadable("the header cannot be read as CSV") from None
    paths = columns.paths(header)
    # A line is a record: with cells over several lines a stray quote would make one of two persons.
    for number, line in enumerate(source, 2):
        if not line.strip(f"{mark}\r\n "):
            continue
        try:
            (cells,) = csv.reader([line.rstrip("\r\n")], delimiter=mark, strict=True)
        except (csv.Error, ValueError):
            yield Record(number, fault=Fault("", "broken-csv", "This line cannot be read as CSV."))
            continue
        if len(cells) != len(paths):
            told = f"This line has {len(cells)} columns, and the header {len(paths)}."
            yield Record(number, fault=Fault("", "wrong-columns", told))
            continue
        body, key = columns.record(paths, cells)
        yield _keyed(number, body, key)


def chunks(given: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """Records in lists of at most so many."""
    chunk: list[Record] = []
    for record in given:
        chunk.append(record)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
