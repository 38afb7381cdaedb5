"""Rule sets tried out over HTTP: analysed, simulated, compared, taken out and in as a table."""

import csv
import io
from typing import Any

import pytest

from service.routing.models import RuleSet, SignalDecision
from service.signals.models import Signal
from tests.support.bodies import CONTACT_POINT
from tests.support.register import Register
from tests.support.rules import HELMOND, WHY, Json, Rules, faults, helmond, in_days, rule, rule_set, slug

ACUTE = {"urgency": ["ACUTE"]}
LOVERBOY = {"types": ["LOVERBOY"]}
YOUNG = {"person": {"roles": ["SUSPECT"], "ageBands": ["A12_15"]}}
VICTIM = {"role": "VICTIM", "ageBand": "A12_15", "gender": "F"}
OLD_SUSPECT = {"role": "SUSPECT", "ageBand": "A45_PLUS", "gender": "M"}
GIVEN = {"primaryType": "LOVERBOY", "reporterType": "JPT", "persons": [VICTIM, OLD_SUSPECT]}


@pytest.fixture
def rules(register: Register) -> Rules:
    return Rules(register)


async def analysed(rules: Rules, body: Json) -> Json:
    """The analysis of a draft, which a check of the same body gives too."""
    version = await rules.drafted(body)
    told = await rules.call("GET", f"/{version}/analysis")
    checked = await rules.call("POST", "/_check", body)
    assert (told.status_code, checked.status_code) == (200, 200), told.text
    assert told.json() == checked.json()
    answer = await rules.activate(version)
    assert (answer.status_code == 200) == told.json()["clean"]
    if not told.json()["clean"]:
        assert slug(answer) == (409, "faulty-rules")
        assert {code for _, code in faults(answer)} == {
            one["kind"] for one in told.json()["findings"] if one["severity"] == "ERROR"
        }
        assert (await rules.read(version))["status"] == "DRAFT"
    return dict(told.json())


def kinds(analysis: Json, severity: str = "ERROR") -> list[tuple[str, list[str]]]:
    return [(one["kind"], one["rules"]) for one in analysis["findings"] if one["severity"] == severity]


async def test_planted_faults_are_found_and_keep_a_set_from_being_activated(rules: Rules) -> None:
    body = rule_set(
        rule("acute", ACUTE, priority="HIGH"),
        rule("acute-loverboy", ACUTE | LOVERBOY),
        rule("status-of-a-suspect", {"person": {"roles": ["SUSPECT"], "victimStatuses": ["ACTUAL"]}}),
        rule("loverboy", LOVERBOY, contactPoint="REGIONAL"),
        rule("begging", {"types": ["FORCED_BEGGING"]}) | {"example": GIVEN},
    )
    told = await analysed(rules, body)
    assert kinds(told) == [
        ("covered-rule", ["acute", "acute-loverboy"]),
        ("impossible-rule", ["status-of-a-suspect"]),
        ("wrong-example", ["begging"]),
    ]
    covered, impossible, wrong = told["findings"][:3]
    assert covered["example"]["types"] == ["LOVERBOY"]
    assert (covered["decidedBy"], wrong["decidedBy"], wrong["example"]["persons"]) == (
        "acute",
        "loverboy",
        [VICTIM, OLD_SUSPECT],
    )
    assert "example" not in impossible
    assert covered["told"] == {
        "nl": "Regel “acute-loverboy” beslist nooit: over elk signaal dat eraan voldoet is al beslist door “acute”.",
        "en": "Rule “acute-loverboy” never decides: every signal that meets it is taken by “acute”.",
    }
    assert ("overlap", ["acute", "loverboy"]) in kinds(told, "NOTE")
    assert {one["rule"] for one in told["examples"]} == {"acute", "loverboy", "begging", "every-other-signal"}


async def test_a_gap_is_found(rules: Rules) -> None:
    told = await analysed(rules, rule_set(rules=[rule("loverboy", LOVERBOY), rule("acute", ACUTE)]))
    ((kind, concerned),) = kinds(told)
    assert (kind, concerned) == ("no-catch-all", [])
    (gap,) = [one for one in told["findings"] if one["kind"] == "no-catch-all"]
    assert "LOVERBOY" not in gap["example"]["types"]
    assert "decidedBy" not in gap


