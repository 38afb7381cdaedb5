"""The life of a rule set over HTTP: drafted, put in force by somebody else at a moment, succeeded, retired."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.routing.models import RuleSetTurn, SignalDecision
from service.trail import AuditEntry
from tests.support.bodies import person, signal
from tests.support.register import Register, Templates, in_process
from tests.support.rules import (
    AUTHOR,
    EDE,
    HELMOND,
    OTHER,
    Json,
    Rules,
    faults,
    helmond,
    in_days,
    rule,
    rule_set,
    slug,
    wire,
)

PLACES = rule_set()["municipalities"]
ACUTE = {"urgency": ["ACUTE"]}
THIRD = "staff.third"


@pytest.fixture
def rules(register: Register) -> Rules:
    return Rules(register)


async def decided_by(register: Register, **changes: Any) -> tuple[int, str]:
    answer = await register.post_signal(signal(**changes))
    assert answer.status_code == 201, answer.text
    decision = answer.json()["decision"]
    return decision["ruleSet"], decision["rule"]


async def test_a_set_is_drafted_changed_activated_and_succeeds_the_old_one(rules: Rules) -> None:
    body = rule_set(rule("acute", ACUTE, priority="HIGH"))
    version = await rules.drafted(body)
    draft = await rules.read(version)
    assert {name: draft[name] for name in ("status", "authors", "succeeds", "activeIn")} == {
        "status": "DRAFT",
        "authors": [AUTHOR],
        "succeeds": [HELMOND],
        "activeIn": [],
    }
    assert draft["rules"][0]["when"] == {"urgency": {"anyOf": ["ACUTE"]}}
    before = await decided_by(rules.register)

    path = f"/{version}"
    assert slug(await rules.call("PUT", path, body)) == (428, "if-match-required")
    assert slug(await rules.call("PUT", path, body, tag=2)) == (412, "stale")
    changed = await rules.call("PUT", path, body | {"title": "Nieuw"}, tag=1, actor=OTHER)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.json()["authors"] == [AUTHOR, OTHER]

    assert slug(await rules.activate(version)) == (412, "stale")
    for one in (AUTHOR, OTHER, OTHER.upper()):
        assert slug(await rules.activate(version, tag=2, actor=one)) == (409, "same-person")
    active = await rules.activate(version, tag=2, actor=THIRD)
    assert (active.status_code, active.headers["ETag"]) == (200, '"3"')
    told = active.json()
    assert (told["status"], told["activatedBy"], told["activeIn"]) == ("ACTIVE", THIRD, PLACES)
    assert told["activeFrom"] <= told["activatedAt"]
    old = await rules.read(HELMOND)
    assert (old["status"], old["activeIn"], old["activeUntil"]) == ("RETIRED", [], told["activeFrom"])

    assert before == (HELMOND, "loverboy-minor")
    assert await decided_by(rules.register) == (version, "every-other-signal")
    for method, where in (("PUT", path), ("POST", f"{path}/activation")):
        answer = await rules.call(method, where, body if method == "PUT" else {}, tag=3, actor=OTHER)
        assert slug(answer) == (409, "not-a-draft")
    acts = [
        (entry.act, entry.actor)
        for entry in await rules.register.rows(AuditEntry)
        if (entry.object_type, entry.object_id, entry.outcome) == ("rule_set", str(version), "done")
        and entry.act != "rule-set.read"
    ]
    assert acts == [
        ("rule-set.draft", AUTHOR),
        ("rule-set.change", OTHER),
        ("rule-set.activate", THIRD),
    ]


async def test_intake_follows_from_the_moment_itself(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    """By the moment of receipt, for a correction by that of the correction."""
    clock_file, moment = tmp_path / "moment", datetime(2026, 12, 1, 9, 0, tzinfo=UTC)

    def set_clock(at: datetime) -> None:
        clock_file.write_text(wire(at))

    set_clock(moment)
    async with in_process(
        database_url, templates.loaded[engine], tmp_path, clock_file=clock_file
    ) as register:
        rules, begins = Rules(register), moment + timedelta(hours=2)
        version = await rules.activated(rule_set(), activeFrom=wire(begins))
        planned = await rules.read(version)
        assert (planned["status"], planned["activeFrom"]) == ("PLANNED", "2026-12-01T11:00:00Z")
        assert (await rules.read(HELMOND))["activeUntil"] == "2026-12-01T11:00:00Z"
        set_clock(begins - timedelta(milliseconds=1))
        early = await register.post_signal(signal())
        set_clock(begins)
        assert (await decided_by(register))[0] == version
        assert ((await rules.read(version))["status"], (await rules.read(HELMOND))["status"]) == (
            "ACTIVE",
            "RETIRED",
        )
        headers = await register.headers("jpt-helmond", if_match='"1"')
        path = f"/v1/signals/{early.json()['id']}/corrections"
        corrected = await register.http.post(path, json=signal(urgency="INFO"), headers=headers)
        assert early.json()["decision"]["ruleSet"] == HELMOND
        assert corrected.json()["decision"]["ruleSet"] == version
        kept = {(row.signal_version, row.rule_set, row.rule) for row in await register.rows(SignalDecision)}
        assert {(1, HELMOND, "loverboy-minor"), (2, version, "every-other-signal")} <= kept
        (first, *_) = [row for row in await register.rows(SignalDecision) if row.signal_version == 1]
        assert first.facts["primaryType"] == "LOVERBOY"
        assert first.outcome["explanation"].keys() == {"nl", "en"}


async def test_what_begins_in_the_past_is_refused(rules: Rules) -> None:
    version = await rules.drafted(rule_set())
    for moment in (in_days(-1), in_days(-0.001), "0001-01-01T00:00:00Z"):
        assert slug(await rules.activate(version, {"activeFrom": moment})) == (409, "begins-in-the-past")
    for wrong in ("2026-12-01", "tomorrow", "2026-12-01T10:00:00", "2026-13-01T10:00:00Z", 1796112000, True):
        answer = await rules.activate(version, {"activeFrom": wrong})
        assert (slug(answer), faults(answer)) == ((400, "invalid"), [("/activeFrom", "wrong-form")])
    assert (await rules.read(version))["status"] == "DRAFT"


async def test_two_sets_for_one_municipality_are_refused(rules: Rules) -> None:
    helmond_again = await rules.drafted(rule_set(succeeds=[]))
    both = await rules.drafted(rule_set(municipalities=["GM0762", "GM0228"]))
    idle = await rules.drafted(rule_set(succeeds=[HELMOND, EDE]))
    taken = await rules.activate(helmond_again)
    assert slug(taken) == (409, "municipality-taken")
    assert faults(taken) == [(f"/municipalities/{place}", "taken") for place in range(len(PLACES))]
    assert faults(await rules.activate(both)) == [("/municipalities/1", "taken")]
    nothing_of_it = await rules.activate(idle)
    assert (slug(nothing_of_it), faults(nothing_of_it)) == (
        (409, "not-succeeded"),
        [("/succeeds/1", "not-holding")],
    )
    unknown = await rules.call("POST", "", rule_set(succeeds=[HELMOND, both, 99]))
    assert faults(unknown) == [("/succeeds/1", "unknown"), ("/succeeds/2", "unknown")]


async def test_what_is_planned_is_taken_back_before_another_is(rules: Rules) -> None:
    planned = await rules.activated(rule_set(), activeFrom=in_days(3))
    other = await rules.drafted(rule_set())
    same = (await rules.read(planned))["activeFrom"]
    for moment, why in (
        ({}, "planned"),
        ({"activeFrom": in_days(1)}, "planned"),
        ({"activeFrom": same}, "taken"),
    ):
        answer = await rules.activate(other, moment)
        assert slug(answer) == (409, "municipality-taken")
        assert faults(answer) == [(f"/municipalities/{place}", why) for place in range(len(PLACES))]
    taken_back = await rules.call("POST", f"/{planned}/retirement", tag=2)
    assert (taken_back.status_code, taken_back.json()["status"]) == (200, "RETIRED")
    assert (await rules.read(HELMOND)).get("activeUntil") is None
    assert (await rules.activate(other)).status_code == 200
    assert slug(await rules.call("POST", f"/{planned}/retirement", tag=3)) == (409, "retired")


async def test_a_plan_that_another_builds_on_is_not_taken_back(rules: Rules) -> None:
    first = await rules.activated(rule_set(), activeFrom=in_days(3))
    second = await rules.activated(
        rule_set(municipalities=["GM0762"], succeeds=[first]), activeFrom=in_days(5)
    )
    refused = await rules.call("POST", f"/{first}/retirement", tag=2)
    assert (slug(refused), faults(refused)) == (
        (409, "municipality-taken"),
        [(f"/municipalities/{PLACES.index('GM0762')}", "planned")],
    )
    for version in (second, first):
        assert (await rules.call("POST", f"/{version}/retirement", tag=2)).status_code == 200
    assert (await rules.read(HELMOND))["activeIn"] == PLACES


async def test_a_set_that_takes_one_municipality_over_leaves_the_others(rules: Rules) -> None:
    asten = await rules.activated(rule_set(municipalities=["GM0743"]))
    left = [code for code in PLACES if code != "GM0743"]
    old = await rules.read(HELMOND)
    assert (old["status"], old["activeIn"]) == ("ACTIVE", left)
    assert (await decided_by(rules.register))[0] == HELMOND
    there = await decided_by(rules.register, persons=[person(municipality="GM0743")])
    assert there == (asten, "every-other-signal")
    both = await rules.activated(rule_set(succeeds=[HELMOND, asten]))
    assert (await rules.read(both))["activeIn"] == PLACES
    assert {(await rules.read(version))["status"] for version in (HELMOND, asten)} == {"RETIRED"}


async def test_what_an_agreement_covers_keeps_its_rules(rules: Rules) -> None:
    answer = await rules.call("POST", f"/{HELMOND}/retirement", tag=1)
    assert slug(answer) == (409, "still-needed")
    assert faults(answer) == [(f"/municipalities/{place}", "agreed") for place in range(len(PLACES))]
    assert slug(await rules.call("POST", f"/{HELMOND}/retirement")) == (428, "if-match-required")
    draft = await rules.drafted(rule_set())
    thrown_away = await rules.call("POST", f"/{draft}/retirement", tag=1)
    assert (thrown_away.json()["status"], thrown_away.json()["retiredBy"]) == ("RETIRED", AUTHOR)
    assert slug(await rules.activate(draft, tag=2)) == (409, "not-a-draft")


async def test_a_municipality_outside_every_agreement_can_be_left_without_rules(rules: Rules) -> None:
    point = {
        "level": "LOCAL",
        "municipalities": ["GM0363"],
        "function": "Aandachtsfunctionaris",
        "deputyFunction": "Plaatsvervanger",
        "phone": "020-0000009",
        "hours": "ma-vr",
        "validFrom": "2026-01-01",
    }
    organisation = rules.register.loaded.organisations["contact-point-helmond"]
    headers = await rules.register.headers("administrator")
    path = f"/v1/organisations/{organisation}/contact-points"
    assert (await rules.register.http.post(path, json=point, headers=headers)).status_code == 201
    amsterdam = await rules.activated(rule_set(municipalities=["GM0363"], succeeds=[]))
    retired = await rules.call("POST", f"/{amsterdam}/retirement", tag=2)
    assert (retired.status_code, retired.json()["status"], retired.json()["activeIn"]) == (200, "RETIRED", [])
    assert "activeUntil" in retired.json()
    again = await rules.activated(rule_set(municipalities=["GM0363"], succeeds=[]))
    assert (await rules.read(again))["activeIn"] == ["GM0363"]


async def test_of_two_who_activate_at_once_one_does(rules: Rules) -> None:
    drafts = [await rules.drafted(rule_set(title=f"Voorstel {number}")) for number in range(4)]
    answers = await asyncio.gather(*(rules.activate(draft) for draft in drafts))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {slug(answer) for answer in answers if answer.status_code == 409} <= {
        (409, "municipality-taken"),
        (409, "not-succeeded"),
    }
    turns = [(turn.municipality, turn.since) for turn in await rules.register.rows(RuleSetTurn)]
    assert len(turns) == len(set(turns))


async def test_the_list_has_every_version_page_by_page_without_its_rules(rules: Rules) -> None:
    await rules.drafted(helmond())
    first = await rules.call("GET", "?limit=3")
    items = first.json()["items"]
    following = first.headers["Link"].partition("<")[2].partition(">")[0]
    second = await rules.call("GET", following.removeprefix("/v1/rule-sets"))
    assert [(item["version"], item["status"]) for item in items + second.json()["items"]] == [
        (1, "ACTIVE"),
        (2, "ACTIVE"),
        (3, "ACTIVE"),
        (4, "DRAFT"),
    ]
    assert "Link" not in second.headers
    assert "rules" not in items[0]
    assert faults(await rules.call("GET", "?cursor=AAAA")) == [("query:cursor", "wrong-form")]
    for path in ("/99", "/99/analysis", "/99/table", "/99/changes?since=1"):
        assert slug(await rules.call("GET", path)) == (404, "not-found")
    for path in ("/0", "/-1", "/one", "/10000000"):
        assert slug(await rules.call("GET", path))[0] == 400


async def test_reading_roles_read_and_change_nothing(rules: Rules) -> None:
    for client in ("auditor", "contact-point-helmond"):
        assert (await rules.call("GET", f"/{HELMOND}", client=client)).status_code == 200
        refused: Json = (await rules.call("POST", "", helmond(), client=client)).json()
        assert refused["status"] == 403
