"""A rule changes: tried out before it decides anything, and put in force by somebody else. A scene of the demo."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.client.connection import Connection, Refused
from service.clock import local_day
from service.demo.screen import Screen

GENERATED = {"generated": {"count": 2_000, "seed": 1}}
LIGHT = "shame-sexting-light"
RED_FLAG = {
    "name": "shame-sexting-red-flag",
    "when": {
        "types": ["SHAME_SEXTING"],
        "flag": ["RED"],
        "person": {"roles": ["SUSPECT"], "ageBands": ["A12_15", "A16_17"]},
    },
    "then": {
        "contactPoint": "LOCAL",
        "priority": "HIGH",
        "dueWorkingDays": 3,
        "suggest": [
            {
                "target": "POLICE_AVIM",
                "why": {
                    "nl": "Een rode vlag is meer dan een lichte zaak: de politie weegt voordat Halt in beeld komt.",
                    "en": "A red flag is more than a light case: the police weigh it before Halt is thought of.",
                },
            }
        ],
    },
    "why": {
        "nl": "Shame-sexting met een rode vlag door een jongere van 12 tot en met 17.",
        "en": "Shame-sexting with a red flag by somebody of 12–17.",
    },
    "basis": "Flag system (sensoa.be); an invented decision of Helmond, for the demo",
    "example": {
        "primaryType": "SHAME_SEXTING",
        "flag": "RED",
        "reporterType": "SCHOOL",
        "persons": [{"role": "SUSPECT", "ageBand": "A16_17", "gender": "M"}],
    },
}


async def a_rule_changes(clients: dict[str, Connection], screen: Screen) -> None:
    """From a draft with a mistake to a decision by the new rule."""
    screen.chapter(
        "A rule changes",
        "Helmond wants the police to look first where shame-sexting has a red flag. An administrator drafts the "
        "rules with one more, and by mistake puts it behind the rule for light cases.",
    )
    author, other = clients["administrator"], clients["administrator-deputy"]
    versions = (await author.get("/v1/rule-sets", limit=200))["items"]
    present = next(one for one in versions if one["status"] == "ACTIVE" and "GM0794" in one["activeIn"])
    before = await author.get(f"/v1/rule-sets/{present['version']}")
    draft = await author.call("POST", "/v1/rule-sets", json=_with_rule(before, behind=True))
    path = f"/v1/rule-sets/{draft['version']}"
    screen.findings((await author.get(f"{path}/analysis"))["findings"])
    screen.say(f"It cannot be put in force: {await _refusal(other, path)}.")
    await author.call("PUT", path, json=_with_rule(before, behind=False), headers={"If-Match": '"1"'})
    analysis = await author.get(f"{path}/analysis")
    screen.say(
        f"\nIn front of it, the analysis finds {'no error' if analysis['clean'] else 'errors'}. What changed:"
    )
    for change in (await other.get(f"{path}/changes"))["changes"]:
        screen.say(f"  {change['en']}")
    simulation = await other.call("POST", f"{path}/simulations", json=GENERATED)
    screen.simulated(simulation)
    await other.call("POST", f"{path}/activation", json={}, headers={"If-Match": '"2"'})
    receipt = await clients["school-helmond"].post_signal(_red_flag(local_day(datetime.now(UTC))))
    screen.receipt(
        "Decided from now on by version " + str(receipt["decision"]["ruleSet"]),
        "A school reports a boy of 16–17 who passed on a picture; the flag is red.",
        receipt,
    )


def _with_rule(rule_set: dict[str, Any], *, behind: bool) -> dict[str, Any]:
    """A draft that succeeds a rule set, with the new rule behind or before that for light cases."""
    rules = [*rule_set["rules"]]
    place = [rule["name"] for rule in rules].index(LIGHT)
    rules.insert(place + behind, RED_FLAG)
    kept = {name: rule_set[name] for name in ("title", "municipalities")}
    return kept | {"rules": rules, "succeeds": [rule_set["version"]]}


async def _refusal(other: Connection, path: str) -> str:
    try:
        await other.call("POST", f"{path}/activation", json={}, headers={"If-Match": '"1"'})
    except Refused as refused:
        return str(refused.problem["title"])
    raise RuntimeError("a set with an error was put in force")


def _red_flag(today: date) -> dict[str, Any]:
    return {
        "primaryType": "SHAME_SEXTING",
        "observedFrom": (today - timedelta(2)).isoformat(),
        "municipalities": {"incident": "GM0794"},
        "settings": ["ONLINE"],
        "urgency": "CONCERN",
        "flag": "RED",
        "indicators": [{"code": "X01", "observation": "OBSERVED"}],
        "persons": [
            {
                "pseudonym": "UNKNOWN",
                "role": "SUSPECT",
                "ageBand": "A16_17",
                "gender": "M",
                "municipality": "GM0794",
            }
        ],
        "legalBasis": "JW_REPORT",
    }
