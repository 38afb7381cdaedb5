"""Whether those whom rules need are there: in the whole register, and in each agreement by itself."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from service.routing.coverage import Post
from service.routing.findings import Finding, faults_in
from service.routing.reach import Circle, Surroundings, lost, unreached
from service.routing.rules import RuleSetContent
from tests.support.rules import WHY, rule, rule_set

DAY = date(2026, 11, 29)
HELMOND, ASTEN = "GM0794", "GM0743"
POINT, OTHER, HALT, POLICE = (UUID(int=number) for number in range(1, 5))
AGREEMENT, SECOND = UUID(int=11), UUID(int=12)


def content(*rules: Any, places: tuple[str, ...] = (HELMOND,)) -> RuleSetContent:
    body = rule_set(*rules, municipalities=list(places))
    del body["succeeds"]
    return RuleSetContent.model_validate(body)


def post(
    organisation: UUID, *places: str, level: str = "LOCAL", first: int = 0, last: int | None = None
) -> Post:
    until = None if last is None else DAY + timedelta(last)
    return Post(organisation, organisation, level, frozenset(places), DAY + timedelta(first), until)


KINDS = {POINT: "CONTACT_POINT", OTHER: "CONTACT_POINT", HALT: "HALT", POLICE: "POLICE"}


def around(
    *posts: Post, parties: tuple[UUID, ...] = (POINT, POLICE), places: tuple[str, ...] = (HELMOND,)
) -> Surroundings:
    circle = Circle(AGREEMENT, frozenset(places), {party: KINDS[party] for party in parties})
    return Surroundings(Circle(None, None, KINDS), [circle], list(posts), DAY)


def told(findings: list[Finding]) -> list[tuple[Any, ...]]:
    return [
        (one.kind, one.municipality or one.target, one.agreement, one.until and (one.until - DAY).days)
        for one in findings
    ]


def suggesting(*targets: str) -> Any:
    return rule("tried", {"urgency": ["ACUTE"]}, suggest=[{"target": one, "why": WHY} for one in targets])


def test_a_contact_point_outside_the_agreement_is_none_in_it() -> None:
    assert told(unreached(content(), around(post(POINT, HELMOND)))) == []
    assert told(unreached(content(), around(post(OTHER, HELMOND)))) == [
        ("no-contact-point", HELMOND, AGREEMENT, 0)
    ]
    assert told(unreached(content(), around(post(OTHER, HELMOND), places=(ASTEN,)))) == []
    assert told(unreached(content(), around())) == [("no-contact-point", HELMOND, None, 0)]


def test_an_end_of_everybodys_hides_no_gap_of_an_agreement() -> None:
    ending, later = post(OTHER, HELMOND, last=9), post(POINT, HELMOND, first=5, last=7)
    assert told(unreached(content(), around(ending))) == [
        ("contact-point-ends", HELMOND, None, 10),
        ("no-contact-point", HELMOND, AGREEMENT, 0),
    ]
    assert told(unreached(content(), around(post(POINT, HELMOND, last=9)))) == [
        ("contact-point-ends", HELMOND, None, 10)
    ]
    assert told(unreached(content(), around(later)))[0] == ("no-contact-point", HELMOND, None, 0)


def test_each_level_is_asked_for() -> None:
    regional = rule("regional", {"urgency": ["ACUTE"]}, contactPoint="REGIONAL")
    (only,) = unreached(content(regional), around(post(POINT, HELMOND)))
    assert (only.level, only.rules) == ("REGIONAL", ("regional",))
    assert unreached(content(regional), around(post(POINT, HELMOND, level="REGIONAL"))) == []


def test_a_target_is_looked_for_in_each_agreement_that_is_concerned() -> None:
    here = post(POINT, HELMOND)
    found = unreached(content(suggesting("HALT", "POLICE_AVIM", "HELPWANTED")), around(here))
    assert told(found) == [("no-organisation", "HALT", AGREEMENT, None)]
    assert told(unreached(content(suggesting("HALT")), around(here, places=(ASTEN,)))) == []
    assert told(unreached(content(suggesting("RIEC")), around(here))) == [
        ("no-organisation", "RIEC", None, None)
    ]


def test_many_rules_that_suggest_one_target_are_one_finding_with_all_their_places() -> None:
    many = [suggesting("POLICE_AVIM", "HALT") | {"name": f"rule-{number}"} for number in range(150)]
    whole = content(*many)
    (finding,) = unreached(whole, around(post(POINT, HELMOND)))
    assert len(finding.rules) == 150
    assert [fault.pointer for fault in faults_in([finding], whole)] == [
        f"/rules/{number}/then/suggest/1" for number in range(150)
    ]


def test_what_a_change_takes_away_is_lost_and_what_was_not_there_is_not() -> None:
    rules = content(suggesting("HALT"), places=(HELMOND, ASTEN))
    parties = (POINT, HALT)
    here = around(post(POINT, HELMOND), post(OTHER, ASTEN), parties=parties, places=(HELMOND, ASTEN))
    before = unreached(rules, here)
    assert told(before) == [("no-contact-point", ASTEN, AGREEMENT, 0)]
    assert told(lost(before, unreached(rules, here.without(HALT)))) == [
        ("no-organisation", "HALT", None, None)
    ]
    assert told(lost(before, unreached(rules, here.without(POINT)))) == [
        ("no-contact-point", HELMOND, None, 0)
    ]
    assert told(lost(before, unreached(rules, here.without(OTHER)))) == [("no-contact-point", ASTEN, None, 0)]
    assert lost(before, before) == []


def test_what_is_sooner_over_is_lost_too() -> None:
    rules, ending = content(), around(post(POINT, HELMOND, last=20))
    sooner, later = (around(post(POINT, HELMOND, last=days)) for days in (10, 30))
    assert lost(unreached(rules, ending), unreached(rules, later)) == []
    assert told(lost(unreached(rules, ending), unreached(rules, sooner))) == [
        ("contact-point-ends", HELMOND, None, 11)
    ]
