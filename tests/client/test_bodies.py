"""What leaves of a partner's record, what is refused before it leaves, and which values stand for a person."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.client.bodies import FIELDS, IDENTIFIERS, PARTS, PERSON_FIELDS, UnfitRecord, prepare
from service.intake.models import REFERENCE_FORM, SubmittedPerson, SubmittedSignal
from service.signals.models import Group, Indicator, Municipalities, Source
from tests.support.partner import bsns

TODAY = date(2026, 11, 25)
(BSN,), (ZERO,) = bsns(1), bsns(1, 9_000_000)
NAMED = {"surname": "van der Berg", "firstName": "Sanne", "dateOfBirth": "14-3-2010", "sex": "V"}
B, N = ("b", BSN), ("n", "BERG|S|2010-03-14|F")
TOKENS = {B: "e1.b." + "I" * 43, N: "e1.n." + "M" * 43}
OTHER = "e2.n." + "A" * 43
SCHEMA = SubmittedSignal.model_json_schema()
RECORD: dict[str, Any] = (
    {"primaryType": "LOVERBOY", "types": ["LOVERBOY"], "observedFrom": "2026-11-01", "urgency": None}
    | {"municipalities": {"incident": "GM0794"}, "settings": ["SCHOOL", "ONLINE"], "handlingCodes": ["H0"]}
    | {"indicators": [{"code": "C02", "observation": "OBSERVED"}], "group": {"size": 4, "setting": "STREET"}}
    | {"source": {"reliability": "A", "information": "1"}, "flagCriteria": ["CONSENT"]}
    | {"note": "Staat vaak bij het station met een oudere man.", "partnerReference": "JPT-2026/17"}
    | {"reportedBy": "0199c0de-0000-7000-8000-000000000001"}
)
SHOWN = re.compile(f"naam|jansen|sanne|zo[eë]|berg|lotte|loverboy|{BSN}|90000|2010|782|2\\.5", re.IGNORECASE)
PERSON = {"role": "VICTIM", "ageBand": "A16_17", "gender": "F"}


def record(*persons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A record that can be posted if these persons can, with changes."""
    return deepcopy(RECORD) | {"persons": [{**PERSON, **one} for one in persons]} | changes


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """A record with another value at a place."""
    body: Any = record({"bsn": BSN})
    *way, last = (int(step) if step.isdecimal() else step for step in pointer[1:].split("/"))
    part = body
    for step in way:
        part = part[step]
    part[last] = value
    return dict(body)


def faults_of(given: Any) -> set[tuple[str, str]]:
    """Pointer and code of each fault of a record, which show nothing of it; none if it can be posted."""
    try:
        prepare(given, today=TODAY)
    except UnfitRecord as unfit:
        faults, told = unfit.faults, f"{unfit} {unfit.args} {unfit.faults}"
    else:
        return set()
    assert not SHOWN.search(told)
    return {(fault.pointer, fault.code) for fault in faults}


def flat(table: dict[tuple[str, str], list[Any]]) -> list[Any]:
    return [(fault, cause) for fault, causes in table.items() for cause in causes]


def posted(given: Any) -> dict[str, Any]:
    return prepare(given, today=TODAY).with_tokens(TOKENS)


def samples(schema: Any) -> Iterator[Any]:
    """Every code, and every null, that the register takes, in the smallest part of a body that holds it."""
    schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    yield from [None] if schema.get("type") == "null" else schema.get("enum", ())
    for choice in schema.get("anyOf", ()):
        yield from samples(choice)
    if "items" in schema:
        yield from ([one] for one in samples(schema["items"]))
    for name, inner in schema.get("properties", {}).items():
        yield from ({name: one} for one in samples(inner))


def wire_names(model: Any) -> set[str]:
    return {field.alias for field in model.model_fields.values()}


def test_the_fields_are_those_of_the_register() -> None:
    nested = {"municipalities": Municipalities, "group": Group, "source": Source, "indicators": Indicator}

    assert wire_names(SubmittedSignal) == FIELDS
    assert wire_names(SubmittedPerson) == PERSON_FIELDS
    assert {name: wire_names(model) for name, model in nested.items()} == PARTS
    assert SCHEMA["$defs"].keys() == {model.__name__ for model in (*nested.values(), SubmittedPerson)}
    assert not IDENTIFIERS & (FIELDS | PERSON_FIELDS)


