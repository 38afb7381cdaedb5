"""What a rule set may and may not say."""

from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from service.routing.rules import RuleSetContent

WHY = {"nl": "Daarom.", "en": "Therefore."}
LOCAL = {"contactPoint": "LOCAL", "priority": "NORMAL"}


def rule(name: str, when: dict[str, Any], **outcome: Any) -> dict[str, Any]:
    return {"name": name, "when": when, "then": LOCAL | outcome, "why": WHY, "basis": "proposal"}


def rule_set(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    last = rule("every-other-signal", {})
    return {"title": "Test", "municipalities": ["GM0794"], "rules": [*rules, last]} | changes


def with_condition(when: dict[str, Any]) -> dict[str, Any]:
    return rule_set(rule("tried", when))


def test_a_rule_set_is_read_and_written_as_on_the_wire() -> None:
    wire = rule_set(
        rule(
            "shame-sexting-light",
            {
                "types": {"anyOf": ["SHAME_SEXTING"], "allOf": ["SHAME_SEXTING"]},
                "flagCriteria": {"noneOf": ["CONSENT"]},
                "person": {"roles": {"anyOf": ["SUSPECT"]}, "victimStatuses": {"anyOf": ["ABSENT"]}},
            },
            dueWorkingDays=5,
            suggest=[{"target": "HALT", "why": WHY}],
            advise=[{"code": "PRESERVE_IMAGES", "text": WHY}],
        )
    )
    written = RuleSetContent.model_validate(wire).as_json()
    wire["rules"][-1]["then"] = LOCAL | {"suggest": [], "advise": []}
    assert written == wire
    assert RuleSetContent.model_validate(written).as_json() == written


def test_a_bare_list_means_any_of() -> None:
    bare = RuleSetContent.model_validate(with_condition({"urgency": ["ACUTE"], "person": {"genders": ["M"]}}))
    full = {"urgency": {"anyOf": ["ACUTE"]}, "person": {"genders": {"anyOf": ["M"]}}}
    assert bare == RuleSetContent.model_validate(with_condition(full))


@pytest.mark.parametrize("fact", ["urgency", "flag"])
def test_what_a_signal_leaves_out_can_be_named(fact: str) -> None:
    assert RuleSetContent.model_validate(with_condition({fact: ["ABSENT"]}))


BAD_CONDITIONS: dict[str, dict[str, Any]] = {
    "unknown type": {"types": ["SEXTING_CONSENSUAL"]},
    "code of another list": {"settings": ["ACUTE"]},
    "unknown indicator": {"indicators": {"noneOf": ["Z99"]}},
    "a type is never absent": {"types": ["ABSENT"]},
    "a role is never absent": {"person": {"roles": ["ABSENT"]}},
    "unknown field": {"municipality": ["GM0794"]},
    "snake case": {"primary_type": ["LOVERBOY"]},
    "unknown person field": {"person": {"pseudonym": ["x"]}},
    "unknown operator": {"types": {"oneOf": ["LOVERBOY"]}},
    "empty list": {"types": []},
    "empty anyOf": {"types": {"anyOf": []}},
    "empty beside a full one": {"types": {"anyOf": ["LOVERBOY"], "noneOf": []}},
    "empty choice": {"types": {}},
    "empty person": {"person": {}},
    "allOf for one value": {"urgency": {"allOf": ["ACUTE"]}},
    "allOf for a person": {"person": {"roles": {"allOf": ["VICTIM"]}}},
    "all are excluded": {"urgency": {"anyOf": ["ACUTE"], "noneOf": ["ACUTE", "INFO"]}},
    "asked for and excluded": {"types": {"allOf": ["LOVERBOY", "LABOUR"], "noneOf": ["LABOUR"]}},
    "endless list": {"types": ["LOVERBOY"] * 101},
}


@pytest.mark.parametrize("when", BAD_CONDITIONS.values(), ids=BAD_CONDITIONS.keys())
def test_a_bad_condition_is_refused(when: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RuleSetContent.model_validate(with_condition(when))


BAD_OUTCOMES: dict[str, dict[str, Any]] = {
    "level": {"contactPoint": "NATIONAL"},
    "priority": {"priority": "URGENT"},
    "no days": {"dueWorkingDays": 0},
    "too many days": {"dueWorkingDays": 31},
    "target": {"suggest": [{"target": "FBI", "why": WHY}]},
    "advice": {"advise": [{"code": "STAY_CALM", "text": WHY}]},
    "one language": {"advise": [{"code": "PHONE_FIRST", "text": {"nl": "Bel."}}]},
    "endless suggestions": {"suggest": [{"target": "HALT", "why": WHY}] * 13},
    "endless advice": {"advise": [{"code": "PHONE_FIRST", "text": WHY}] * 7},
    "unknown field": {"forward": "HALT"},
}


@pytest.mark.parametrize("outcome", BAD_OUTCOMES.values(), ids=BAD_OUTCOMES.keys())
def test_a_bad_outcome_is_refused(outcome: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RuleSetContent.model_validate(rule_set(rule("tried", {"urgency": ["ACUTE"]}, **outcome)))


ACUTE = rule("acute", {"urgency": ["ACUTE"]})
BAD_SETS: dict[str, tuple[dict[str, Any], str]] = {
    "the same name twice": (rule_set(ACUTE, ACUTE), "Another rule has this name"),
    "no rules": (rule_set(rules=[]), "at least 1 item"),
    "too many rules": (
        rule_set(*[rule(f"acute-{n}", {"urgency": ["ACUTE"]}) for n in range(200)]),
        "at most 200",
    ),
    "no municipality": (rule_set(municipalities=[]), "at least 1 item"),
    "unknown municipality": (rule_set(municipalities=["GM9999"]), "Input should be"),
    "a municipality twice": (
        rule_set(municipalities=["GM0794"] * 2),
        "The same value is there more than once",
    ),
    "unknown field": (rule_set(version=3), "Extra inputs"),
    "a name with capitals": (rule_set(rule("Acute", {"urgency": ["ACUTE"]})), "should match pattern"),
    "a title of two lines": (rule_set(title="Eén\nTwee"), "should match pattern"),
    "a basis with NUL": (rule_set(rule("acute", {}) | {"basis": "a\x00b"}), "should match pattern"),
    "a long name": (rule_set(rule("a" * 61, {"urgency": ["ACUTE"]})), "at most 60"),
}


@pytest.mark.parametrize(("wire", "message"), BAD_SETS.values(), ids=BAD_SETS.keys())
def test_a_bad_set_is_refused(wire: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RuleSetContent.model_validate(deepcopy(wire))


def test_the_contract_names_every_condition_and_allows_a_bare_list() -> None:
    shapes = RuleSetContent.model_json_schema()["$defs"]
    assert {"TypesChoice", "UrgencyChoice", "RoleChoice"} <= shapes.keys()
    full, bare = shapes["UrgencyChoice"]["anyOf"]
    assert full["properties"].keys() == {"anyOf", "noneOf"}
    assert bare["items"]["enum"] == ["ACUTE", "STRUCTURAL", "CONCERN", "INFO", "ABSENT"]
