"""Columns become records: by their headers, or by a map; what cannot be used is told without being shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.client.bodies import FIELDS, IDENTIFIERS, PARTS, PERSON_FIELDS
from service.client.columns import ColumnMap, WrongColumns, read_map
from service.intake.models import SubmittedSignal

BY_HEADERS = ColumnMap(None, {}, {})
MAP = """
[columns]
"Soort" = "primaryType"
"BSN jongere" = "persons.0.bsn"
"Waar" = "settings"
"Intern nummer" = ""
[fixed]
"legalBasis" = "JW_REPORT"
"persons.0.role" = "VICTIM"
[values."primaryType"]
"loverboy" = "LOVERBOY"
[values."settings"]
"op school" = "SCHOOL"
"""
HEADER = ["Intern nummer", "Soort", "BSN jongere", "Waar"]


def record_of(columns: ColumnMap = BY_HEADERS, /, **cells: str) -> dict[str, Any]:
    """The record of one row, its columns by header; `__` stands for a dot."""
    header = [name.replace("__", ".") for name in cells]
    record, _ = columns.record(columns.paths(header), list(cells.values()))
    return record


CELLS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "a field": ({"primaryType": "LOVERBOY"}, {"primaryType": "LOVERBOY"}),
    "a part": ({"municipalities__incident": "GM0794"}, {"municipalities": {"incident": "GM0794"}}),
    "two parts": (
        {"source__reliability": "A", "source__information": "1"},
        {"source": {"reliability": "A", "information": "1"}},
    ),
    "a group": (
        {"group__size": "4", "group__setting": "STREET"},
        {"group": {"size": 4, "setting": "STREET"}},
    ),
    "a size in words": ({"group__size": "vier"}, {"group": {"size": "vier"}}),
    "a size below nothing": ({"group__size": "-4"}, {"group": {"size": "-4"}}),
    "a size in other figures": ({"group__size": "²"}, {"group": {"size": "²"}}),
    "a size of very many figures": ({"group__size": "9" * 5000}, {"group": {"size": "9" * 5000}}),
    "a list of one": ({"types": "LOVERBOY"}, {"types": ["LOVERBOY"]}),
    "a list": ({"settings": "SCHOOL;ONLINE"}, {"settings": ["SCHOOL", "ONLINE"]}),
    "a list with spaces": ({"settings": " SCHOOL ; ;ONLINE; "}, {"settings": ["SCHOOL", "ONLINE"]}),
    "a list with commas": ({"handlingCodes": "H0,H1|H2"}, {"handlingCodes": ["H0", "H1", "H2"]}),
    "an indicator": ({"indicators": "C02"}, {"indicators": [{"code": "C02", "observation": "OBSERVED"}]}),
    "indicators": (
        {"indicators": "C02; G01:UNKNOWN;S01:NOT_OBSERVED"},
        {
            "indicators": [
                {"code": "C02", "observation": "OBSERVED"},
                {"code": "G01", "observation": "UNKNOWN"},
                {"code": "S01", "observation": "NOT_OBSERVED"},
            ]
        },
    ),
    "an indicator with spaces": (
        {"indicators": "G01 : UNKNOWN"},
        {"indicators": [{"code": "G01", "observation": "UNKNOWN"}]},
    ),
    "a Dutch day": ({"observedFrom": "1-11-2026"}, {"observedFrom": "2026-11-01"}),
    "a day with slashes": ({"observedUntil": "01/11/2026"}, {"observedUntil": "2026-11-01"}),
    "a day with dots": ({"observedUntil": "01.11.2026"}, {"observedUntil": "2026-11-01"}),
    "a day": ({"observedFrom": "2026-11-01"}, {"observedFrom": "2026-11-01"}),
    "a day to come": ({"observedFrom": "1-11-2099"}, {"observedFrom": "2099-11-01"}),
    "no day": ({"observedFrom": "31-11-2026"}, {"observedFrom": "31-11-2026"}),
    "a short year": ({"observedFrom": "1-11-26"}, {"observedFrom": "1-11-26"}),
    "a day of birth": (
        {"persons__0__dateOfBirth": "14-3-2010"},
        {"persons": [{"dateOfBirth": "14-3-2010"}]},
    ),
    "other tokens": (
        {"persons__0__pseudonym": "e1", "persons__0__alsoKnownAs": "e2; e3"},
        {"persons": [{"pseudonym": "e1", "alsoKnownAs": ["e2", "e3"]}]},
    ),
    "two persons": (
        {"persons__1__bsn": "2", "persons__0__bsn": "1", "persons__1__role": "SUSPECT"},
        {"persons": [{"bsn": "1"}, {"bsn": "2", "role": "SUSPECT"}]},
    ),
    "the last person": ({"persons__9__bsn": "9"}, {"persons": [{"bsn": "9"}]}),
    "spaces around": ({"note": "  Staat bij het station. \t"}, {"note": "Staat bij het station."}),
    "spaces alone": ({"note": " \t ", "urgency": ""}, {}),
}


@pytest.mark.parametrize(("cells", "record"), CELLS.values(), ids=CELLS.keys())
def test_a_cell_comes_where_its_header_says(cells: dict[str, str], record: dict[str, Any]) -> None:
    assert record_of(**cells) == record


def paths_there_are() -> set[str]:
    """Every path of a body, as somebody would write it who knows the contract."""
    parts = {f"{whole}.{part}" for whole in PARTS if whole != "indicators" for part in PARTS[whole]}
    persons = {f"persons.{place}.{name}" for place in (0, 9) for name in PERSON_FIELDS | IDENTIFIERS}
    return {"key"} | (FIELDS - {"persons", "municipalities", "source", "group"}) | parts | persons


@pytest.mark.parametrize("path", sorted(paths_there_are()))
def test_every_field_has_a_path(path: str) -> None:
    record, key = BY_HEADERS.record(BY_HEADERS.paths([f" {path} "]), ["1"])
    assert (key, [*record]) == (("1", []) if path == "key" else (None, [path.partition(".")[0]]))


def is_list(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in schema.get("anyOf", [schema]))


def test_the_lists_are_those_of_the_register() -> None:
    fields = SubmittedSignal.model_json_schema()["properties"]
    given = {name: record_of(**{name: "a;b"})[name] for name in fields.keys() & paths_there_are()}
    lists = {name for name, value in given.items() if isinstance(value, list)}
    assert lists == {name for name in fields if is_list(fields[name])} - {"persons"}


NO_PATHS = """
    naam Primarytype municipalities municipalities.size source group indicators.code persons persons.0
    persons.0.naam persons.10.bsn persons.a.bsn persons.0.bsn.x persons.-1.bsn municipalities. .incident
