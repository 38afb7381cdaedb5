"""The rule sets that ship: every rule is reached, and some answers must never be given."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from service.routing.decide import compile_rules, decide
from service.routing.defaults import default_rule_sets
from service.routing.facts import Facts, PersonFacts
from service.vocabulary.lists import codes

SETS = default_rule_sets()
COMPILED = {name: compile_rules(content) for name, content in SETS.items()}

VICTIM_14 = PersonFacts("VICTIM", "A12_15", "F", None)
VICTIM_30 = PersonFacts("VICTIM", "A30_44", "M", "POSSIBLE")
AT_RISK_16 = PersonFacts("AT_RISK", "A16_17", "M", None)
SUSPECT_16 = PersonFacts("SUSPECT", "A16_17", "M", None)
SUSPECT_20 = PersonFacts("SUSPECT", "A18_22", "M", None)
RECRUITER_20 = PersonFacts("RECRUITER", "A18_22", "F", None)
FACILITATOR = PersonFacts("FACILITATOR", "UNKNOWN", "UNKNOWN", None)


def signal(types: str, *persons: PersonFacts, reporter: str = "SCHOOL", **facts: Any) -> Facts:
    """Facts by a line of types; the first is the primary one. Settings and indicators as a line too."""
    primary, *_ = types.split()
    return Facts(
        primary_type=primary,
        types=frozenset(types.split()),
        settings=frozenset(facts.get("settings", "").split()),
        indicators=frozenset(facts.get("indicators", "").split()),
        urgency=facts.get("urgency"),
        flag=facts.get("flag"),
        flag_criteria=frozenset(),
        reporter_type=reporter,
        persons=persons,
        group=False,
    )


EXAMPLES = {
    "acute-danger-minor": signal("LOVERBOY", VICTIM_14, urgency="ACUTE"),
    "acute-danger": signal("SEXUAL_VIOLENCE", VICTIM_30, urgency="ACUTE"),
    "unaccompanied-minor": signal("CRIMINAL_EXPLOITATION", AT_RISK_16, indicators="V06"),
    "minor-offered-online": signal("JUVENILE_PROSTITUTION", VICTIM_14, indicators="X03"),
    "loverboy-minor": signal("LOVERBOY SHAME_SEXTING", VICTIM_14, indicators="C02", flag="RED"),
    "sexual-exploitation-minor": signal("LOVERBOY", VICTIM_14, SUSPECT_20),
    "sexual-exploitation-sex-work": signal("SEXUAL_EXPLOITATION", VICTIM_30, settings="HOTEL"),
    "sexual-exploitation-victim": signal("SEXUAL_EXPLOITATION", VICTIM_30),
    "sexual-exploitation-young-suspect": signal("LOVERBOY", RECRUITER_20),
    "sexual-exploitation": signal("LOVERBOY", settings="NIGHTLIFE"),
    "criminal-exploitation-minor": signal("CRIMINAL_EXPLOITATION", VICTIM_14),
    "criminal-exploitation-victim": signal("CRIMINAL_EXPLOITATION", VICTIM_30),
    "criminal-exploitation-coerced-suspect": signal("CRIMINAL_EXPLOITATION", SUSPECT_16, indicators="K02"),
    "criminal-exploitation": signal("CRIMINAL_EXPLOITATION", SUSPECT_16),
    "exploitation-at-risk": signal("LOVERBOY", AT_RISK_16),
    "exploitation-facilitator": signal("LABOUR_EXPLOITATION", FACILITATOR),
    "labour-exploitation-minor": signal("FORCED_SERVICE", VICTIM_14),
    "labour-exploitation-victim": signal("LABOUR_EXPLOITATION", VICTIM_30),
    "worker-housing": signal("LABOUR_EXPLOITATION", settings="WORKER_HOUSING"),
    "labour-exploitation": signal("LABOUR_EXPLOITATION", settings="WORKPLACE", indicators="L03"),
    "begging-or-organ-removal-minor": signal("FORCED_BEGGING", VICTIM_14),
    "begging-or-organ-removal": signal("FORCED_BEGGING", VICTIM_30),
    "sexual-violence-minor": signal("SEXUAL_VIOLENCE", VICTIM_14, settings="HOME"),
    "sexual-violence": signal("SEXUAL_VIOLENCE", SUSPECT_16),
    "image-abuse-coercion": signal("SHAME_SEXTING", SUSPECT_16, indicators="X02"),
    "sextortion": signal("SEXTORTION", VICTIM_14),
    "image-abuse-black-flag": signal("SHAME_SEXTING", SUSPECT_16, flag="BLACK"),
    "online-sexual-abuse": signal("ONLINE_SEXUAL_ABUSE", VICTIM_14),
    "shame-sexting-adult-suspect": signal("SHAME_SEXTING", SUSPECT_16, SUSPECT_20),
    "shame-sexting-light": signal("SHAME_SEXTING", VICTIM_14, SUSPECT_16, indicators="X01"),
    "shame-sexting": signal("SHAME_SEXTING", VICTIM_14),
    "minor-at-home": signal("SEXUALLY_TRANSGRESSIVE", VICTIM_14, settings="HOME"),
    "transgression-serious": signal("SEXUALLY_TRANSGRESSIVE", VICTIM_14, settings="SPORT", flag="RED"),
    "yellow-flag": signal("SEXUALLY_TRANSGRESSIVE", SUSPECT_16, flag="YELLOW"),
    "recruitment-of-young-people": signal("RECRUITMENT", AT_RISK_16),
    "recruitment": signal("RECRUITMENT", RECRUITER_20),
    "street-group": signal("UNKNOWN", settings="STREET", reporter="JPT"),
    "young-person-at-risk": signal("OTHER", AT_RISK_16),
    "young-suspect": signal("SEXUALLY_TRANSGRESSIVE", SUSPECT_16),
    "every-other-signal": signal("UNKNOWN", VICTIM_30),
}


def targets(facts: Facts, name: str) -> list[str]:
    return [suggestion.target for suggestion in decide(facts, COMPILED[name]).suggestions]


@pytest.mark.parametrize(
    ("name", "rule"), [(name, rule.name) for name, content in SETS.items() for rule in content.rules]
)
def test_every_rule_is_reached(name: str, rule: str) -> None:
    assert decide(EXAMPLES[rule], COMPILED[name]).rule == rule


def test_no_example_is_left_over() -> None:
    assert EXAMPLES.keys() == {rule.name for content in SETS.values() for rule in content.rules}


def test_the_sets_cover_their_municipalities() -> None:
    assert {name: content.municipalities for name, content in SETS.items()} == {
        "helmond": ("GM0794", "GM0743", "GM0762", "GM1652", "GM1659", "GM0847"),
        "ede": ("GM0228",),
        "utrecht": ("GM0344",),
    }


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ("shame-sexting-light", "HALT"),
        ("minor-at-home", "VEILIG_THUIS"),
        ("begging-or-organ-removal-minor", "VEILIG_THUIS"),
        ("labour-exploitation-victim", "NLA"),
        ("image-abuse-coercion", "POLICE_AVIM"),
        ("yellow-flag", "PREVENTION"),
        ("young-person-at-risk", "LOCAL_TEAM"),
    ],
)
@pytest.mark.parametrize("name", SETS)
def test_the_targets_of_the_domain(name: str, example: str, expected: str) -> None:
    assert expected in targets(EXAMPLES[example], name)


@pytest.mark.parametrize("name", SETS)
def test_every_rule_has_its_source_and_an_example(name: str) -> None:
    for rule in SETS[name].rules:
        assert rule.basis
        assert rule.example is not None
        assert decide(rule.example.facts, COMPILED[name]).rule == rule.name


EXPLOITATION = (
    "SEXUAL_EXPLOITATION",
    "LOVERBOY",
    "JUVENILE_PROSTITUTION",
    "CRIMINAL_EXPLOITATION",
    "LABOUR_EXPLOITATION",
    "FORCED_SERVICE",
    "FORCED_BEGGING",
    "ORGAN_REMOVAL",
)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("type", [*EXPLOITATION, "SEXUAL_VIOLENCE", "RECRUITMENT"])
def test_veilig_thuis_is_thought_of_for_every_exploited_minor(name: str, type: str) -> None:
    decision = decide(signal(type, VICTIM_14), COMPILED[name])
    thought_of = {one.target for one in decision.suggestions} | {one.code for one in decision.advice}
    assert thought_of & {"VEILIG_THUIS", "CONSULT_VEILIG_THUIS"}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("rule", ["acute-danger", "acute-danger-minor"])
def test_acute_danger_is_phoned_and_taken_up_in_a_day(name: str, rule: str) -> None:
    decision = decide(EXAMPLES[rule], COMPILED[name])
    assert (decision.priority, decision.due_working_days) == ("HIGH", 1)
    assert decision.advice[0].code == "PHONE_FIRST"


@pytest.mark.parametrize("name", SETS)
def test_a_victim_who_offends_is_first_a_victim(name: str) -> None:
    both = [replace(victim, role=role) for victim in (VICTIM_14, VICTIM_30) for role in ("SUSPECT", "VICTIM")]
    for persons in (both[:2], both[2:]):
        decision = decide(signal("CRIMINAL_EXPLOITATION", *persons), COMPILED[name])
        assert "VICTIM_FIRST" in [advice.code for advice in decision.advice]
        assert decision.suggestions[0].target != "POLICE_AVIM"


@pytest.mark.parametrize("name", SETS)
def test_halt_is_suggested_exactly_for_light_cases_of_12_to_17(name: str) -> None:
    for more, indicator, flag, role, age_band in product(
        ["", "SEXUAL_VIOLENCE", "ONLINE_SEXUAL_ABUSE"],
        ["X01", "X02", "X05", "K04"],
        [None, *codes("severity_flag")],
        ["SUSPECT", "VICTIM"],
        codes("age_band"),
    ):
        person = PersonFacts(role, age_band, "M", None)
        facts = signal(f"SHAME_SEXTING {more}", VICTIM_30, person, indicators=indicator, flag=flag)
        light = not more and indicator == "X01" and flag != "BLACK"
        young = role == "SUSPECT" and age_band in {"A12_15", "A16_17"}
        assert ("HALT" in targets(facts, name)) == (light and young), facts