async def test_a_municipality_without_contact_point_and_a_target_without_organisation_are_found(
    rules: Rules,
) -> None:
    suggest = [{"target": target, "why": WHY} for target in ("HALT", "POLICE_AVIM", "HELPWANTED")]
    body = rule_set(rule("loverboy", LOVERBOY, suggest=suggest), municipalities=["GM0794", "GM0363"])
    told = await analysed(rules, body)
    (gap,) = [one for one in told["findings"] if one["kind"] == "no-contact-point"]
    assert (gap["municipality"], gap["level"], gap["example"], gap["decidedBy"]) == (
        "GM0363",
        "LOCAL",
        {**gap["example"], "types": ["LOVERBOY"]},
        "loverboy",
    )
    assert gap["told"]["en"] == "Amsterdam has no local or regional contact point."
    answer = await rules.activate(await rules.drafted(body))
    assert faults(answer) == [("/municipalities/1", "no-contact-point")]

    halt = rules.register.loaded.organisations["halt-oost-brabant"]
    headers = await rules.register.headers("administrator")
    needed = await rules.register.http.post(f"/v1/organisations/{halt}/termination", headers=headers)
    assert slug(needed) == (409, "still-needed")  # by the set in force
    without = await rules.activated(rule_set(rule("loverboy", LOVERBOY, suggest=suggest[1:])))
    ended = await rules.register.http.post(f"/v1/organisations/{halt}/termination", headers=headers)
    assert ended.status_code == 200, ended.text
    told = await analysed(rules, rule_set(rule("loverboy", LOVERBOY, suggest=suggest), succeeds=[without]))
    (missing,) = [one for one in told["findings"] if one["severity"] == "ERROR"]
    assert (missing["kind"], missing["target"], missing["rules"]) == ("no-organisation", "HALT", ["loverboy"])
    assert missing["agreement"] in missing["told"]["nl"]
    assert missing["decidedBy"] == "loverboy"


async def test_what_a_planned_set_needs_cannot_end_either(rules: Rules) -> None:
    suggest = [{"target": "RIEC", "why": WHY}]
    await rules.activated(rule_set(rule("loverboy", LOVERBOY)))
    riec = rules.register.loaded.organisations["riec-oost-brabant"]
    await rules.activated(
        rule_set(rule("loverboy", LOVERBOY, suggest=suggest), succeeds=[4]), activeFrom=in_days(400)
    )
    headers = await rules.register.headers("administrator")
    answer = await rules.register.http.post(f"/v1/organisations/{riec}/termination", headers=headers)
    assert slug(answer) == (409, "still-needed")
    assert [fault["detail"] for fault in answer.json()["errors"]] == [
        "Rule set 5 suggests RIEC; nobody else in the agreement is that."
    ]


async def test_a_contact_point_that_ends_is_noted(rules: Rules) -> None:
    organisation = rules.register.loaded.organisations["contact-point-helmond"]
    headers = await rules.register.headers("administrator")
    point = CONTACT_POINT | {"municipalities": ["GM0363"], "validUntil": "2099-12-31"}
    path = f"/v1/organisations/{organisation}/contact-points"
    assert (await rules.register.http.post(path, json=point, headers=headers)).status_code == 201
    told = await analysed(rules, rule_set(municipalities=["GM0363"], succeeds=[]))
    (noted,) = told["findings"]
    assert (noted["kind"], noted["severity"], noted["until"]) == ("contact-point-ends", "NOTE", "2100-01-01")


async def test_the_default_set_is_clean(rules: Rules) -> None:
    told = (await rules.call("GET", f"/{HELMOND}/analysis")).json()
    assert told["clean"]
    assert {one["severity"] for one in told["findings"]} == {"NOTE"}
    assert [one["rule"] for one in told["examples"]] == [one["name"] for one in helmond()["rules"]]


