"""What is no rule set is refused with every fault and its place; nothing is stored, nothing repeated."""

import json
from copy import deepcopy
from typing import Any

import pytest

from service.routing.models import RuleSet
from tests.support.register import Register
from tests.support.rules import WHY, Json, Rules, faults, rule, rule_set, slug

CANARY = "CANARY"
ACUTE = {"urgency": ["ACUTE"]}


def with_rule(**changes: Any) -> Json:
    return rule_set(rule("tried", ACUTE) | changes)


def with_when(**when: Any) -> Json:
    return with_rule(when=when)


BAD: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "unknown code": (
        with_when(types=["LOVERBOY", CANARY]),
        [("/rules/0/when/types/anyOf/1", "unknown-code")],
    ),
    "code of another list": (
        with_when(settings=["ACUTE"]),
        [("/rules/0/when/settings/anyOf/0", "unknown-code")],
    ),
    "unknown condition": (with_when(CANARY=["x"]), [("/rules/0/when/CANARY", "unknown-field")]),
    "unknown person condition": (
        with_when(person={"pseudonym": [CANARY]}),
        [("/rules/0/when/person/pseudonym", "unknown-field")],
    ),
    "empty list": (with_when(types=[]), [("/rules/0/when/types/anyOf", "too-few")]),
    "empty condition": (with_when(types={}), [("/rules/0/when/types", "empty")]),
    "empty person": (with_when(person={}), [("/rules/0/when/person", "empty")]),
    "impossible": (
        with_when(urgency={"anyOf": ["ACUTE"], "noneOf": ["ACUTE"]}),
        [("/rules/0/when/urgency", "contradiction")],
    ),
    "asked for and excluded": (
        with_when(types={"allOf": ["LOVERBOY"], "noneOf": ["LOVERBOY"]}),
        [("/rules/0/when/types", "contradiction")],
    ),
    "a thousand rules": (
        rule_set(rules=[rule(f"rule-{number}", {}) for number in range(1000)]),
        [("/rules", "too-many")],
    ),
    "no rules": (rule_set(rules=[]), [("/rules", "too-few")]),
    "a long name": (with_rule(name="a" * 61), [("/rules/0/name", "too-long")]),
    "a name with spaces": (with_rule(name=f"{CANARY} x"), [("/rules/0/name", "wrong-form")]),
    "a long text": (with_rule(why=WHY | {"nl": "a" * 601}), [("/rules/0/why/nl", "too-long")]),
    "a long source": (with_rule(basis="a" * 301), [("/rules/0/basis", "too-long")]),
    "no source": (with_rule(basis=""), [("/rules/0/basis", "too-short")]),
    "NUL": (
        with_rule(basis="a\x00b", why={"nl": "\x00", "en": "x"}),
        [
            ("/rules/0/why/nl", "wrong-form"),
            ("/rules/0/basis", "wrong-form"),
        ],
    ),
    "one language": (with_rule(why={"nl": "Daarom."}), [("/rules/0/why/en", "required")]),
    "a name twice": (
        rule_set(rule("one", ACUTE), rule("one", ACUTE), rule("one", ACUTE)),
        [("/rules/1/name", "twice"), ("/rules/2/name", "twice")],
    ),
    "a term of a year": (
        rule_set(rule("tried", ACUTE, dueWorkingDays=260)),
        [("/rules/0/then/dueWorkingDays", "too-large")],
    ),
    "a municipality twice": (rule_set(municipalities=["GM0794"] * 2), [("/municipalities", "twice")]),
    "unknown municipality": (
        rule_set(municipalities=["GM0794", CANARY]),
        [("/municipalities/1", "unknown-code")],
    ),
    "no municipality": (rule_set(municipalities=[]), [("/municipalities", "too-few")]),
    "a title of two lines": (rule_set(title="Eén\nTwee"), [("/title", "wrong-form")]),
    "succeeds itself twice": (rule_set(succeeds=[1, 1, 0]), [("/succeeds/2", "too-small")]),
    "an example that is no signal": (
        with_rule(example={"primaryType": CANARY, "flag": "GREEN"}),
        [
            ("/rules/0/example/primaryType", "unknown-code"),
            ("/rules/0/example/flag", "no-signal"),
            ("/rules/0/example/reporterType", "required"),
        ],
    ),
    "no object": ([CANARY], [("", "wrong-type")]),
    "everything at once": (
        rule_set(
            rule("One", ACUTE, priority=CANARY),
            rule("two", {"types": [CANARY]}, suggest=[{"target": CANARY, "why": WHY}]),
            title="",
            municipalities=[CANARY],
            status="ACTIVE",
        ),
        [
            ("/title", "too-short"),
            ("/municipalities/0", "unknown-code"),
            ("/rules/0/name", "wrong-form"),
            ("/rules/0/then/priority", "unknown-code"),
            ("/rules/1/when/types/anyOf/0", "unknown-code"),
            ("/rules/1/then/suggest/0/target", "unknown-code"),
            ("/status", "unknown-field"),
        ],
    ),
}