def test_every_code_and_every_null_that_the_register_takes_may_leave() -> None:
    taken = list(samples(SCHEMA))

    assert {next(iter(one)) for one in taken} == FIELDS - {"observedFrom"}
    assert len(taken) > 2 * 342
    for one in taken:
        persons = [{"pseudonym": "UNKNOWN", **person} for person in one.get("persons", ())]
        assert faults_of({**one, "persons": persons}) == set(), one


def test_what_is_in_its_form_leaves_as_it_is_and_the_record_stays_as_it_was() -> None:
    given = record({"bsn": BSN})

    filled_in = {name: value for name, value in RECORD.items() if value is not None}
    assert posted(given) == {**filled_in, "persons": [PERSON | {"pseudonym": TOKENS[B]}]}
    assert given == record({"bsn": BSN})
    assert posted(record()) == {**filled_in, "persons": []}


PLACES = """
    /primaryType /types/0 /municipalities/incident /settings/1 /indicators/0/code /indicators/0/observation
    /urgency /flag /flagCriteria/0 /group/setting /source /source/reliability /source/information
    /handlingCodes/0 /legalBasis /consent /persons/0/role /persons/0/ageBand /persons/0/gender
    /persons/0/municipality /persons/0/victimStatus
"""
NO_CODES: dict[tuple[str, str], list[Any]] = {
    ("", "unknown-code"): ["JANSEN", "loverboy", BSN, "2010-03-14"],
    ("", "wrong-type"): [int(BSN), True],
    ("/0/0", "unknown-code"): [[["JANSEN"]]],
    ("", "unknown-field"): [{"naam": "JANSEN"}, {"code": "C02"}],
    ("/0", "unknown-field"): [[{"naam": "JANSEN"}]],
}
NO_FORM: dict[tuple[str, str], list[Any]] = {
    ("", "wrong-type"): [None, "JANSEN", 782, ["JANSEN"]],
    **{(place, "wrong-type"): [782] for place in ("/primaryType", "/settings/1", "/persons/0/role")},
    ("/observedFrom", "wrong-form"): ["14-3-2010", "2010-03-14\n", "LOVERBOY"],
    ("/observedUntil", "wrong-form"): [BSN],
    ("/observedUntil", "wrong-type"): [int(BSN)],
    ("/group/size", "wrong-type"): [int(BSN), 2.5, -1, True],
    ("/reportedBy", "wrong-form"): ["JANSEN", int(BSN)],
    ("/partnerReference", "wrong-form"): ["900000000", "A90000000", "1234567", "J" * 41, int(BSN)],
    ("/note", "note.no-text"): [int(BSN), ["JANSEN"]],
    ("/note", "note.name"): ["Lotte de Boer stond bij de bushalte."],
    ("/note", "note.phone"): ["Zij is te bereiken op 06-90000000."],
    ("/note", "note.bsn"): [f"Het nummer is {BSN}."],
    ("/persons", "wrong-type"): ["JANSEN", [782], [[{"bsn": BSN}]], {"0": {"bsn": BSN}}],
}
OBJECTS = ["", "/municipalities", "/group", "/source", "/indicators/0", "/persons/0"]


@pytest.mark.parametrize("place", PLACES.split())
@pytest.mark.parametrize(("fault", "value"), flat(NO_CODES), ids=str)
def test_what_is_no_code_does_not_leave(place: str, fault: tuple[str, str], value: Any) -> None:
    assert faults_of(changed(place, value)) == {(place + fault[0], fault[1])}


@pytest.mark.parametrize(("fault", "value"), flat(NO_FORM), ids=str)
def test_what_is_not_in_its_form_does_not_leave(fault: tuple[str, str], value: Any) -> None:
    given = changed(fault[0], value) if fault[0] else value
    assert fault in faults_of(given)


@pytest.mark.parametrize("place", OBJECTS, ids=lambda place: place or "top")
def test_a_field_that_the_register_does_not_know_does_not_leave(place: str) -> None:
    given = changed(f"{place}/naam JANSEN", BSN)
    assert faults_of(given) == {(place or "/", "unknown-field")}


@pytest.mark.parametrize("persons", [None, 0, False, "", {}], ids=repr)
def test_persons_that_are_empty_in_another_way_are_refused_or_nobody(persons: Any) -> None:
    given = record(persons=persons)
    assert faults_of(given) == {("/persons", "wrong-type")} or not posted(given).get("persons")


