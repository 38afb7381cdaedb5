"""The first rule that matches decides, and person conditions hold for one and the same person."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.decide import compile_rules, decide
from service.routing.facts import Facts, PersonFacts
from service.routing.rules import RuleSetContent
from service.vocabulary.lists import codes

WHY = {"nl": "Daarom.", "en": "Therefore."}
VICTIM_14 = PersonFacts("VICTIM", "A12_15", "F", "POSSIBLE")
SUSPECT_45 = PersonFacts("SUSPECT", "A45_PLUS", "M", None)
SUSPECT_14 = PersonFacts("SUSPECT", "A12_15", "M", None)
PLAIN = Facts(
    primary_type="SHAME_SEXTING",
    types=frozenset({"SHAME_SEXTING"}),
    settings=frozenset(),
    indicators=frozenset(),
    urgency=None,
    flag=None,
    flag_criteria=frozenset(),
    reporter_type="SCHOOL",
    persons=(),
    group=False,
)


def rules(*conditions: dict[str, Any]) -> RuleSetContent:
    """One rule `r0`, `r1`… for each condition, then `rest`."""
    named = {f"r{number}": when for number, when in enumerate(conditions)} | {"rest": {}}
    return RuleSetContent.model_validate(
        {
            "title": "Test",
            "municipalities": ["GM0794"],
            "rules": [
                {
                    "name": name,
                    "when": when,
                    "then": {"contactPoint": "LOCAL", "priority": "NORMAL"},
                    "why": WHY,
                    "basis": "proposal",
                }
                for name, when in named.items()
            ],
        }
    )


def decided_by(facts: Facts, *conditions: dict[str, Any]) -> str:
    return decide(facts, compile_rules(rules(*conditions))).rule


def having(**changes: Any) -> Facts:
    sets = {name: frozenset(value) for name, value in changes.items() if isinstance(value, set)}
    return replace(PLAIN, **(changes | sets))


MATCHES: list[tuple[dict[str, Any], Facts, bool]] = [
    ({"types": ["LOVERBOY", "SHAME_SEXTING"]}, PLAIN, True),
    ({"types": ["LOVERBOY"]}, PLAIN, False),
    ({"types": {"allOf": ["LOVERBOY", "SHAME_SEXTING"]}}, PLAIN, False),
    (
        {"types": {"allOf": ["LOVERBOY", "SHAME_SEXTING"]}},
        having(types={"LOVERBOY", "SHAME_SEXTING", "OTHER"}),
        True,
    ),
    ({"types": {"noneOf": ["SHAME_SEXTING"]}}, PLAIN, False),
    ({"types": {"anyOf": ["SHAME_SEXTING"], "noneOf": ["LOVERBOY"]}}, PLAIN, True),
    ({"primaryType": ["LOVERBOY"]}, having(types={"LOVERBOY", "SHAME_SEXTING"}), False),
    ({"primaryType": {"noneOf": ["LOVERBOY"]}}, PLAIN, True),
    ({"settings": ["SCHOOL"]}, PLAIN, False),
    ({"settings": ["SCHOOL"]}, having(settings={"SCHOOL", "ONLINE"}), True),
    ({"settings": {"noneOf": ["SCHOOL"]}}, PLAIN, True),
    ({"indicators": ["X02", "K04"]}, having(indicators={"K04"}), True),
    ({"indicators": {"noneOf": ["X02", "K04"]}}, having(indicators={"K04"}), False),
    ({"urgency": ["ACUTE"]}, having(urgency="ACUTE"), True),
    ({"urgency": ["ACUTE"]}, PLAIN, False),
    ({"urgency": ["ABSENT"]}, PLAIN, True),
    ({"urgency": ["ABSENT"]}, having(urgency="INFO"), False),
    ({"urgency": {"noneOf": ["ACUTE"]}}, PLAIN, True),
    ({"flag": {"noneOf": ["ABSENT"]}}, PLAIN, False),
    ({"flag": ["BLACK"]}, having(flag="BLACK"), True),
    ({"flagCriteria": {"allOf": ["CONSENT", "IMPACT"]}}, having(flag_criteria={"CONSENT"}), False),
    ({"flagCriteria": {"allOf": ["CONSENT"]}}, having(flag_criteria={"CONSENT"}), True),
    ({"reporterType": ["POLICE"]}, PLAIN, False),
    ({"reporterType": ["SCHOOL"]}, PLAIN, True),
    ({"urgency": ["ACUTE"], "reporterType": ["SCHOOL"]}, PLAIN, False),
    ({"person": {"roles": ["SUSPECT"]}}, PLAIN, False),
    ({"person": {"roles": {"noneOf": ["SUSPECT"]}}}, PLAIN, False),
    ({"person": {"roles": {"noneOf": ["SUSPECT"]}}}, having(persons=(SUSPECT_14, VICTIM_14)), True),
    ({"person": {"roles": ["SUSPECT"], "ageBands": ["A12_15"]}}, having(persons=(SUSPECT_14,)), True),
    (
        {"person": {"roles": ["SUSPECT"], "ageBands": ["A12_15"]}},
        having(persons=(VICTIM_14, SUSPECT_45)),
        False,
    ),
    ({"person": {"genders": ["M"], "victimStatuses": ["ABSENT"]}}, having(persons=(SUSPECT_45,)), True),
    ({"person": {"genders": ["F"], "victimStatuses": ["ABSENT"]}}, having(persons=(VICTIM_14,)), False),
]


@pytest.mark.parametrize(("when", "facts", "matches"), MATCHES)
def test_a_rule_matches_when_all_its_conditions_hold(
    when: dict[str, Any], facts: Facts, matches: bool
) -> None:
    assert decided_by(facts, when) == ("r0" if matches else "rest")


def test_the_first_rule_that_matches_decides() -> None:
    assert decided_by(PLAIN, {"types": ["LOVERBOY"]}, {"flag": ["ABSENT"]}, {"urgency": ["ABSENT"]}) == "r1"


def test_codes_of_different_lists_are_not_confused() -> None:
    unknown = having(persons=(PersonFacts("VICTIM", "UNKNOWN", "F", None),))
    assert decided_by(unknown, {"person": {"roles": ["UNKNOWN"]}}, {"types": ["UNKNOWN"]}) == "rest"


def test_the_decision_is_the_outcome_of_the_rule() -> None:
    wire = rules({"urgency": ["ACUTE"]}).as_json()
    wire["rules"][0]["then"] = {
        "contactPoint": "REGIONAL",
        "priority": "HIGH",
        "dueWorkingDays": 1,
        "suggest": [{"target": "VEILIG_THUIS", "why": WHY}],
        "advise": [{"code": "PHONE_FIRST", "text": WHY}],
    }
    compiled = compile_rules(RuleSetContent.model_validate(wire))
    decision = decide(having(urgency="ACUTE"), compiled)
    assert (decision.level, decision.priority, decision.due_working_days) == ("REGIONAL", "HIGH", 1)
    assert decision.as_json() == {
        "rule": "r0",
        "explanation": WHY,
        "suggestions": [{"target": "VEILIG_THUIS", "why": WHY}],
        "advice": [{"code": "PHONE_FIRST", "text": WHY}],
    }
    assert decide(PLAIN, compiled).due_working_days is None


def test_facts_are_ready_for_json() -> None:
    facts = having(types={"SHAME_SEXTING", "LOVERBOY"}, flag="RED", persons=(VICTIM_14,))
    assert json.loads(json.dumps(facts.as_json())) == {
        "primaryType": "SHAME_SEXTING",
        "types": ["LOVERBOY", "SHAME_SEXTING"],
        "settings": [],
        "indicators": [],
        "urgency": None,
        "flag": "RED",
        "flagCriteria": [],
        "reporterType": "SCHOOL",
        "persons": [{"role": "VICTIM", "ageBand": "A12_15", "gender": "F", "victimStatus": "POSSIBLE"}],
        "group": False,
    }


def test_without_a_catch_all_the_defect_is_named() -> None:
    with pytest.raises(LookupError, match="no catch-all"):
        decide(PLAIN, compile_rules(rules({"flag": ["BLACK"]}))[:1])


def some(list_name: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(codes(list_name)), max_size=4)


signals = st.builds(
    Facts,
    primary_type=st.sampled_from(codes("signal_type")),
    types=some("signal_type"),
    settings=some("setting"),
    indicators=some("indicator"),
    urgency=st.none() | st.sampled_from(codes("urgency")),
    flag=st.none() | st.sampled_from(codes("severity_flag")),
    flag_criteria=some("flag_criterion"),
    reporter_type=st.sampled_from(codes("org_type")),
    persons=st.permutations([VICTIM_14, SUSPECT_45]).map(tuple),
    group=st.just(False),
)


@given(signals)
def test_a_victim_of_14_and_a_suspect_of_45_are_no_suspect_of_14(facts: Facts) -> None:
    young_suspect = {"person": {"roles": ["SUSPECT"], "ageBands": ["A12_15"]}}
    young_man = {"person": {"ageBands": ["A12_15"], "genders": ["M"]}}
    assert decided_by(facts, young_suspect, young_man) == "rest"
    assert decided_by(replace(facts, persons=(*facts.persons, SUSPECT_14)), young_suspect) == "r0"