@pytest.mark.parametrize(("body", "expected"), BAD.values(), ids=BAD.keys())
async def test_a_bad_set_is_refused_whole(
    register: Register, body: Any, expected: list[tuple[str, str]]
) -> None:
    rules = Rules(register)
    draft = await rules.drafted(rule_set())
    for method, path, tag in (("POST", "", None), ("PUT", f"/{draft}", 1), ("POST", "/_check", None)):
        answer = await rules.call(method, path, deepcopy(body), tag=tag)
        assert (slug(answer), faults(answer)) == ((400, "invalid"), expected), answer.text
        assert CANARY not in answer.text.replace(f"/when/{CANARY}", "")
    assert [row.revision for row in await register.rows(RuleSet)] == [1, 1, 1, 1]


async def test_a_set_of_two_hundred_rules_fits_and_one_octet_too_many_does_not(register: Register) -> None:
    rules = Rules(register)
    many = [
        rule(f"rule-{number:03}", {"indicators": ["C01", "C02"], "settings": ["SCHOOL"]})
        | {"basis": "b" * 300}
        for number in range(199)
    ]
    body = rule_set(*many, title="t" * 120)
    assert len(json.dumps(body)) > 64 * 1024
    assert (await rules.call("POST", "", body)).status_code == 201
    headers = await register.headers("administrator", content_type="application/json")
    content = json.dumps(body).encode()
    for size, status in ((512 * 1024, 201), (512 * 1024 + 1, 413)):
        answer = await register.http.post("/v1/rule-sets", content=content.ljust(size), headers=headers)
        assert answer.status_code == status
    assert answer.json()["detail"] == "A rule set, or a simulation, is at most 512 KB."


@pytest.mark.parametrize(
    "table", [b"", b"\xff\xfe", b"name\r\n", b'"', b"=1+1,2\r\n3,4\r\n", b"a" * 200_000, b"," * 100_000]
)
async def test_what_is_no_table_is_refused(register: Register, table: bytes) -> None:
    rules = Rules(register)
    draft = await rules.drafted(rule_set())
    for method, path, tag in (("POST", "/1/table", None), ("PUT", f"/{draft}/table", 1)):
        answer = await rules.call(method, path, table, tag=tag)
        assert slug(answer) == (400, "invalid")
        assert {pointer.partition(":")[0] for pointer, _ in faults(answer)} <= {"cell", ""}
        assert len(answer.content) < 128 * 1024
    assert len(await register.rows(RuleSet)) == 4


async def test_no_body_is_answered_with_many_times_as_much(register: Register) -> None:
    wrong = [
        rule(f"rule-{number}", {"types": ["?"] * 100, "indicators": ["?"] * 100}) for number in range(199)
    ]
    answer = await Rules(register).call("POST", "", rule_set(*wrong))
    told = faults(answer)
    assert (len(told), told[0], told[-1]) == (
        501,
        ("/rules/0/when/types/anyOf/0", "unknown-code"),
        ("", "more"),
    )
    assert len(answer.content) < 128 * 1024


async def test_a_table_is_sent_as_one(register: Register) -> None:
    headers = await register.headers("administrator")
    answer = await register.http.post("/v1/rule-sets/1/table", json={}, headers=headers)
    assert slug(answer) == (415, "unsupported-media-type")
    refused = await register.http.get(
        "/v1/rule-sets/1/table", headers=headers | {"Accept": "application/json"}
    )
    assert slug(refused) == (406, "not-acceptable")