@given(st.text(alphabet="aZ059./-_ \né٣", max_size=42))
def test_a_reference_is_taken_where_the_register_takes_it(reference: str) -> None:
    refused = faults_of({"partnerReference": reference})
    assert bool(refused) == (re.fullmatch(REFERENCE_FORM, reference) is None)


MARK = "Jansen-900000012"
NAMES = st.sampled_from([MARK, *sorted(FIELDS | PERSON_FIELDS | IDENTIFIERS | {"incident", "code", "size"})])
ANYTHING = st.recursive(
    st.sampled_from([MARK, MARK.upper(), "900000012", "LOVERBOY", "", "2026-11-01", 900000012, 3, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
SOMEBODY = st.dictionaries(NAMES, ANYTHING, max_size=3).map(lambda one: {"bsn": BSN, **one})


@settings(deadline=None)
@given(st.dictionaries(NAMES, ANYTHING, max_size=2), st.lists(SOMEBODY, max_size=2))
def test_wherever_a_name_or_a_number_stands_it_neither_leaves_nor_is_told(changes: Any, persons: Any) -> None:
    try:
        prepared = prepare({**changes, "persons": persons}, today=TODAY)
    except UnfitRecord as unfit:
        told = str(unfit.faults)
    else:
        told = json.dumps(prepared.with_tokens(dict.fromkeys(prepared.all_values, OTHER)))
    assert not re.search("jansen|900000012", told, re.IGNORECASE)


TWO = {"pseudonym": OTHER, "alsoKnownAs": [TOKENS[N]]}
KNOWN: dict[str, tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]] = {
    "a BSN": ({"bsn": BSN}, (B,), {"pseudonym": TOKENS[B]}),
    "a BSN with dots": ({"bsn": f" {BSN[:4]}.{BSN[4:6]}.{BSN[6:]}"}, (B,), {"pseudonym": TOKENS[B]}),
    "a name": (NAMED, (N,), {"pseudonym": TOKENS[N]}),
    "both": ({**NAMED, "bsn": BSN}, (B, N), {"pseudonym": TOKENS[B], "alsoKnownAs": [TOKENS[N]]}),
    "a BSN and a birthday": ({"bsn": BSN, "dateOfBirth": "1-1-2020"}, (B,), {"pseudonym": TOKENS[B]}),
    "a name and no BSN": ({**NAMED, "bsn": ""}, (N,), {"pseudonym": TOKENS[N]}),
    "a BSN and no name": ({**dict.fromkeys(NAMED), "bsn": BSN}, (B,), {"pseudonym": TOKENS[B]}),
    "UNKNOWN": ({"pseudonym": "UNKNOWN"}, (), {"pseudonym": "UNKNOWN"}),
    "two tokens": (TWO, (), TWO),
}
UNFIT: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("", "required"): [{}, {"bsn": "", "surname": None}, {"alsoKnownAs": [OTHER]}],
    ("", "wrong-type"): [{"bsn": int(BSN)}, {"bsn": [BSN]}, {**NAMED, "sex": 2}, {"surname": {"naam": ""}}],
    **{(f"/{one}", "required"): [{**NAMED, one: none} for none in ("", None)] for one in NAMED},
    ("/bsn", "eleven-test"): [{"bsn": "900000000"}, {**NAMED, "bsn": "900000000"}],
    ("/bsn", "wrong-form"): [{"bsn": "JANSEN"}],
    ("/surname", "no-letters"): [{**NAMED, "surname": "782"}],
    ("/firstName", "no-letters"): [{**NAMED, "firstName": "782"}],
    ("/sex", "unknown-code"): [{**NAMED, "sex": "JANSEN"}],
    ("/dateOfBirth", "wrong-form"): [{**NAMED, "dateOfBirth": "2010"}],
    ("/dateOfBirth", "impossible-day"): [NAMED | {"dateOfBirth": one} for one in ("31-2-2010", "26-11-2026")],
    ("/pseudonym", "not-both"): [{"pseudonym": OTHER, "bsn": BSN}, {"pseudonym": "UNKNOWN", **NAMED}],
    ("/pseudonym", "wrong-form"): [
        {"pseudonym": one}
        for one in (BSN, int(BSN), f"{OTHER}\n", OTHER[:-1], OTHER.replace("n", "x"), f"{OTHER[:-1]}B")
    ],
    ("/alsoKnownAs", "not-both"): [{**NAMED, "bsn": BSN, "alsoKnownAs": [OTHER]}],
    ("/alsoKnownAs", "wrong-form"): [{"pseudonym": OTHER, "alsoKnownAs": one} for one in (BSN, [BSN])],
}


@pytest.mark.parametrize(("person", "values", "known_by"), KNOWN.values(), ids=KNOWN.keys())
def test_a_person_is_known_by_the_tokens_of_its_values(person: Any, values: Any, known_by: Any) -> None:
    prepared = prepare(record({"bsn": BSN}, person), today=TODAY)
    assert prepared.values == ((B,), values)
    assert prepared.all_values == [B, *values]
    assert prepared.with_tokens(TOKENS)["persons"][1] == PERSON | known_by


@pytest.mark.parametrize(("fault", "person"), flat(UNFIT), ids=str)
def test_a_person_of_whom_no_token_can_be_made_is_refused(fault: tuple[str, str], person: Any) -> None:
    given = record({"bsn": BSN}, person)
    found = {one for one in faults_of(given) if one[0].startswith("/persons")}
    assert found == {(f"/persons/1{fault[0]}", fault[1])}


def test_all_faults_are_told_at_once() -> None:
    given = record(
        {"bsn": "900000000"}, {"surname": "Berg"}, {}, primaryType="JANSEN", note="Bel 06-90000000."
    )
    first = {("/primaryType", "unknown-code"), ("/note", "note.phone"), ("/persons/0/bsn", "eleven-test")}
    missing = {(f"/persons/1/{name}", "required") for name in NAMED if name != "surname"}
    assert faults_of(given) == first | missing | {("/persons/2", "required")}


BIRTHDAYS = ["JPT-14-03-2010", "JPT/2010-03-14", "J-14-3-2010"]
BETRAYED: dict[tuple[str, str], list[Any]] = {
    ("/note", "names-a-person"): ["Ze heet berg, zegt men.", "Zag ZOË.", f"Nummer 1{BSN}"],
    ("/partnerReference", "names-a-person"): ["JPT-Berg", "zoe/1", "ZBerg17", f"A{BSN[:5]}-{BSN[5:]}"],
    ("/observedFrom", "before-birth"): ["2010-03-14", "2009-12-31"],
    ("/observedUntil", "before-birth"): ["2010-03-14"],
}


@pytest.mark.parametrize(("fault", "value"), flat(BETRAYED), ids=str)
def test_what_gives_away_somebody_of_the_record_does_not_leave(fault: tuple[str, str], value: str) -> None:
    given = record({"bsn": BSN, **NAMED, "firstName": "Zoë"}, **{fault[0][1:]: value})
    assert fault in faults_of(given)


@pytest.mark.parametrize("reference", [f"A{ZERO[1:5]}-{ZERO[5:]}", *BIRTHDAYS])
def test_a_number_without_its_zero_and_a_birthday_do_not_leave_as_a_reference(reference: str) -> None:
    faults = faults_of(record({**NAMED, "bsn": ZERO}, partnerReference=reference))
    assert {pointer for pointer, _ in faults} == {"/partnerReference"}


def test_words_that_name_nobody_of_the_record_leave() -> None:
    texts = {"note": "Staat van 8 tot 9 uur bij de bergen.", "partnerReference": "VAN-DER-1"}
    assert faults_of(record(NAMED, observedFrom="2010-03-15", **texts)) == set()


AGES: dict[str, dict[str, str | None]] = {
    "14-3-2010": {"2022-03-13": "A00_11", "2022-03-14": "A12_15"},
    "20100314": {"2026-03-13": "A12_15", "2026-03-14": "A16_17"},
    "2003-11-01": {"2026-10-31": "A18_22", "2026-11-01": "A23_29"},
    "1981-11-02": {"2026-11-01": "A30_44", "2026-11-02": "A45_PLUS"},
    "29-2-2008": {"2024-02-28": "A12_15", "2024-02-29": "A16_17"},
    "29/2/2008": {"2026-02-28": "A16_17", "2026-03-01": "A18_22"},
    "1-1-1900": {"2026-11-01": "A45_PLUS"},
    "3-2010": {"2026-11-01": None},
}


@pytest.mark.parametrize(("born_on", "bands"), AGES.items(), ids=AGES.keys())
def test_an_age_band_is_that_of_the_day_of_observation(born_on: str, bands: dict[str, str | None]) -> None:
    someone = {"bsn": BSN, "dateOfBirth": born_on, "ageBand": None}
    found = {day: posted(record(someone, observedFrom=day))["persons"][0].get("ageBand") for day in bands}
    assert found == bands
