"""Files as partners have them become records with their lines; what cannot be read is told, and stops no other."""

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.client.bodies import UnfitRecord, prepare
from service.client.columns import WrongColumns, read_map
from service.client.reading import NO_MAP, Form, Record, Unreadable, form_of, records

TODAY = date(2026, 11, 25)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "source"


def read(file: Path, form: Form, content: bytes, encoding: str = "utf-8-sig", **options: Any) -> list[Record]:
    """The records of a file, opened as the command opens it."""
    file.write_bytes(content)
    with file.open(encoding=encoding, newline="") as source:
        return list(records(source, form, **options))


def bodies(found: list[Record]) -> list[tuple[int, Any]]:
    return [(record.line, record.body) for record in found if record.fault is None]


def faults(found: list[Record]) -> list[tuple[int, str]]:
    return [(record.line, record.fault.code) for record in found if record.fault is not None]


FORMS = {
    "a.json": "json",
    "a.ndjson": "ndjson",
    "a.jsonl": "ndjson",
    "a.csv": "csv",
    "A.CSV": "csv",
    "/map.json/van.jansen.csv": "csv",
}


@pytest.mark.parametrize(("name", "form"), FORMS.items(), ids=FORMS.keys())
def test_a_form_is_known_by_the_name(name: str, form: str) -> None:
    assert form_of(name) == form


@pytest.mark.parametrize("name", ["-", "csv", ".csv", "a.xlsx", "a.csv.gz", "a.json/b", ""], ids=repr)
def test_a_name_that_tells_no_form_is_refused(name: str) -> None:
    with pytest.raises(Unreadable, match="--format"):
        form_of(name)


SIGNAL = {"primaryType": "LOVERBOY", "note": "één"}
WHOLE = json.dumps(SIGNAL, ensure_ascii=False).encode()


def test_a_json_file_has_one_signal_or_a_list(file: Path) -> None:
    assert read(file, "json", WHOLE) == [Record(1, SIGNAL)]
    assert read(file, "json", b"\xef\xbb\xbf" + WHOLE) == [Record(1, SIGNAL)]
    assert read(file, "json", b"[" + WHOLE + b',\n3,\n{"a": {}}]') == [
        Record(1, SIGNAL),
        Record(2, 3),
        Record(3, {"a": {}}),
    ]
    assert read(file, "json", b"[]") == []


def test_every_line_of_ndjson_is_a_signal_and_a_broken_one_stops_no_other(file: Path) -> None:
    found = read(file, "ndjson", b"\xef\xbb\xbf" + WHOLE + b"\r\n\r\n  \n{\n" + WHOLE + b'\n{"a": NaN}x\n[1]')

    assert bodies(found) == [(1, SIGNAL), (5, SIGNAL), (7, [1])]
    assert faults(found) == [(4, "broken-json"), (6, "broken-json")]


@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize("key", ["JPT-1", "één sleutel", "a" * 200])
def test_a_line_of_a_batch_has_its_key(file: Path, form: Form, key: str) -> None:
    line = json.dumps({"idempotencyKey": key, "signal": SIGNAL}).encode()
    assert read(file, form, line) == [Record(1, SIGNAL, key)]


@pytest.mark.parametrize("key", [None, ""], ids=repr)
def test_an_empty_key_is_none(file: Path, key: Any) -> None:
    line = json.dumps({"idempotencyKey": key, "signal": SIGNAL}).encode()
    assert read(file, "ndjson", line) == [Record(1, SIGNAL)]


@pytest.mark.parametrize("key", [1, 0, True, False, 1.5, {}, [], ["a"], "a\n", "a\0", "a" * 201], ids=repr)
def test_a_key_that_is_no_text_of_one_line_is_told(file: Path, key: Any) -> None:
    line = json.dumps({"idempotencyKey": key, "signal": SIGNAL}).encode()
    (record,) = read(file, "ndjson", line)

    assert record.fault is not None
    assert (record.fault.pointer, record.fault.code) == ("/idempotencyKey", "wrong-form")
    assert (record.body, record.key) == (None, None)


NO_BATCHES: list[Any] = [
    {"signal": SIGNAL},
    {"idempotencyKey": "a"},
    {"idempotencyKey": "a", "signal": 1, "b": 2},
]