"""


@pytest.mark.parametrize("path", NO_PATHS.split())
def test_a_header_that_is_no_path_is_told_by_its_place(path: str) -> None:
    with pytest.raises(WrongColumns, match=r"^no path for column 2, 4: see the column map$"):
        BY_HEADERS.paths(["note", path, "", "900000012"])


def test_many_wrong_headers_are_told_by_the_first_places() -> None:
    with pytest.raises(WrongColumns, match=r"^no path for column 1, 2, 3, 4, 5 …: see the column map$"):
        BY_HEADERS.paths(["Jansen"] * 7)


def test_a_column_without_a_header_is_not_used() -> None:
    paths = BY_HEADERS.paths(["note", "", "  "])
    assert paths == ["note", "", ""]
    assert BY_HEADERS.record(paths, ["a", "b", "c"]) == ({"note": "a"}, None)


@pytest.mark.parametrize("header", [["note", "key", "note"], ["note", " note "]], ids=str)
def test_two_columns_with_one_path_are_refused(header: list[str]) -> None:
    with pytest.raises(WrongColumns, match="same path"):
        BY_HEADERS.paths(header)


@pytest.mark.parametrize(("cell", "key"), [(" JPT-1 ", "JPT-1"), ("", None), ("  ", None)])
def test_a_row_has_its_own_key_where_that_is_filled_in(cell: str, key: str | None) -> None:
    assert BY_HEADERS.record(BY_HEADERS.paths(["key", "note"]), [cell, "x"]) == ({"note": "x"}, key)


def test_a_map_names_translates_and_fixes() -> None:
    columns = read_map(MAP)
    paths = columns.paths(HEADER)
    record, key = columns.record(paths, ["17", "loverboy", "900000012", "op school ;ONLINE"])

    assert paths == ["", "primaryType", "persons.0.bsn", "settings"]
    assert key is None
    assert record == {
        "primaryType": "LOVERBOY",
        "settings": ["SCHOOL", "ONLINE"],
        "legalBasis": "JW_REPORT",
        "persons": [{"bsn": "900000012", "role": "VICTIM"}],
    }


def test_a_row_without_a_person_has_none_though_its_role_is_fixed() -> None:
    columns = read_map(MAP)
    record, _ = columns.record(columns.paths(HEADER), ["17", "SEXTORTION", " ", ""])
    assert record == {"primaryType": "SEXTORTION", "legalBasis": "JW_REPORT", "persons": []}


EMPTY = {
    "role": "VICTIM",
    "municipality": "GM0794",
    "victimStatus": "POSSIBLE",
    "gender": "F",
    "ageBand": "UNKNOWN",
}


@pytest.mark.parametrize(("name", "code"), EMPTY.items(), ids=EMPTY.keys())
def test_what_is_fixed_makes_nobody_of_an_empty_place(name: str, code: str) -> None:
    columns = ColumnMap(None, {f"persons.1.{name}": code}, {})
    cells = {"persons__0__bsn": "900000012", "persons__1__bsn": ""}
    assert record_of(columns, **cells) == {"persons": [{"bsn": "900000012"}]}


def test_a_person_who_is_fixed_as_unknown_is_in_every_row() -> None:
    someone = {"pseudonym": "UNKNOWN", "role": "VICTIM", "ageBand": "UNKNOWN", "gender": "UNKNOWN"}
    columns = ColumnMap(None, {f"persons.0.{name}": code for name, code in someone.items()}, {})
    assert record_of(columns, note="x") == {"note": "x", "persons": [someone]}


@pytest.mark.parametrize("name", sorted(IDENTIFIERS | {"pseudonym", "alsoKnownAs", "ageBand", "gender"}))
def test_a_person_of_whom_something_is_filled_in_is_not_dropped(name: str) -> None:
    (person,) = record_of(**{f"persons__1__{name}": "x"})["persons"]
    assert person.keys() == {name}


TRANSLATED = {
    "primaryType": "LOVERBOY",
    "note": "een woord",
    "municipalities.incident": "GM0794",
    "group.setting": "STREET",
    "persons.0.sex": "F",
    "group.size": "20",
    "observedFrom": "2026-11-01",
}


@pytest.mark.parametrize(("path", "code"), TRANSLATED.items(), ids=TRANSLATED.keys())
def test_a_cell_of_any_path_is_translated_and_others_stay(path: str, code: str) -> None:
    columns = read_map(f'[values."{path}"]\n"zoiets" = "{code}"\n')
    cells = {path.replace(".", "__"): "zoiets"}
    assert record_of(columns, **cells) == record_of(**dict.fromkeys(cells, code))
    assert record_of(columns, **dict.fromkeys(cells, "anders")) == record_of(**dict.fromkeys(cells, "anders"))


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ([*HEADER, "Naam Jansen"], "no path for column 5"),
        ([*HEADER, "primaryType"], "no path for column 5"),
        (HEADER[:2], "2 columns of the map are not in the file"),
        ([*HEADER, "Soort"], "same path"),
    ],
    ids=["a column too many", "a path for a header", "columns too few", "a column twice"],
)
def test_a_file_that_does_not_fit_its_map_is_refused(header: list[str], told: str) -> None:
    with pytest.raises(WrongColumns, match=told) as wrong:
        read_map(MAP).paths(header)
    assert "Jansen" not in str(wrong.value)


def test_what_is_fixed_has_no_column_too() -> None:
    with pytest.raises(WrongColumns, match="same path"):
        read_map('[fixed]\n"legalBasis" = "WGS"\n').paths(["legalBasis"])


def test_a_column_that_is_not_used_may_be_there_twice() -> None:
    assert read_map('[columns]\n"a" = ""\n').paths(["a", "a"]) == ["", ""]


BROKEN_MAPS = {
    "no TOML": "[columns",
    "a key twice": '[columns]\n"a" = "note"\n"a" = "key"\n',
    "another table": '[colums]\n"a" = "note"\n',
    "a loose value": 'note = "a"\n',
    "columns that are a text": 'columns = "note"\n',
    "columns that are a list": 'columns = ["note"]\n',
    "a path that is a number": '[columns]\n"a" = 1\n',
    "a path in a table": '[columns.a]\n"b" = "note"\n',
    "fixed that is a number": "fixed = 1\n",
    "fixed with a number": '[fixed]\n"group.size" = 4\n',
    "values that are a text": 'values = "note"\n',
    "values that are a list": 'values = ["note"]\n',
    "values without a path": '[values]\n"note" = "a"\n',
    "values with a number": '[values."note"]\n"a" = 1\n',
    "no such path": '[columns]\n"a" = "naam"\n',
    "no such path fixed": '[fixed]\n"persons.10.role" = "VICTIM"\n',
    "nothing fixed": '[fixed]\n"" = "VICTIM"\n',
    "no such path of values": '[values."naam"]\n"a" = "b"\n',
}


@pytest.mark.parametrize("text", BROKEN_MAPS.values(), ids=BROKEN_MAPS.keys())
def test_a_map_that_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(WrongColumns, match="column map"):
        read_map(text)


@pytest.mark.parametrize("text", ["", "[columns]\n", "# niets\n"], ids=["nothing", "no columns", "a remark"])
def test_a_map_without_columns_takes_the_headers(text: str) -> None:
    assert read_map(text).paths(["note", "key"]) == ["note", "key"]


@given(st.dictionaries(st.sampled_from(sorted(paths_there_are())), st.text(max_size=12)))
def test_no_cell_stops_a_row(cells: dict[str, str]) -> None:
    record, key = BY_HEADERS.record(BY_HEADERS.paths([*cells]), list(cells.values()))
    assert record.keys() <= {path.partition(".")[0] for path, cell in cells.items() if cell.strip()}
    assert key == (cells.get("key", "").strip() or None)