async def test_a_simulation_over_given_signals(rules: Rules) -> None:
    body = helmond()
    place = [one["name"] for one in body["rules"]].index("loverboy-minor")
    body["rules"][place]["then"]["priority"] = "HIGH"
    version = await rules.drafted(body)
    given = [GIVEN, {"primaryType": "SEXTORTION", "reporterType": "SCHOOL", "urgency": "CONCERN"}]
    told = (await rules.call("POST", f"/{version}/simulations", {"signals": given})).json()
    assert (told["before"], told["after"], told["signals"], told["changed"]) == (HELMOND, version, 2, 1)
    (change,) = told["changes"]
    assert (change["before"]["rule"], change["before"]["priority"], change["after"]["priority"]) == (
        "loverboy-minor",
        "NORMAL",
        "HIGH",
    )
    assert change["examples"][0]["persons"] == [VICTIM, OLD_SUSPECT]
    again = await rules.call("POST", f"/{version}/simulations", {"signals": change["examples"], "against": 1})
    assert again.json()["changed"] == 1
    nothing = await rules.call("POST", f"/{HELMOND}/simulations", {"signals": given, "against": HELMOND})
    assert (nothing.json()["changed"], nothing.json()["changes"]) == (0, [])


async def test_a_simulation_over_generated_signals_says_the_same_each_time(rules: Rules) -> None:
    version = await rules.drafted(rule_set(rules=[rule("loverboy", LOVERBOY, priority="HIGH")]))
    asked = {"generated": {"count": 400, "seed": 7}}
    first, second = [(await rules.call("POST", f"/{version}/simulations", asked)).json() for _ in range(2)]
    assert first == second
    assert (first["signals"], sum(change["times"] for change in first["changes"])) == (400, first["changed"])
    times = [change["times"] for change in first["changes"]]
    assert times == sorted(times, reverse=True)
    assert any("after" not in change for change in first["changes"])  # there is no catch-all
    other = await rules.call("POST", f"/{version}/simulations", {"generated": {"count": 400, "seed": 8}})
    assert other.json() != first


BAD_SIMULATIONS: dict[str, tuple[Json, list[tuple[str, str]]]] = {
    "nothing to look at": ({}, [("", "one-of")]),
    "both": ({"signals": [GIVEN], "generated": {}}, [("", "one-of")]),
    "no signals": ({"signals": []}, [("/signals", "too-few")]),
    "too many": ({"signals": [GIVEN] * 1001}, [("/signals", "too-many")]),
    "too many to make": ({"generated": {"count": 20001}}, [("/generated/count", "too-large")]),
    "against nothing": ({"generated": {}, "against": 99}, [("/against", "unknown")]),
    "what is no signal": (
        {"signals": [GIVEN | {"flag": "GREEN", "primaryType": "SEXTING_CONSENSUAL", "name": "x"}]},
        [
            ("/signals/0/primaryType", "unknown-code"),
            ("/signals/0/flag", "no-signal"),
            ("/signals/0/name", "unknown-field"),
        ],
    ),
    "a status of a suspect": (
        {"signals": [GIVEN | {"persons": [OLD_SUSPECT | {"victimStatus": "ACTUAL"}]}]},
        [("/signals/0/persons/0", "not-for-this-role")],
    ),
}


@pytest.mark.parametrize(("body", "expected"), BAD_SIMULATIONS.values(), ids=BAD_SIMULATIONS.keys())
async def test_a_bad_simulation_is_refused(rules: Rules, body: Json, expected: Any) -> None:
    answer = await rules.call("POST", f"/{HELMOND}/simulations", {"against": 1} | body)
    assert (answer.status_code, faults(answer)) == (400, expected)


async def test_what_a_set_is_compared_with_is_named_where_it_succeeds_none(rules: Rules) -> None:
    version = await rules.drafted(rule_set(succeeds=[]))
    simulated = await rules.call("POST", f"/{version}/simulations", {"generated": {}})
    assert faults(simulated) == [("/against", "required")]
    assert faults(await rules.call("GET", f"/{version}/changes")) == [("query:since", "required")]
    assert faults(await rules.call("GET", f"/{version}/changes?since=99")) == [("query:since", "unknown")]