@pytest.mark.parametrize("told", NO_BATCHES, ids=lambda told: "-".join(told))
def test_what_is_no_line_of_a_batch_is_a_signal_as_it_is(file: Path, told: Any) -> None:
    assert read(file, "ndjson", json.dumps(told).encode()) == [Record(1, told)]


UNREADABLE: dict[str, tuple[Form, bytes, str]] = {
    "an empty CSV file": ("csv", b"", "no header"),
    "a CSV file with a BOM alone": ("csv", b"\xef\xbb\xbf", "no header"),
    "a CSV file with an empty line": ("csv", b"\r\nnote\r\n", "no header"),
    "an empty JSON file": ("json", b"", "no JSON"),
    "half a JSON file": ("json", b'[{"a": 1}, {"b"', "no JSON"),
    "JSON and more": ("json", b"{}{}", "no JSON"),
    "a deep JSON file": ("json", b"[" * 200_000, "no JSON"),
    "a number that is too long": ("json", b"9" * 10_000, "no JSON"),
    "CSV in another encoding": ("csv", b"note\n\xe9\xe9n\n", "--encoding"),
    "a header in another encoding": ("csv", b"not\xe9\n", "--encoding"),
    "NDJSON in another encoding": ("ndjson", b'{"note": "\xe9\xe9n"}\n', "--encoding"),
    "JSON in another encoding": ("json", b'{"note": "\xe9\xe9n"}\n', "--encoding"),
    "UTF-16": ("csv", "note\n".encode("utf-16"), "--encoding"),
}


