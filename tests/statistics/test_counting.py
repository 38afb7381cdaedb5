"""Who is counted, and under what: tables of cases over entries of signals."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from service.statistics.counting import (
    Course,
    Entry,
    closed_over,
    first_seen,
    reporting,
    shares_of,
    standings_of,
    tabulate,
)
from service.statistics.menu import ORGANISATIONS, SIGNALS, VICTIMS
from service.vocabulary.lists import codes

JPT, POLICE = UUID(int=1), UUID(int=2)
RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)
FORM, AGE, GENDER, REPORTER, SETTING, FORM_AGE, FORM_GENDER = (table.code for table in VICTIMS.tables)


@dataclass(frozen=True)
class Case:
    """Tokens of the entries in order of receipt, who was counted before, and which entries are one person."""

    entries: list[str]
    persons: list[list[int]]
    before: str = ""


def entry(tokens: str = "", **changes: object) -> Entry:
    """An entry; each word is a token."""
    subjects = tuple(token.encode() for token in tokens.split())
    values = {
        "organisation_id": JPT,
        "municipality": "GM0794",
        "primary_type": "LOVERBOY",
        "age_band": "A12_15",
        "gender": "F",
        "reporter_type": "JPT",
        "setting": "SCHOOL",
    } | changes
    return Entry(person_id=uuid4(), signal_id=uuid4(), received_at=RECEIVED, subjects=subjects, **values)  # type: ignore[arg-type]


CASES = {
    "nobody": Case([], []),
    "one person": Case(["b1"], [[0]]),
    "two persons": Case(["b1", "b2"], [[0], [1]]),
    "one person in two signals": Case(["b1", "b1"], [[0, 1]]),
    "somebody without a pseudonym counts once per signal": Case(["", "", "b1"], [[0], [1], [2]]),
    "one signal has both tokens, the next one of them": Case(["b1 n1", "n1"], [[0, 1]]),
    "the link comes last": Case(["b1", "n1", "b1 n1"], [[0, 1, 2]]),
    "the link comes in the middle": Case(["b1", "b1 n1", "n1"], [[0, 1, 2]]),
    "a chain of links": Case(["b1 n1", "b2 n2", "b3 n3", "n1 b2", "n2 b3"], [[0, 1, 2, 3, 4]]),
    "two chains that never meet": Case(["b1 n1", "b2 n2", "n1 b3", "n2 b4"], [[0, 2], [1, 3]]),
    "order of the first entry": Case(["b2", "b1", "b2", "b1"], [[0, 2], [1, 3]]),
    "counted before": Case(["b1", "b2"], [[1]], before="b1"),
    "counted before under the other token": Case(["b1 n1", "b2"], [[1]], before="n1"),
    "counted before, linked only now": Case(["b1", "n1 b1", "b2"], [[2]], before="n1"),
    "the one without a pseudonym was never counted before": Case(["", ""], [[0], [1]], before="b1"),
    "counted before, but not here": Case(["b1"], [[0]], before="b9 n9"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_persons_are_linked_entries(case: Case) -> None:
    entries = [entry(tokens) for tokens in case.entries]
    before = frozenset(token.encode() for token in case.before.split())
    persons = first_seen(entries, before)
    assert [[entries.index(one) for one in person.entries] for person in persons] == case.persons
    assert [entries.index(person.first) for person in persons] == [places[0] for places in case.persons]


def test_a_token_of_another_kind_is_another_token() -> None:
    assert len(first_seen([entry("b1"), entry("n1")], frozenset())) == 2


def test_the_first_signal_decides() -> None:
    first = entry("b1", municipality="GM0762", primary_type="SEXTORTION", age_band="A16_17")
    later = entry("b1", municipality="GM0794", primary_type="LABOUR_EXPLOITATION", age_band="A18_22")
    persons = first_seen([first, later], frozenset())
    areas = {"GM0794": "GM0794", "GM0762": "VR22-OTHER"}
    assert tabulate([person.first for person in persons], VICTIMS, areas) == {
        FORM: {("VR22-OTHER", "ONLINE_IMAGE"): 1},
        AGE: {("VR22-OTHER", "G16_17"): 1},
        GENDER: {("VR22-OTHER", "GF"): 1},
        REPORTER: {("VR22", "JPT"): 1},
        SETTING: {("VR22", "SCHOOL"): 1},
        FORM_AGE: {("ONLINE_IMAGE", "G16_17"): 1},
        FORM_GENDER: {("ONLINE_IMAGE", "GF"): 1},
    }


FORMS = {
    "SEXUAL_EXPLOITATION": "SEXUAL",
    "LOVERBOY": "SEXUAL",
    "JUVENILE_PROSTITUTION": "SEXUAL",
    "CRIMINAL_EXPLOITATION": "CRIMINAL",
    "LABOUR_EXPLOITATION": "LABOUR",
    "FORCED_SERVICE": "LABOUR",
    "FORCED_BEGGING": "LABOUR",
    "ORGAN_REMOVAL": "OTHER",
    "SHAME_SEXTING": "ONLINE_IMAGE",
    "SEXTORTION": "ONLINE_IMAGE",
    "ONLINE_SEXUAL_ABUSE": "ONLINE_IMAGE",
    "SEXUALLY_TRANSGRESSIVE": "TRANSGRESSIVE",
    "SEXUAL_VIOLENCE": "TRANSGRESSIVE",
    "RECRUITMENT": "OTHER",
    "OTHER": "OTHER",
    "UNKNOWN": "OTHER",
}
AGES = {
    "A00_11": "G00_11",
    "A12_15": "G12_15",
    "A16_17": "G16_17",
    "A18_22": "G18_22",
    "A23_29": "G23_PLUS",
    "A30_44": "G23_PLUS",
    "A45_PLUS": "G23_PLUS",
    "UNKNOWN": "GUNKNOWN",
}


@pytest.mark.parametrize(("form", "group"), FORMS.items())
def test_a_form_is_counted_in_its_group(form: str, group: str) -> None:
    assert tabulate([entry("b1", primary_type=form)], VICTIMS, {"GM0794": "A"})[FORM] == {("A", group): 1}


@pytest.mark.parametrize(("band", "group"), AGES.items())
def test_an_age_is_counted_in_its_group(band: str, group: str) -> None:
    assert tabulate([entry("b1", age_band=band)], VICTIMS, {"GM0794": "A"})[AGE] == {("A", group): 1}


def test_each_table_counts_the_same_persons_by_its_own_rows() -> None:
    places = ["GM0794", "GM0794", "GM0762", "GM0344"]
    entries = [entry(f"b{n}", municipality=place) for n, place in enumerate(places)]
    counts = tabulate(entries, VICTIMS, {"GM0794": "GM0794", "GM0762": "VR22-OTHER", "GM0344": "GM0344"})
    assert {sum(counts[table.code].values()) for table in VICTIMS.tables} == {4}
    assert [
        counts[table]["GM0794", code] for table, code in ((FORM, "SEXUAL"), (AGE, "G12_15"), (GENDER, "GF"))
    ] == [2] * 3
    assert [counts[table]["VR22", code] for table, code in ((REPORTER, "JPT"), (SETTING, "SCHOOL"))] == [3, 3]
    assert counts[FORM_AGE] == {("SEXUAL", "G12_15"): 4}
    assert counts[FORM_GENDER] == {("SEXUAL", "GF"): 4}


def test_a_setting_that_is_left_out_is_unknown() -> None:
    counts = tabulate([entry("b1", setting=None)], VICTIMS, {"GM0794": "GM0794"})
    assert counts[SETTING] == {("VR22", "UNKNOWN"): 1}


COURSES = {
    "waiting": (Course(JPT, "GM0794", "LOVERBOY", "JPT", False, None, None), ("RECEIVED", "NONE")),
    "taken up in time": (
        Course(JPT, "GM0794", "LOVERBOY", "JPT", True, None, True),
        ("DECIDED", "WITHIN"),
    ),
    "advice, late": (
        Course(JPT, "GM0794", "LOVERBOY", "JPT", True, "ADVICE_ONLY", False),
        ("ADVICE", "LATE"),
    ),
    "help": (
        Course(JPT, "GM0794", "LOVERBOY", "JPT", True, "SUPPORT_STARTED", True),
        ("HELP", "WITHIN"),
    ),
}


@pytest.mark.parametrize(("course", "expected"), COURSES.values(), ids=COURSES.keys())
def test_a_signal_is_counted_by_what_came_of_it(course: Course, expected: tuple[str, ...]) -> None:
    counts = tabulate([course], SIGNALS, {})
    for name, code in zip(("outcome", "feedback"), expected, strict=True):
        assert counts[f"signals-by-region-and-{name}"] == {("VR22", code): 1}
    assert counts["signals-by-region-and-form"] == {("VR22", "SEXUAL"): 1}


@pytest.mark.parametrize("outcome", codes("referral_outcome"))
def test_every_outcome_has_its_group(outcome: str) -> None:
    course = Course(JPT, "GM0794", "LOVERBOY", "JPT", True, outcome, None)
    assert course.categories["outcome"] in codes("outcome_group")


def test_an_organisation_that_reported_counts_once_in_each_region_it_reported_from() -> None:
    courses = [
        Course(organisation, municipality, "LOVERBOY", kind, False, None, None)
        for organisation, municipality, kind in (
            (JPT, "GM0794", "JPT"),
            (JPT, "GM0762", "JPT"),
            (JPT, "GM0228", "JPT"),
            (POLICE, "GM0794", "POLICE"),
        )
    ]
    counts = tabulate(reporting(courses), ORGANISATIONS, {})
    (table,) = counts.values()
    assert table == {("VR22", "JPT"): 1, ("VR07", "JPT"): 1, ("VR22", "POLICE"): 1}


def test_each_organisation_knows_the_persons_that_it_reported() -> None:
    persons = first_seen(
        [
            entry("b1", organisation_id=JPT),
            entry("b1", organisation_id=POLICE),
            entry("b2", organisation_id=JPT),
            entry("b3", organisation_id=JPT, gender="M"),
            entry("b4", organisation_id=POLICE, gender="M"),
        ],
        frozenset(),
    )
    area_of = {"GM0794": "GM0794"}
    found = shares_of(((one.first, one.organisations) for one in persons), VICTIMS, area_of)
    assert {who: its[GENDER] for who, its in found.items()} == {
        JPT: {("GM0794", "GF"): 2, ("GM0794", "GM"): 1},
        POLICE: {("GM0794", "GF"): 1, ("GM0794", "GM"): 1},
    }


def test_a_standing_knows_who_reported_a_person_first() -> None:
    persons = first_seen(
        [
            entry("b1", organisation_id=POLICE),
            entry("b1", organisation_id=JPT),
            entry("b2", organisation_id=JPT),
            entry("", organisation_id=JPT),
            entry("b3", organisation_id=POLICE, municipality="GM0762"),
        ],
        frozenset(),
    )
    assert standings_of(persons) == {
        "GM0794": {str(POLICE): 1, str(JPT): 2},
        "GM0762": {str(POLICE): 1},
    }


def test_who_was_counted_by_one_token_stays_counted_by_the_others() -> None:
    earlier = [entry("b1"), entry("b1 n1"), entry("n1 n2"), entry("b9")]

    assert closed_over(frozenset({b"b1"}), earlier) == {b"b1", b"n1", b"n2"}
    assert closed_over(frozenset(), earlier) == frozenset()
