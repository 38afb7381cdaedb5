"""What a draft would decide otherwise: how often, from what to what, with examples."""

import pytest

from service.routing import simulation
from service.routing.decide import compile_rule
from service.routing.simulation import EXAMPLES, simulate
from tests.routing.test_analysis import OUTCOMES, WORLD, rule

SIGNALS = [facts for facts, _, _ in WORLD]
ACUTE = {"urgency": ["ACUTE"]}


def test_nothing_changes_between_equal_sets_of_other_names_and_texts() -> None:
    before = [compile_rule(rule("acute", ACUTE, OUTCOMES[1])), compile_rule(rule("rest", {}))]
    after = [compile_rule(rule("urgent", ACUTE, OUTCOMES[1])), compile_rule(rule("others", {}))]
    told = simulate(SIGNALS, before, after)
    assert (told.signals, told.changed, told.changes) == (len(SIGNALS), 0, ())


def test_of_very_many_ways_the_most_frequent_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "MOST_CHANGES", 1)
    rest = compile_rule(rule("rest", {}))
    after = [
        compile_rule(rule("acute", ACUTE, OUTCOMES[1])),
        compile_rule(rule("others", {"types": ["LOVERBOY"]}, OUTCOMES[2])),
        rest,
    ]
    told = simulate(SIGNALS, [rest], after)
    (most,) = told.changes
    assert most.times < told.changed
    assert most.times == len([one for one in SIGNALS if one.urgency == "ACUTE"])


def test_each_change_is_counted_with_examples_the_most_frequent_first() -> None:
    rest = compile_rule(rule("rest", {}))
    loverboy = {"types": ["LOVERBOY"]}
    after = [
        compile_rule(rule("acute-loverboy", ACUTE | loverboy, OUTCOMES[1])),
        compile_rule(rule("loverboy", loverboy, OUTCOMES[2])),
        rest,
    ]
    told = simulate(SIGNALS, [rest], after)
    acute = [one for one in SIGNALS if "LOVERBOY" in one.types and one.urgency == "ACUTE"]
    others = [one for one in SIGNALS if "LOVERBOY" in one.types and one.urgency is None]
    assert told.changed == len(acute) + len(others)
    assert {(one.before.rule, one.after.rule, one.times) for one in told.changes} == {
        ("rest", "acute-loverboy", len(acute)),
        ("rest", "loverboy", len(others)),
    }
    times = [one.times for one in told.changes]
    assert times == sorted(times, reverse=True)
    for one in told.changes:
        assert len(one.examples) == EXAMPLES
        assert all(("LOVERBOY" in facts.types) for facts in one.examples)
