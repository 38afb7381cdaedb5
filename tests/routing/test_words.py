"""What changed between two rule sets, in words."""

from typing import Any

import pytest

from service.routing import words
from service.routing.defaults import NAMES, default_rule_sets
from service.routing.rules import RuleSetContent


def told(before: RuleSetContent, after: RuleSetContent, language: str = "en") -> list[str]:
    return [getattr(text, language) for text in words.changes(before, after)]


@pytest.fixture
def helmond() -> RuleSetContent:
    return default_rule_sets()["helmond"]


def changed(content: RuleSetContent, number: int, **parts: Any) -> RuleSetContent:
    """The same with other parts of one rule."""
    wire = content.as_json()
    wire["rules"][number] |= parts
    return RuleSetContent.model_validate(wire)


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_can_be_said_in_both_languages(name: str) -> None:
    for rule in default_rule_sets()[name].rules:
        for language in ("nl", "en"):
            assert words.conditions(rule.when, language)
            assert words.outcome(rule.then, language)


def test_nothing_has_changed(helmond: RuleSetContent) -> None:
    assert told(helmond, helmond) == []


def test_conditions_and_outcomes_are_said_as_they_were_and_are(helmond: RuleSetContent) -> None:
    first = helmond.rules[0]
    after = changed(helmond, 0, when={"urgency": ["ACUTE"], "person": {"roles": ["VICTIM"]}})
    (sentence,) = told(helmond, after)
    assert sentence.startswith(f"Rule “{first.name}” now holds for: urgency: one of ")
    assert "; one person with role: one of " in sentence
    assert words.conditions(first.when, "en") in sentence

    then = first.then.model_dump(mode="json", exclude_none=True) | {"priority": "LOW", "dueWorkingDays": 9}
    (sentence,) = told(helmond, changed(helmond, 0, then=then), "nl")
    assert "lage prioriteit, 9 werkdagen" in sentence


def test_texts_and_sources_are_told_apart(helmond: RuleSetContent) -> None:
    text = {"nl": "Anders.", "en": "Otherwise."}
    name = helmond.rules[0].name
    assert told(helmond, changed(helmond, 0, why=text, basis="another")) == [
        f"Rule “{name}” has other texts of its explanation, suggestions or advice.",
        f"The source of rule “{name}” has changed.",
    ]


def test_other_texts_are_told_beside_another_outcome(helmond: RuleSetContent) -> None:
    """Who puts it in force must hear that the explanation changed too."""
    text = {"nl": "Anders.", "en": "Otherwise."}
    first = helmond.rules[0]
    then = first.then.model_dump(mode="json", exclude_none=True) | {"priority": "LOW"}
    then["advise"] = [one | {"text": text} for one in then["advise"]]
    outcome, texts = told(helmond, changed(helmond, 0, then=then))
    assert "now says" in outcome
    assert texts == f"Rule “{first.name}” has other texts of its explanation, suggestions or advice."
    explained = told(helmond, changed(helmond, 0, why=text, then=then))
    assert len(explained) == 2


def test_rules_that_come_go_and_move(helmond: RuleSetContent) -> None:
    wire = helmond.as_json()
    first, second, *rest = wire["rules"]
    wire["rules"] = [second, first | {"name": "brand-new"}, *rest]
    after = RuleSetContent.model_validate(wire)
    said = told(helmond, after)
    assert said[0] == f"Rule “{first['name']}” at place 1 is taken out."
    assert said[1].startswith("Rule “brand-new” is added at place 2. For: ")
    assert len(said) == 2

    wire["rules"] = [*rest[:-1], first, second, rest[-1]]
    moved = told(helmond, RuleSetContent.model_validate(wire))
    places = len(rest)
    assert moved == [
        f"Rule “{first['name']}” moves from place 1 to {places}.",
        f"Rule “{second['name']}” moves from place 2 to {places + 1}.",
    ]


def test_the_set_itself(helmond: RuleSetContent) -> None:
    wire = helmond.as_json()
    wire |= {"title": "Peel", "municipalities": [*wire["municipalities"][1:], "GM0772"]}
    assert told(helmond, RuleSetContent.model_validate(wire)) == [
        "The title was “Helmond and the Peel” and becomes “Peel”.",
        "Helmond is taken out.",
        "Eindhoven is added.",
    ]