async def test_nothing_of_a_trial_is_registered(rules: Rules) -> None:
    before = [len(await rules.register.rows(table)) for table in (Signal, SignalDecision, RuleSet)]
    await rules.call("POST", f"/{HELMOND}/simulations", {"against": 2, "generated": {"count": 50}})
    await rules.call("POST", "/_check", rule_set())
    assert [len(await rules.register.rows(table)) for table in (Signal, SignalDecision, RuleSet)] == before


async def test_what_changed_is_told_in_words(rules: Rules) -> None:
    body = helmond(title="Helmond 2027")
    body["rules"][0]["then"]["dueWorkingDays"] = 2
    version = await rules.drafted(body)
    told = (await rules.call("GET", f"/{version}/changes")).json()
    assert (told["since"], told["version"]) == (HELMOND, version)
    assert [one["nl"][:45] for one in told["changes"]] == [
        "De titel was “Helmond and the Peel” en wordt “Helmond 2027”."[:45],
        "Regel “acute-danger-minor” zegt nu: gemeentelijk"[:45],
    ]
    back = (await rules.call("GET", f"/{HELMOND}/changes?since={version}")).json()
    assert len(back["changes"]) == 2


async def test_changes_of_many_codes_are_told_too(rules: Rules) -> None:
    """More words than a text of a rule may have."""
    seen = [one["code"] for one in (await code_list(rules, "indicator"))]
    version = await rules.drafted(rule_set(rule("seen", {"indicators": seen})))
    told = (await rules.call("GET", f"/{version}/changes")).json()
    assert max(len(one["nl"]) for one in told["changes"]) > 1000


async def code_list(rules: Rules, name: str) -> list[Json]:
    answer = await rules.register.http.get(
        f"/v1/code-lists/{name}", headers=await rules.register.headers("administrator")
    )
    return list(answer.json()["codes"])


async def test_a_table_is_taken_out_changed_and_comes_in_as_a_draft(rules: Rules) -> None:
    table = await rules.call("GET", f"/{HELMOND}/table")
    assert table.headers["Content-Type"].startswith("text/csv")
    assert table.headers["Content-Disposition"] == f'attachment; filename="rule-set-{HELMOND}.csv"'
    same = await rules.call("POST", f"/{HELMOND}/table", table.content)
    assert same.status_code == 201, same.text
    draft = same.json()
    assert (draft["status"], draft["succeeds"], draft["rules"]) == ("DRAFT", [HELMOND], helmond()["rules"])

    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    rows[3]["then.priority"] = "HIGH"
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys(), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    path = f"/{draft['version']}/table"
    changed = await rules.call("PUT", path, text.getvalue().encode("utf-8-sig"), tag=1)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"'), changed.text
    assert changed.json()["rules"][3]["then"]["priority"] == "HIGH"
    assert (await rules.activate(draft["version"], tag=2)).status_code == 200
    assert slug(await rules.call("PUT", path, table.content, tag=3)) == (409, "not-a-draft")
    assert slug(await rules.call("POST", f"/{await rules.drafted(helmond())}/table", table.content)) == (
        409,
        "not-activated",
    )


async def test_a_table_with_formulas_and_faults_is_refused_with_all_places(rules: Rules) -> None:
    table = (await rules.call("GET", f"/{HELMOND}/table")).text
    rows = list(csv.reader(io.StringIO(table, newline="")))
    for line, column, cell in (
        (2, "basis", "=HYPERLINK(CANARY)"),
        (3, "then.priority", "CANARY"),
        (4, "when.types.anyOf", "LOVERBOY CANARY"),
        (5, "name", rows[1][0]),
        (6, "example", "{CANARY"),
        (7, "example", '{"primaryType": "LOVERBOY"}'),
    ):
        rows[line - 1][rows[0].index(column)] = cell
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    before = len(await rules.register.rows(RuleSet))
    answer = await rules.call("POST", f"/{HELMOND}/table", text.getvalue().encode())
    assert answer.status_code == 400
    assert faults(answer) == [
        ("cell:2:basis", "formula"),
        ("cell:3:then.priority", "unknown-code"),
        ("cell:4:when.types.anyOf", "unknown-code"),
        ("cell:6:example", "wrong-type"),
        ("cell:7:example", "required"),
    ]
    assert "CANARY" not in answer.text
    assert len(await rules.register.rows(RuleSet)) == before
