"""The rule sets that ship: every rule is reached, and some answers must never be given."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.decide import Facts, PersonFacts, compile_rules, decide
from service.routing.defaults import default_rule_sets
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


def some(values: Iterable[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(list(values)), max_size=3)


persons = st.builds(
    PersonFacts,
    role=st.sampled_from(codes("person_role")),
    age_band=st.sampled_from(codes("age_band")),
    gender=st.sampled_from(codes("gender")),
    victim_status=st.none() | st.sampled_from(codes("victim_status")),
)
image_signals = st.builds(
    Facts,
    primary_type=st.just("SHAME_SEXTING"),
    types=some(codes("signal_type")).map(lambda types: types | {"SHAME_SEXTING"}),
    settings=some(codes("setting")),
    indicators=some(["X01", "X02", "X05", "K04", "S01"]),
    urgency=st.none() | st.sampled_from(codes("urgency")),
    flag=st.none() | st.sampled_from(codes("severity_flag")),
    flag_criteria=some(codes("flag_criterion")),
    reporter_type=st.sampled_from(codes("org_type")),
    persons=st.lists(persons, max_size=4).map(tuple),
    group=st.just(False),
)


@given(image_signals, st.sampled_from(list(SETS)))
def test_halt_is_only_for_light_cases_of_12_to_17(facts: Facts, name: str) -> None:
    young = any(p.role == "SUSPECT" and p.age_band in {"A12_15", "A16_17"} for p in facts.persons)
    light = facts.flag != "BLACK" and not facts.indicators & {"X02", "X05", "K04"}
    violent = facts.types & {"SEXUAL_VIOLENCE", "ONLINE_SEXUAL_ABUSE"}
    if "HALT" in targets(facts, name):
        assert young
        assert light
        assert not violent
