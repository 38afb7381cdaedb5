"""The guidance: complete in both languages, by kind of organisation, with the route of the active rules."""

import re
from typing import Any

import pytest

from service.routing.defaults import default_rule_sets
from service.routing.guidance import content, guidance_for, steps_for
from service.routing.guidance_models import NOT_REGISTRABLE, Advice
from service.vocabulary.lists import code_lists, codes
from tests.support.register import Register

EVERY = (*codes("signal_type"), *NOT_REGISTRABLE)


def test_every_type_has_its_place_once() -> None:
    told = content()
    assert sorted(code for form in told.forms for code in form.types) == sorted(codes("signal_type"))
    assert sorted(one.code for one in told.not_registrable) == sorted(NOT_REGISTRABLE)


def test_what_is_named_exists_and_every_source_is_used() -> None:
    told = content()
    programmes = {one.code for one in told.programmes}
    assert {code for one in (*told.forms, *told.not_registrable) for code in one.programmes} == programmes
    lists = [told.general, *told.forms]
    advice: list[Advice] = [one for each in lists for one in (*each.keep_in_mind, *each.dos, *each.donts)]
    advice += [one for each in told.not_registrable for one in each.instead_of_a_signal]
    sources = {one.source for one in advice} | {one.source for one in told.programmes}
    assert sources == set(told.sources)


def test_no_text_holds_a_telephone_number() -> None:
    assert re.findall(r"\d[\d -]{5,}\d", content().model_dump_json(exclude={"sources"})) == ["2026-11"]


@pytest.mark.parametrize("type", EVERY)
@pytest.mark.parametrize("kind", ["SCHOOL", "POLICE", "GGD", "OTHER"])
def test_there_is_something_to_say_to_everybody(type: str, kind: str) -> None:
    told = guidance_for(type, kind, None)
    assert told.registrable == (type not in NOT_REGISTRABLE)
    if told.registrable:
        assert len(told.dos) > 3
        assert len(told.donts) > 3
        assert sum(len(cluster.indicators) for cluster in told.clusters) >= 8
    else:
        assert told.instead_of_a_signal
        assert told.clusters == []
    assert {one.source for one in (*told.dos, *told.donts, *told.instead_of_a_signal)} <= set(told.sources)


def test_a_school_hears_what_is_for_schools() -> None:
    texts = [
        {one.text.nl for one in guidance_for("SHAME_SEXTING", kind, None).dos}
        for kind in ("SCHOOL", "POLICE")
    ]
    assert texts[0] - texts[1]
    assert texts[1] - texts[0]


def test_the_route_ends_with_the_first_rule_that_always_decides() -> None:
    for content_ in default_rule_sets().values():
        for type_ in codes("signal_type"):
            steps = steps_for(type_, "JPT", content_.rules)
            by_name = {rule.name: rule for rule in content_.rules}
            last = by_name[steps[-1].rule].when
            assert not any(
                (last.settings, last.indicators, last.urgency, last.flag, last.flag_criteria, last.person)
            )
            for step in steps:
                types = by_name[step.rule].when.types
                assert types is None or types.any_of is None or type_ in types.any_of


async def read(register: Register, query: str, client: str = "school-helmond") -> Any:
    return await register.http.get(f"/v1/guidance?{query}", headers=await register.headers(client))


async def test_a_school_reads_what_to_do_and_whom_to_phone(register: Register) -> None:
    answer = await read(register, "type=SHAME_SEXTING")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["organisationType"], told["registrable"]) == ("SCHOOL", True)
    assert told["label"]["nl"] == code_lists()["signal_type"]["SHAME_SEXTING"].label_nl
    route = told["route"]
    assert (route["municipality"], route["ruleSet"]) == ("GM0743", 1)  # the first of its territory
    assert route["contactPoint"]["phone"]
    assert any(one["target"] == "HALT" for step in route["steps"] for one in step["suggestions"])
    assert {"code", "label", "indicators"} == set(told["clusters"][0])


async def test_what_is_no_signal_has_no_route_but_something_better(register: Register) -> None:
    for type_ in NOT_REGISTRABLE:
        told = (await read(register, f"type={type_}")).json()
        assert not told["registrable"]
        assert "route" not in told
        assert told["insteadOfASignal"]


async def test_another_kind_and_place_can_be_asked_for(register: Register) -> None:
    told = (
        await read(register, "type=LABOUR_EXPLOITATION&organisationType=NLA&municipality=GM0228", "analyst")
    ).json()
    assert (told["organisationType"], told["route"]["municipality"]) == ("NLA", "GM0228")
    nowhere = (await read(register, "type=LOVERBOY&municipality=GM0363")).json()
    assert "route" not in nowhere


@pytest.mark.parametrize("query", ["", "type=X", "type=LOVERBOY&organisationType=X", "type=LOVERBOY&q=1"])
async def test_a_question_that_is_not_right(register: Register, query: str) -> None:
    assert (await read(register, query)).status_code == 400