@pytest.mark.parametrize(("form", "content", "told"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_source_that_cannot_be_read_is_refused(file: Path, form: Form, content: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read(file, form, content)


@pytest.mark.parametrize("head", [b"x" * 200_000, b'"' + b"x" * 200_000], ids=["long", "long and open"])
def test_what_has_no_header_at_all_is_refused(file: Path, head: bytes) -> None:
    """As a photo or a JSON file of one line that is taken for CSV."""
    with pytest.raises((Unreadable, WrongColumns)):
        read(file, "csv", head + b"\nx\n")


@pytest.mark.parametrize("mark", [";;", "\\t", "tab"], ids=repr)
def test_a_delimiter_that_cannot_be_one_is_refused(file: Path, mark: str) -> None:
    with pytest.raises((Unreadable, WrongColumns)):
        read(file, "csv", b"note;key\na;b\n", delimiter=mark)


@pytest.mark.parametrize("depth", [500, 950, 970, 980, 990, 100_000])
def test_a_deep_line_is_refused_and_stops_no_other(file: Path, depth: int) -> None:
    deep = b'{"settings": ' + b"[" * depth + b'"JANSEN"' + b"]" * depth + b"}\n"
    first, last = read(file, "ndjson", deep + WHOLE)

    assert (last.line, last.body) == (2, SIGNAL)
    if first.fault is None:
        with pytest.raises(UnfitRecord):
            prepare(first.body, today=TODAY)


def test_a_csv_file_as_a_dutch_spreadsheet_writes_it(file: Path) -> None:
    content = '\ufeffkey;primaryType;note;settings\r\n1;LOVERBOY;"één; ""twee""";SCHOOL;\r\n2;;;ONLINE\r\n'
    found = read(file, "csv", content.replace("SCHOOL;", "SCHOOL").encode())

    assert found == [
        Record(2, {"primaryType": "LOVERBOY", "note": 'één; "twee"', "settings": ["SCHOOL"]}, "1"),
        Record(3, {"settings": ["ONLINE"]}, "2"),
    ]


@pytest.mark.parametrize("mark", [";", ",", "\t", "|"], ids=repr)
def test_a_delimiter_is_found_in_the_header(file: Path, mark: str) -> None:
    content = f"key{mark}note{mark}persons.0.surname\n1{mark}a{mark}b\n".encode()
    assert read(file, "csv", content) == [Record(2, {"note": "a", "persons": [{"surname": "b"}]}, "1")]


def test_a_delimiter_that_is_told_holds(file: Path) -> None:
    columns = read_map('[columns]\n"a,b" = "note"\n')
    assert bodies(read(file, "csv", b"a,b\nx,y\n", columns=columns, delimiter=";")) == [(2, {"note": "x,y"})]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_lines_end_as_they_do_on_any_machine(file: Path, end: bytes) -> None:
    found = read(file, "csv", end.join((b"note;key", b"a;1", b"", b"b;2")))
    assert [(one.line, one.body, one.key) for one in found] == [
        (2, {"note": "a"}, "1"),
        (4, {"note": "b"}, "2"),
    ]


def test_another_encoding_is_read_when_it_is_told(file: Path) -> None:
    assert bodies(read(file, "csv", b"note\n\xe9\xe9n\n", "cp1252")) == [(2, {"note": "één"})]


def test_a_header_alone_has_no_records(file: Path) -> None:
    assert read(file, "csv", b"note;key") == read(file, "csv", b"note;key\n\n;\n ; \n;;;\n") == []


ROWS: dict[str, tuple[bytes, str]] = {
    "a cell too many": (b"Jansen;1;x", "wrong-columns"),
    "a cell too few": (b"Jansen", "wrong-columns"),
    "a quote that stays open": (b'"Jansen;1', "broken-csv"),
    "a quote that closes too early": (b'"Jan"sen;1', "broken-csv"),
    "a very long cell": (b"Jansen" * 50_000 + b";1", "broken-csv"),
    "a key over two lines": ('"a";"1\u20282"'.encode(), "wrong-form"),
}


@pytest.mark.parametrize(("row", "code"), ROWS.values(), ids=ROWS.keys())
def test_a_row_that_cannot_be_read_is_told_without_being_shown(file: Path, row: bytes, code: str) -> None:
    found = read(file, "csv", b"note;key\na;1\n" + row + b"\n\nb;2\n")

    assert bodies(found) == [(2, {"note": "a"}), (5, {"note": "b"})]
    assert faults(found) == [(3, code)]
    assert not any("Jan" in str(record) for record in found)


def test_a_row_with_too_few_cells_is_told_by_their_number(file: Path) -> None:
    (record,) = read(file, "csv", b"note;key;consent\na;1\n")
    assert record.fault is not None
    assert "2 columns, and the header 3" in record.fault.told


def test_a_stray_quote_makes_no_row_of_two_persons(file: Path) -> None:
    """Every line is told or read by itself: a quote that closes lines later would put them all in one cell."""
    found = read(file, "csv", b'note;key\n"a;1\nb;2\nc;"3"\nd";4\n"e;\nf";6\n')

    assert bodies(found) == [(3, {"note": "b"}), (4, {"note": "c"}), (5, {"note": 'd"'}), (7, {"note": 'f"'})]
    assert faults(found) == [(2, "broken-csv"), (6, "broken-csv")]


def test_a_cell_that_cannot_be_read_stops_no_other(file: Path) -> None:
    found = read(file, "csv", b"group.size;note\n" + b"9" * 5000 + b";a\n4;b\n")
    assert (found[-1].line, found[-1].body) == (3, {"group": {"size": 4}, "note": "b"})
    assert len(found) == 2


@pytest.mark.parametrize("head", [b"Jansen;900000012\n", b"note;Jansen\n", b"note;note\n"], ids=str)
def test_a_header_that_is_none_is_refused_without_being_shown(file: Path, head: bytes) -> None:
    with pytest.raises(WrongColumns) as wrong:
        read(file, "csv", head + b"x;y\n")
    assert not any(word in str(wrong.value) for word in ("Jansen", "900000012"))


def test_records_come_as_they_are_read(file: Path) -> None:
    """Nothing waits for the end of a file, and no more of it is kept than a record."""
    source = io.StringIO('{"a": 1}\n{"b": 2}\n')
    first = next(records(source, "ndjson"))
    assert (first, source.readline()) == (Record(1, {"a": 1}), '{"b": 2}\n')


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=5), st.sampled_from(";,\t|"))
def test_what_a_csv_writer_writes_is_read(file: Path, rows: list[tuple[str, str]], mark: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=mark).writerows([("note", "partnerReference"), *rows])
    found = read(file, "csv", written.getvalue().encode())

    cells = [(note.strip(), reference.strip()) for note, reference in rows]
    told = [{"note": note, "partnerReference": reference} for note, reference in cells if note or reference]
    assert [one.body for one in found if one.body] == [
        {name: cell for name, cell in one.items() if cell} for one in told
    ]


def test_no_map_takes_the_headers_as_they_are() -> None:
    assert NO_MAP.paths(["note", "persons.0.bsn"]) == ["note", "persons.0.bsn"]
