"""The analysis of rule sets: against trying every signal of a small world, and on sets with planted faults."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.intake.models import SubmittedPerson
from service.routing.analysis import MOST_OVERLAPS, analyse
from service.routing.decide import CompiledRule, compile_rule, decide
from service.routing.defaults import NAMES, default_rule_sets
from service.routing.facts import Facts, PersonFacts
from service.routing.findings import Finding
from service.routing.rules import Rule
from service.routing.space import Space, every_signal, persons_of
from service.signals.models import MAX_PERSONS, RegistrableFlag, RegistrableType
from service.vocabulary.lists import codes

SMALL = Space(
    types=("LOVERBOY", "SHAME_SEXTING"),
    settings=("SCHOOL",),
    indicators=("X02", "K04"),
    flag_criteria=(),
    urgencies=(None, "ACUTE"),
    flags=(None, "RED"),
    reporter_types=("JPT", "POLICE"),
    persons=persons_of(("VICTIM", "SUSPECT"), ("A12_15", "A18_22"), ("F",), ("POSSIBLE",)),
    most_persons=2,
)


def subsets(codes: Sequence[Any], most: int | None = None) -> Iterator[tuple[Any, ...]]:
    for size in range((len(codes) if most is None else most) + 1):
        yield from combinations(codes, size)


def whole_world() -> Iterator[Facts]:
    """Every signal of the small world."""
    parts = (
        SMALL.types,
        subsets(SMALL.types),
        subsets(SMALL.settings),
        subsets(SMALL.indicators),
        SMALL.urgencies,
        SMALL.flags,
        SMALL.reporter_types,
        subsets(SMALL.persons, SMALL.most_persons),
    )
    for primary, types, where, seen, urgency, flag, reporter, persons in product(*parts):
        if primary in types:
            codes = frozenset(types), frozenset(where), frozenset(seen)
            yield Facts(primary, *codes, urgency, flag, frozenset(), reporter, persons, group=False)


WORLD = [(facts, facts.atoms(), [one.atoms() for one in facts.persons]) for facts in whole_world()]
OUTCOMES = [
    {"contactPoint": level, "priority": priority, "suggest": [], "advise": []}
    for level in ("LOCAL", "REGIONAL")
    for priority in ("HIGH", "LOW")
]
TEXT = {"nl": "Omdat.", "en": "Because."}


def rule(name: str, when: dict[str, Any], then: dict[str, Any] = OUTCOMES[0]) -> Rule:
    return Rule.model_validate({"name": name, "when": when, "then": then, "why": TEXT, "basis": "a test"})


def some(codes: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(codes), min_size=1, max_size=2, unique=True)


def choice(codes: Sequence[str], *, several: bool = False) -> st.SearchStrategy[dict[str, list[str]]]:
    names = ("anyOf", "noneOf", "allOf") if several else ("anyOf", "noneOf")
    drawn = st.dictionaries(st.sampled_from(names), some(codes), min_size=1, max_size=2)
    return drawn.filter(_contradicts_itself_nowhere)


def _contradicts_itself_nowhere(drawn: dict[str, list[str]]) -> bool:
    """What does is refused before it is analysed."""
    excluded = set(drawn.get("noneOf", ()))
    return not (excluded >= set(drawn.get("anyOf", ())) and "anyOf" in drawn) and not (
        excluded & set(drawn.get("allOf", ()))
    )


def conditions() -> st.SearchStrategy[dict[str, Any]]:
    """Conditions in the codes of the small world, and some that nothing in it has."""
    person = st.fixed_dictionaries(
        {},
        optional={
            "roles": choice(("VICTIM", "SUSPECT", "RECRUITER")),
            "ageBands": choice(("A12_15", "A18_22")),
            "victimStatuses": choice(("POSSIBLE", "ABSENT")),
        },
    ).filter(bool)
    return st.fixed_dictionaries(
        {},
        optional={
            "types": choice(SMALL.types, several=True),
            "primaryType": choice(SMALL.types),
            "indicators": choice(SMALL.indicators, several=True),
            "settings": choice(("SCHOOL", "ONLINE"), several=True),
            "urgency": choice(("ACUTE", "ABSENT", "CONCERN")),
            "flag": choice(("RED", "ABSENT")),
            "reporterType": choice(SMALL.reporter_types),
            "person": person,
        },
    )


RULES = st.lists(st.tuples(conditions(), st.sampled_from(OUTCOMES)), min_size=1, max_size=6).map(
    lambda drawn: [rule(f"rule-{number}", *each) for number, each in enumerate(drawn)]
)


def tried(rules: Sequence[Rule]) -> set[tuple[str, ...]]:
    """What trying every signal finds; of a covered rule not by which rules."""
    compiled = [compile_rule(one) for one in rules]
    met, decides, meetings, untaken = set(), set(), set(), False
    for _, signal, persons in WORLD:
        matching = [number for number, one in enumerate(compiled) if one.matches(signal, persons)]
        met.update(matching)
        untaken = untaken or not matching
        if matching:
            decides.add(matching[0])
            meetings |= {(matching[0], other) for other in matching[1:]}
    found: set[tuple[str, ...]] = {("no-catch-all",)} if untaken else set()
    for number, one in enumerate(rules):
        if number not in met:
            found.add(("impossible-rule", one.name))
        elif number not in decides:
            found.add(("covered-rule", one.name))
    for first, second in meetings:
        catch_all = rules[second].when.is_empty
        if second in decides and not catch_all and rules[first].then != rules[second].then:
            found.add(("overlap", rules[first].name, rules[second].name))
    return found


def told(findings: Sequence[Finding]) -> set[tuple[str, ...]]:
    return {
        (one.kind, one.rules[-1]) if one.kind == "covered-rule" else (one.kind, *one.rules)
        for one in findings
    }


@settings(max_examples=150, deadline=None)
@given(RULES)
def test_the_analysis_says_the_same_as_trying_every_signal(rules: list[Rule]) -> None:
    analysis = analyse(rules, SMALL)
    findings = analysis.findings
    assert told(findings) == tried(rules)
    compiled = {one.name: compile_rule(one) for one in rules}
    everything = {facts for facts, _, _ in WORLD}
    for finding in findings:
        if finding.example is not None:
            assert finding.example in everything
        if finding.kind == "covered-rule":
            takes_exactly(compiled, finding)
    dead = {one.rules[-1] for one in findings if one.kind in ("impossible-rule", "covered-rule")}
    assert analysis.examples.keys() == compiled.keys() - dead
    for name, facts in analysis.examples.items():
        assert facts in everything
        assert decide(facts, list(compiled.values())).rule == name


def takes_exactly(compiled: dict[str, CompiledRule], finding: Finding) -> None:
    """The rules that it names take every signal of the covered one, and no fewer of them do."""
    *takers, covered = finding.rules
    its = [(signal, persons) for _, signal, persons in WORLD if compiled[covered].matches(signal, persons)]
    for left_out in (None, *takers):
        others = [compiled[taker] for taker in takers if taker != left_out]
        all_taken = all(any(other.matches(*one) for other in others) for one in its)
        assert all_taken == (left_out is None)


YOUNG_SUSPECT = {"person": {"roles": ["SUSPECT"], "ageBands": ["A12_15"]}}


@given(st.lists(st.sampled_from(every_signal().persons), max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_young_victim_and_an_old_suspect_never_meet_a_rule_for_young_suspects(
    others: list[PersonFacts],
) -> None:
    """A person condition is about one and the same person."""
    victim = PersonFacts("VICTIM", "A12_15", "F", None)
    suspect = PersonFacts("SUSPECT", "A45_PLUS", "M", None)
    young = compile_rule(rule("young-suspects", YOUNG_SUSPECT))
    persons = [one for one in others if (one.role, one.age_band) != ("SUSPECT", "A12_15")]
    everybody = [one.atoms() for one in (victim, suspect, *persons)]
    assert not young.matches(frozenset(), everybody)
    assert young.matches(frozenset(), [*everybody, PersonFacts("SUSPECT", "A12_15", "M", None).atoms()])


def test_it_knows_that_a_person_condition_is_about_one_person() -> None:
    """A rule for young suspects does not cover one for a suspect beside a young victim."""
    both = {"person": {"roles": ["SUSPECT"], "ageBands": ["A45_PLUS"]}, "types": ["LOVERBOY"]}
    rules = [rule("young", YOUNG_SUSPECT), rule("old", both, OUTCOMES[1]), rule("all", {})]
    (meeting,) = analyse(rules).findings
    assert (meeting.kind, meeting.rules) == ("overlap", ("young", "old"))
    assert meeting.example is not None
    assert len(meeting.example.persons) == 2


def test_planted_faults_are_found_with_small_examples() -> None:
    acute = {"urgency": ["ACUTE"]}
    rules = [
        rule("acute", acute),
        rule("loverboy", {"types": ["LOVERBOY"]}, OUTCOMES[1]),
        rule("acute-loverboy", acute | {"types": ["LOVERBOY"]}, OUTCOMES[2]),
        rule("status-of-a-suspect", {"person": {"roles": ["SUSPECT"], "victimStatuses": ["ACTUAL"]}}),
        rule("no-type", {"primaryType": ["LOVERBOY"], "types": {"noneOf": ["LOVERBOY"]}}),
    ]
    found = analyse(rules).findings
    assert [(one.kind, one.rules) for one in found] == [
        ("covered-rule", ("acute", "acute-loverboy")),
        ("impossible-rule", ("status-of-a-suspect",)),
        ("impossible-rule", ("no-type",)),
        ("no-catch-all", ()),
        ("overlap", ("acute", "loverboy")),
    ]
    for one in found:
        if one.example is not None:
            assert one.example.persons == ()
            assert one.example.settings | one.example.indicators == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_the_default_sets_have_no_error(name: str) -> None:
    errors = [one for one in analyse(default_rule_sets()[name].rules).findings if one.is_error]
    assert errors == []


def test_the_signals_that_there_can_be_are_those_of_intake() -> None:
    """Each kind of person is one that intake lets in, and there is no other; a signal has as many."""
    space = every_signal()
    assert space.most_persons == MAX_PERSONS
    allowed = set()
    names = ("person_role", "age_band", "gender", "victim_status")
    for role, age_band, gender, status in product(*map(codes, names[:3]), (None, *codes(names[3]))):
        wire = {"role": role, "ageBand": age_band, "gender": gender, "pseudonym": "UNKNOWN"}
        with suppress(ValidationError):
            SubmittedPerson.model_validate(wire | ({"victimStatus": status} if status else {}))
            allowed.add(PersonFacts(role, age_band, gender, status))
    assert set(space.persons) == allowed
    assert {code for code in space.flags if code} == {
        code for code in codes("severity_flag") if accepted(RegistrableFlag, code)
    }
    assert set(space.types) == {code for code in codes("signal_type") if accepted(RegistrableType, code)}


def accepted(kind: Any, code: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(code)
    except ValidationError:
        return False
    return True


def test_a_signal_has_only_so_many_persons() -> None:
    """Rules that meet only in a signal with two persons do not meet where a signal has one."""
    alone = replace(SMALL, most_persons=1)
    rules = [
        rule("victim", {"person": {"roles": ["VICTIM"]}}),
        rule("suspect", {"person": {"roles": ["SUSPECT"]}}, OUTCOMES[1]),
        rule("all", {}),
    ]
    assert [one.kind for one in analyse(rules, SMALL).findings] == ["overlap"]
    assert analyse(rules, alone).findings == []


def test_after_many_overlaps_that_there_are_more() -> None:
    kinds = [one.kind for one in analyse(default_rule_sets()["helmond"].rules).findings]
    assert kinds == ["overlap"] * MOST_OVERLAPS + ["more-overlaps"]


def test_out_of_time_is_told() -> None:
    assert [one.kind for one in analyse([rule("all", {})], seconds=-1.0).findings] == ["analysis-incomplete"]
