"""A rule set as a table: nothing is lost on the way through a spreadsheet, and each fault is told with its cell."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import Invalid
from service.routing.defaults import NAMES, default_rule_sets
from service.routing.rules import Rule
from service.routing.table import from_table, to_table
from service.vocabulary.lists import codes
from tests.routing.test_analysis import OUTCOMES, conditions, rule


def wire(one: Rule) -> dict[str, Any]:
    return one.model_dump(mode="json", exclude_none=True)


FORMULAS = ("=1+1", "+31", "-5", "@SUM(A1)", "\t=1", " =1", "\n=1", "\u00a0=1")


@pytest.mark.parametrize("name", NAMES)
def test_a_default_set_comes_back_as_it_was(name: str) -> None:
    rules = default_rule_sets()[name].rules
    table = to_table(rules)
    assert from_table(table.encode()) == rules
    assert from_table(as_excel_saves(table)) == rules


def as_excel_saves(table: str) -> bytes:
    """In the Netherlands: with semicolons, a byte order mark, an empty row at the end."""
    text = io.StringIO(newline="")
    rows = list(csv.reader(io.StringIO(table, newline="")))
    csv.writer(text, delimiter=";").writerows([*rows, [""] * len(rows[0])])
    return text.getvalue().encode("utf-8-sig")


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30).filter(
    lambda text: text.strip() == text and bool(text)
) | st.text("'=+-@ x", min_size=1).filter(lambda text: text.strip() == text)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(conditions(), st.sampled_from(OUTCOMES), WORDS | st.sampled_from(FORMULAS[:4])),
        min_size=1,
        max_size=4,
    )
)
def test_any_rules_come_back_as_they_were(drawn: list[tuple[dict[str, Any], dict[str, Any], str]]) -> None:
    rules = []
    for number, (when, then, words) in enumerate(drawn):
        text = {"nl": words, "en": words}
        targets = codes("referral_target")[: number * 4]
        said = {**then, "suggest": [{"target": target, "why": text} for target in targets]}
        rules.append(Rule.model_validate(wire(rule(f"rule-{number}", when, said)) | {"why": text}))
    assert from_table(to_table(rules).encode()) == tuple(rules)


def faults(table: str | bytes) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        from_table(table.encode() if isinstance(table, str) else table)
    return [(fault.pointer, fault.code) for fault in refused.value.errors]


TABLE = to_table([rule("first", {"urgency": ["ACUTE"]}), rule("last", {})])


def with_cell(line: int, column: str, cell: str) -> str:
    rows = list(csv.reader(io.StringIO(TABLE, newline="")))
    rows[line - 1][rows[0].index(column)] = cell
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


SHIELDED = ("'=1", "''=1", "'s avonds", "''", "'", "=1", "x ' =y")


@pytest.mark.parametrize("words", SHIELDED)
def test_an_apostrophe_comes_back_as_it_was(words: str) -> None:
    text = {"nl": words, "en": words}
    rules = (Rule.model_validate(wire(rule("first", {})) | {"why": text, "basis": words}),)
    assert from_table(to_table(rules).encode()) == rules


def test_twelve_suggestions_keep_their_order() -> None:
    targets = codes("referral_target")
    assert len(targets) == 12
    suggest = [{"target": target, "why": {"nl": target, "en": target}} for target in reversed(targets)]
    rules = (rule("first", {}, {**OUTCOMES[0], "suggest": suggest}),)
    assert from_table(to_table(rules).encode()) == rules


def test_a_fault_of_what_moved_up_is_told_at_its_own_cell() -> None:
    suggest = [{"target": target, "why": {"nl": "a", "en": "b"}} for target in ("HALT", "RIEC", "NLA")]
    table = to_table([rule("first", {}, {**OUTCOMES[0], "suggest": suggest})])
    emptied = table.replace("HALT,a,b", ",,").replace("NLA", "NOBODY")
    assert faults(emptied) == [("cell:2:then.suggest.3.target", "unknown-code")]


def test_more_columns_and_rows_than_there_can_be_are_told_once() -> None:
    for much in ("," * 400_000, "a;" * 200_000, "x\r\n" * 150_000, "name,basis\r\n" + "a\r\n" * 100_000):
        assert len(faults(much)) <= 501


def test_what_is_listed_twice_is_told_and_everything_else_with_it() -> None:
    header, row = (
        "name,then.suggest.1.target,then.suggest.1.target,colour,then.priority",
        "one,HALT,NLA,red,URGENT",
    )
    assert {
        ("cell:1:then.suggest.1.target", "repeated"),
        ("cell:1:4", "unknown"),
        ("cell:2:then.priority", "unknown-code"),
    } <= set(faults(f"{header}\r\n{row}\r\n"))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_refused(formula: str) -> None:
    ends_on = 3 + formula.count("\n")
    assert (f"cell:{ends_on}:basis", "formula") in faults(with_cell(3, "basis", formula))


def test_no_cell_of_ours_is_a_formula() -> None:
    table = to_table([Rule.model_validate(wire(rule("one", {})) | {"basis": "=HYPERLINK(1)"})])
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["basis"] == "'=HYPERLINK(1)"


WRONG = {
    "when.urgency.anyOf": ("ACUTE SOON", "when.urgency.anyOf"),
    "then.priority": ("URGENT", "then.priority"),
    "then.dueWorkingDays": ("31", "then.dueWorkingDays"),
    "name": ("Not A Name", "name"),
    "why.nl": ("", "why.nl"),
}


@pytest.mark.parametrize("column", WRONG)
def test_a_wrong_cell_is_told_with_its_place(column: str) -> None:
    cell, told = WRONG[column]
    assert [pointer for pointer, _ in faults(with_cell(2, column, cell))] == [f"cell:2:{told}"]


def test_all_faults_are_told_at_once() -> None:
    found = faults(with_cell(2, "when.urgency.anyOf", "SOON").replace("LOCAL", "ELSEWHERE"))
    assert found == [
        ("cell:2:when.urgency.anyOf", "unknown-code"),
        ("cell:2:then.contactPoint", "unknown-code"),
        ("cell:3:then.contactPoint", "unknown-code"),
    ]


def test_a_name_that_is_there_twice_is_told() -> None:
    assert faults(with_cell(3, "name", "first")) == [("cell:3:name", "twice")]


def test_what_is_no_such_table_is_told() -> None:
    assert faults(b"name\xff") == [("cell:1:", "not-utf-8")]
    assert ("cell:1:2", "unknown") in faults("name,colour\r\nfirst,red\r\n")
    assert ("cell:1:name", "repeated") in faults("name,name\r\na,b\r\n")
    assert ("cell:2:", "wrong-length") in faults("name,basis\r\nfirst\r\n")
    assert faults('name,basis\r\n"first,x\r\n') == [("cell:2:", "broken")]
    assert faults("") == faults(TABLE.partition("\r\n")[0]) == [("cell:1:", "no-rules")]
    assert faults("name,basis\r\n" + "a" * 140_000 + ",b\r\n") == [("cell:2:", "broken")]
    many = "name,basis\r\n" + "a,b\r\n" * 201
    assert ("cell:202:", "too-many") in faults(many)
