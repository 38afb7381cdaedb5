"""What went wrong with rule sets when somebody tried: each of these was a 500, a hole, or a silence once."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.clock import local_day
from service.routing import queries
from service.routing.models import RuleSet, RuleSetTurn
from service.routing.watching import watch_rules
from service.routing.workbench import Workbench
from service.snapshot import ReferenceVersion
from service.trail import AuditEntry
from tests.support.bodies import CONTACT_POINT
from tests.support.register import Register, Templates, in_process
from tests.support.rules import (
    AUTHOR,
    HELMOND,
    OTHER,
    WHY,
    Json,
    Rules,
    faults,
    in_days,
    rule,
    rule_set,
    slug,
)

AMSTERDAM = "GM0363"
TODAY = local_day(datetime.now(UTC))
LOVERBOY = {"types": ["LOVERBOY"]}


@pytest.fixture
def rules(register: Register) -> Rules:
    return Rules(register)


def in_amsterdam(*more: Json, **changes: Any) -> Json:
    return rule_set(*more, **({"municipalities": [AMSTERDAM], "succeeds": []} | changes))


async def served(rules: Rules, **changes: Any) -> str:
    """A contact point for Amsterdam; the path of it."""
    organisation = rules.register.loaded.organisations["contact-point-helmond"]
    headers = await rules.register.headers("administrator")
    path = f"/v1/organisations/{organisation}/contact-points"
    point = CONTACT_POINT | {"municipalities": [AMSTERDAM]} | changes
    answer = await rules.register.http.post(path, json=point, headers=headers)
    assert answer.status_code == 201, answer.text
    return f"{path}/{answer.json()['id']}"


async def agreed(rules: Rules, first: date, parties: list[str], places: list[str]) -> None:
    """A working agreement of some new organisations, in force from a day on."""
    headers = await rules.register.headers("administrator")
    draft = {
        "title": "Amsterdam",
        "validFrom": first.isoformat(),
        "content": {
            "purposes": [{"nl": "Zicht", "en": "A view"}],
            "parties": parties,
            "municipalities": places,
            "sending": {},
        },
    }
    drafted = await rules.register.http.post("/v1/agreements", json=draft, headers=headers)
    path = f"/v1/agreements/{drafted.json()['id']}/activation"
    answer = await rules.register.http.post(path, headers=headers | {"Actor": OTHER, "If-Match": '"1"'})
    assert answer.status_code == 200, answer.text


async def organisation(rules: Rules, kind: str, *points: str) -> str:
    """A new organisation, with a contact point for some municipalities."""
    headers = await rules.register.headers("administrator")
    body = {"name": f"Nieuw: {kind}", "type": kind}
    added = (await rules.register.http.post("/v1/organisations", json=body, headers=headers)).json()["id"]
    if points:
        point = CONTACT_POINT | {"municipalities": list(points)}
        path = f"/v1/organisations/{added}/contact-points"
        assert (await rules.register.http.post(path, json=point, headers=headers)).status_code == 201
    return str(added)


async def ended(rules: Rules, path: str) -> Any:
    headers = await rules.register.headers("administrator")
    return await rules.register.http.post(f"{path}/termination", headers=headers)


async def test_a_contact_point_until_the_last_day_that_there_is(rules: Rules) -> None:
    path = await served(rules, validUntil="9999-12-31")
    assert (await rules.call("POST", "/_check", in_amsterdam())).json()["clean"]
    await rules.activated(in_amsterdam())
    await watch_rules(rules.register.database)
    assert slug(await ended(rules, path)) == (409, "still-needed")


async def test_a_moment_that_is_far_away_is_refused(rules: Rules) -> None:
    version = await rules.drafted(rule_set())
    for moment in ("9999-12-31T23:30:00Z", "9999-12-31T23:59:59-12:00", in_days(2000)):
        answer = await rules.activate(version, {"activeFrom": moment})
        assert slug(answer) == (400, "invalid")
        assert faults(answer) in ([("/activeFrom", "too-far")], [("/activeFrom", "wrong-form")])
    assert (await rules.activate(version, {"activeFrom": in_days(1800)})).status_code == 200


async def test_acts_of_one_moment_follow_each_other(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    """The clock of a demo stands still."""
    clock_file = tmp_path / "moment"
    clock_file.write_text("2026-12-01T09:00:00Z")
    async with in_process(
        database_url, templates.loaded[engine], tmp_path, clock_file=clock_file
    ) as register:
        rules = Rules(register)
        await served(rules)
        first = await rules.activated(in_amsterdam())
        assert (await rules.call("POST", f"/{first}/retirement", tag=2)).json()["status"] == "RETIRED"
        second = await rules.activated(in_amsterdam())
        third = await rules.activated(in_amsterdam(succeeds=[second]))
        assert [(await rules.read(one))["status"] for one in (first, second, third)] == [
            "RETIRED",
            "RETIRED",
            "ACTIVE",
        ]
        turns = [row for row in await register.rows(RuleSetTurn) if row.municipality == AMSTERDAM]
        assert [row.version for row in turns] == [third]


async def test_an_agreement_of_tomorrow_needs_rules_too(rules: Rules) -> None:
    point = await organisation(rules, "CONTACT_POINT", AMSTERDAM)
    held = await rules.activated(in_amsterdam())
    await agreed(rules, TODAY + timedelta(1), [point], [AMSTERDAM])
    refused = await rules.call("POST", f"/{held}/retirement", tag=2)
    assert (slug(refused), faults(refused)) == ((409, "still-needed"), [("/municipalities/0", "agreed")])
    assert (await rules.read(held))["status"] == "ACTIVE"


async def test_the_first_rules_of_a_place_that_are_planned_are_needed_too(rules: Rules) -> None:
    point = await organisation(rules, "CONTACT_POINT", AMSTERDAM)
    planned = await rules.activated(in_amsterdam(), activeFrom=in_days(3))
    await agreed(rules, TODAY + timedelta(2), [point], [AMSTERDAM])
    refused = await rules.call("POST", f"/{planned}/retirement", tag=2)
    assert (slug(refused), faults(refused)) == ((409, "still-needed"), [("/municipalities/0", "agreed")])
    same = (await rules.read(planned))["activeFrom"]
    other = await rules.activated(in_amsterdam(succeeds=[planned]), activeFrom=same)
    assert [(await rules.read(one))["status"] for one in (planned, other)] == ["RETIRED", "PLANNED"]


async def test_what_planned_rules_need_in_an_agreement_to_come_cannot_end(rules: Rules) -> None:
    point = await organisation(rules, "CONTACT_POINT", AMSTERDAM)
    inspectorate = await organisation(rules, "NLA")
    await agreed(rules, TODAY + timedelta(3), [point, inspectorate], [AMSTERDAM])
    suggest = [{"target": "NLA", "why": WHY}]
    await rules.activated(in_amsterdam(rule("labour", LOVERBOY, suggest=suggest)), activeFrom=in_days(5))
    assert slug(await ended(rules, f"/v1/organisations/{inspectorate}")) == (409, "still-needed")
    answer = await ended(rules, f"/v1/organisations/{point}")
    assert "needs a contact point (LOCAL) for GM0363" in answer.json()["errors"][0]["detail"]


async def test_an_organisation_that_has_ended_is_nobody(rules: Rules) -> None:
    suggest = [{"target": "RIEC", "why": WHY}]
    without = await rules.activated(rule_set(rule("loverboy", LOVERBOY)))
    others = [
        str(rules.register.loaded.organisations[name])
        for name in ("riec-oost-brabant", "riec-oost-nederland", "riec-midden-nederland")
    ]
    body = rule_set(rule("loverboy", LOVERBOY, suggest=suggest), succeeds=[without])
    assert (await rules.call("POST", "/_check", body)).json()["clean"]
    assert (await ended(rules, f"/v1/organisations/{others[0]}")).status_code == 200
    told = (await rules.call("POST", "/_check", body)).json()
    (missing,) = [one for one in told["findings"] if one["severity"] == "ERROR"]
    assert (missing["kind"], missing["target"]) == ("no-organisation", "RIEC")


async def test_a_contact_point_of_the_first_day_is_enough(rules: Rules) -> None:
    await served(rules, validFrom=(TODAY + timedelta(10)).isoformat())
    version = await rules.drafted(in_amsterdam())
    early = await rules.activate(version, {"activeFrom": in_days(5)})
    assert (slug(early), faults(early)) == (
        (409, "faulty-rules"),
        [("/municipalities/0", "no-contact-point")],
    )
    assert (await rules.activate(version, {"activeFrom": in_days(12)})).status_code == 200
    assert (await rules.call("GET", f"/{version}/analysis")).json()["clean"]  # of its first day, too
    await watch_rules(rules.register.database)  # it does not hold yet


async def test_a_table_makes_one_an_author_too(rules: Rules) -> None:
    version = await rules.drafted(rule_set())
    table = (await rules.call("GET", f"/{version}/table")).content
    assert (await rules.call("PUT", f"/{version}/table", table, tag=1, actor=OTHER)).status_code == 200
    for author in (AUTHOR, OTHER):
        assert slug(await rules.activate(version, tag=2, actor=author)) == (409, "same-person")
    assert (await rules.activate(version, tag=2, actor="staff.third")).status_code == 200


async def test_a_draft_of_nobody_is_activated_by_nobody(rules: Rules) -> None:
    version = await rules.drafted(rule_set())
    async with rules.register.database.writing() as session:
        (await session.get_one(RuleSet, version)).authors = []
    assert slug(await rules.activate(version)) == (409, "author-unknown")
    assert (await rules.call("PUT", f"/{version}", rule_set(), tag=1)).status_code == 200
    assert (await rules.activate(version, tag=2)).status_code == 200


async def test_a_draft_that_changes_during_its_analysis_is_not_activated(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, analyse = await rules.drafted(rule_set()), Workbench.analyse
    impossible = rule("never", {"person": {"roles": ["SUSPECT"], "victimStatuses": ["ACTUAL"]}})

    async def slowly(bench: Workbench, content: Any) -> Any:
        found = await analyse(bench, content)
        monkeypatch.undo()
        assert (await rules.call("PUT", f"/{version}", rule_set(impossible), tag=1)).status_code == 200
        return found

    monkeypatch.setattr(Workbench, "analyse", slowly)
    assert slug(await rules.activate(version)) == (412, "stale")
    assert (await rules.read(version))["status"] == "DRAFT"


async def test_what_is_refused_anyway_is_not_analysed(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    version = await rules.drafted(rule_set(succeeds=[]))

    async def never(bench: Workbench, content: Any) -> Any:
        raise AssertionError("analysed")

    monkeypatch.setattr(Workbench, "analyse", never)
    refused = [
        await rules.activate(version, {"activeFrom": "soon"}),
        await rules.activate(version, {"activeFrom": in_days(-1)}),
        await rules.activate(version, actor=AUTHOR),
        await rules.activate(version, tag=2),
        await rules.activate(version),
        await rules.activate(99),
    ]
    assert [slug(answer)[1] for answer in refused] == [
        "invalid",
        "begins-in-the-past",
        "same-person",
        "stale",
        "municipality-taken",
        "not-found",
    ]


async def test_retiring_takes_nothing_from_others_and_shows_what_it_saw(rules: Rules) -> None:
    for place in (AMSTERDAM, "GM0599"):
        await served(rules, municipalities=[place])
    both = await rules.activated(in_amsterdam(municipalities=[AMSTERDAM, "GM0599"]))
    one = await rules.activated(in_amsterdam(succeeds=[both]))
    assert slug(await rules.call("POST", f"/{both}/retirement", tag=1)) == (412, "stale")
    retired = await rules.call("POST", f"/{both}/retirement", tag=2)
    assert (retired.json()["status"], retired.json()["activeIn"]) == ("RETIRED", [])
    assert (await rules.read(one))["activeIn"] == [AMSTERDAM]


async def test_a_draft_from_a_table_succeeds_what_holds_there(rules: Rules) -> None:
    table = (await rules.call("GET", f"/{HELMOND}/table")).content
    asten = await rules.activated(rule_set(municipalities=["GM0743"]))
    taken_back = await rules.activated(rule_set(succeeds=[HELMOND, asten]), activeFrom=in_days(3))
    assert (await rules.call("POST", f"/{taken_back}/retirement", tag=2)).status_code == 200
    for base in (HELMOND, taken_back):
        drafted = (await rules.call("POST", f"/{base}/table", table)).json()
        assert drafted["succeeds"] == [HELMOND, asten]
        assert slug(await rules.call("GET", f"/{drafted['version']}/changes")) == (400, "invalid")
    assert (await rules.activate(drafted["version"])).status_code == 200


async def test_a_version_is_told_as_it_was_when_it_was_read(rules: Rules) -> None:
    """Between its row and the turns it may be activated."""
    version = await rules.drafted(rule_set())
    async with rules.register.database.reading() as session:
        row = await queries.get_rule_set(session, version)
        if not rules.register.database.is_sqlite:  # where a reader sees one moment anyway
            assert (await rules.activate(version)).status_code == 200
        told = await queries.read_rule_set(session, row)
    assert (told.status, told.active_in, told.active_from) == ("DRAFT", [], None)


async def test_a_draft_makes_nobody_read_anew(rules: Rules) -> None:
    async def version_of_reference() -> int:
        ((row),) = await rules.register.rows(ReferenceVersion)
        return int(row.version)

    before = await version_of_reference()
    draft = await rules.drafted(rule_set())
    await rules.call("PUT", f"/{draft}", rule_set(), tag=1)
    await rules.call("POST", f"/{draft}/retirement", tag=2)
    assert await version_of_reference() == before
    await rules.activated(rule_set())
    assert await version_of_reference() > before


async def test_what_is_no_number_is_none(rules: Rules) -> None:
    for wrong in (True, "5", 5.5):
        answer = await rules.call("POST", "", rule_set(rule("tried", LOVERBOY, dueWorkingDays=wrong)))
        assert faults(answer) == [("/rules/0/then/dueWorkingDays", "wrong-type")]
    twice = [{"target": "HALT", "why": WHY}] * 2
    answer = await rules.call("POST", "", rule_set(rule("tried", LOVERBOY, suggest=twice)))
    assert faults(answer) == [("/rules/0/then/suggest/1/target", "twice")]
    simulated = await rules.call(
        "POST", f"/{HELMOND}/simulations", {"against": True, "generated": {"count": True}}
    )
    assert faults(simulated) == [("/against", "wrong-type"), ("/generated/count", "wrong-type")]


async def test_every_look_is_recorded(rules: Rules) -> None:
    await rules.call("GET", "")
    await rules.call("POST", "/_check", rule_set())
    await rules.call("GET", f"/{HELMOND}/analysis")
    await rules.call("GET", f"/{HELMOND}/changes?since=2")
    await rules.call("GET", f"/{HELMOND}/table")
    await rules.call("POST", f"/{HELMOND}/simulations", {"against": 2, "generated": {"count": 1}})
    acts = {(entry.act, entry.object_id) for entry in await rules.register.rows(AuditEntry)}
    assert {("rule-set.search", None), ("rule-set.check", None)} <= acts
    assert {(f"rule-set.{act}", str(HELMOND)) for act in ("analyse", "compare", "read", "simulate")} <= acts


async def test_what_a_version_succeeds_is_named_where_it_is_several(rules: Rules) -> None:
    asten = await rules.activated(rule_set(municipalities=["GM0743"]))
    both = await rules.drafted(rule_set(succeeds=[HELMOND, asten]))
    assert faults(await rules.call("GET", f"/{both}/changes")) == [("query:since", "required")]
    assert (await rules.call("GET", f"/{both}/changes?since={asten}")).status_code == 200


async def test_errors_stand_before_notes(rules: Rules) -> None:
    await served(rules, validUntil=(TODAY + timedelta(30)).isoformat())
    body = in_amsterdam(rule("loverboy", LOVERBOY), municipalities=[AMSTERDAM, "GM0599"], title="x")
    body["rules"].insert(0, rule("high", {"urgency": ["ACUTE"]}, priority="HIGH"))
    told = (await rules.call("POST", "/_check", body)).json()
    severities = [one["severity"] for one in told["findings"]]
    assert severities == sorted(severities)
    assert {"ERROR", "NOTE"} == set(severities)


async def test_nobody_waits_behind_those_who_wait_for_an_analysis(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()

    async def waiting(bench: Workbench, content: Any) -> Any:
        await release.wait()
        raise AssertionError("no more")

    monkeypatch.setattr(Workbench, "analyse", waiting)
    asked = asyncio.create_task(rules.call("GET", f"/{HELMOND}/analysis"))
    await asyncio.sleep(0.05)
    assert (await rules.call("GET", f"/{HELMOND}")).status_code == 200  # no transaction is open meanwhile
    version = await rules.drafted(rule_set())
    assert version
    release.set()
    assert slug(await asked) == (500, "failed")
