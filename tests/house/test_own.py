"""The matrix's column of one's own: every operation, entered by a client about things of its own, succeeds.

The steps follow each other; what an earlier one made is named in braces. An operation without a step fails here.
"""

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from service import clock
from service.app import api_document
from service.routing.defaults import default_rule_sets
from service.routing.table import to_table
from tests.support.bodies import CONTACT_POINT, signal
from tests.support.register import Register, Templates, in_process

ADMINISTRATOR, JPT, POINT, HALT = "administrator", "jpt-helmond", "contact-point-helmond", "halt-oost-brabant"
REGIONAL = "contact-point-brabant-zuidoost"
QUESTION = {"kind": "INFORMATION", "text": "Is er nog contact?"}
LISTED = {"claim_referrals": "referrals", "list_returned_referrals": "returned-referrals"}
OTHER = "other"
TODAY = clock.local_day(datetime.now(UTC))
PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
DRAFT = {
    "title": "Werkafspraken",
    "validFrom": (TODAY + timedelta(1)).isoformat(),
    "content": {
        "purposes": [{"nl": "Zicht op uitbuiting", "en": "A view of exploitation"}],
        "parties": ["{organisation}"],
        "municipalities": ["GM0794"],
        "sending": {},
    },
}


HELMOND = default_rule_sets()["helmond"]
RULES = HELMOND.as_json() | {"succeeds": [1]}
TABLE = to_table(HELMOND.rules)


class Step(NamedTuple):
    """A call by a client of the demo; `keeps` names the id of its answer, `as_` another person who acts.

    `among`: the name under which the answer has a list, whose only item it is that is kept. `made_at`: the path of
    what was made, where it is not below the one that was called.
    """

    operation: str
    client: str
    body: Any = None
    keeps: str = ""
    path: str = ""
    as_: str = "staff.one"
    among: str = "items"
    made_at: str = ""


STEPS = [
    Step("get_me", JPT),
    Step("list_code_lists", JPT),
    Step("get_code_list", JPT, path="/code-lists/signal_type"),
    Step("list_municipalities", JPT),
    Step("get_guidance", JPT, path="/guidance?type=LOVERBOY"),
    Step("add_organisation", ADMINISTRATOR, {"name": "School", "type": "SCHOOL"}, keeps="organisation"),
    Step("list_organisations", ADMINISTRATOR),
    Step("get_organisation", ADMINISTRATOR),
    Step("change_organisation", ADMINISTRATOR, {"name": "Andere school"}),
    Step("add_contact_point", ADMINISTRATOR, CONTACT_POINT, keeps="contact_point"),
    Step("list_contact_points", ADMINISTRATOR),
    Step("get_contact_point", ADMINISTRATOR),
    Step("change_contact_point", ADMINISTRATOR, CONTACT_POINT),
    Step(
        "add_client",
        ADMINISTRATOR,
        {"name": "a school", "organisation": "{organisation}", "role": "reporter"},
        keeps="client",
    ),
    Step("list_clients", ADMINISTRATOR),
    Step("get_client", ADMINISTRATOR),
    Step("change_client", ADMINISTRATOR, {"name": "another name"}),
    Step("add_secret", ADMINISTRATOR, keeps="secret"),
    Step("end_secret", ADMINISTRATOR),
    Step("add_key", ADMINISTRATOR, {"pem": PEM}, keeps="key"),
    Step("end_key", ADMINISTRATOR),
    Step("end_client", ADMINISTRATOR),
    Step("draft_agreement", ADMINISTRATOR, DRAFT, keeps="agreement"),
    Step("list_agreements", ADMINISTRATOR),
    Step("get_agreement", ADMINISTRATOR),
    Step("change_agreement", ADMINISTRATOR, DRAFT),
    Step("activate_agreement", ADMINISTRATOR, as_="staff.two"),
    Step("end_agreement", ADMINISTRATOR),
    Step("end_contact_point", ADMINISTRATOR),
    Step("end_organisation", ADMINISTRATOR),
    Step("list_rule_sets", ADMINISTRATOR),
    Step("check_rule_set", ADMINISTRATOR, RULES),
    Step("draft_rule_set", ADMINISTRATOR, RULES, keeps="version"),
    Step("get_rule_set", ADMINISTRATOR),
    Step("change_rule_set", ADMINISTRATOR, RULES),
    Step("change_rule_set_by_table", ADMINISTRATOR, TABLE),
    Step("list_rule_set_changes", ADMINISTRATOR),
    Step("analyse_rule_set", ADMINISTRATOR),
    Step("simulate_rule_set", ADMINISTRATOR, {"generated": {"count": 100}}),
    Step("activate_rule_set", ADMINISTRATOR, {}, as_="staff.two"),
    Step("get_rule_set_table", ADMINISTRATOR),
    Step("draft_rule_set_from_table", ADMINISTRATOR, TABLE, keeps="version", made_at="/rule-sets/{version}"),
    Step("retire_rule_set", ADMINISTRATOR),
    Step("register_signal", JPT, signal(), keeps="signal"),
    Step("get_signal", JPT),
    Step("list_signals", JPT),
    Step("check_signal", JPT, signal()),
    Step("register_signals", JPT, signal()),
    Step("correct_signal", JPT, signal(urgency="STRUCTURAL")),
    Step("list_referrals", POINT),
    Step("claim_referrals", POINT, {"limit": 1}, keeps="referral"),
    Step("withdraw_signal", JPT, {"reason": "DUPLICATE"}),
    Step("claim_referrals", POINT, {"limit": 1}, keeps="referral"),
    Step("get_referral", POINT),
    Step("renew_referral", POINT, {}),
    Step("release_referral", POINT),
    Step("claim_referrals", POINT, {"limit": 1}, keeps="referral"),
    Step("accept_referral", POINT),
    Step("assign_referral", POINT, {"actor": "staff.two"}),
    Step("list_signals", JPT, path="/signals?status=ACTIVE", keeps="signal"),
    Step("ask_reporter", POINT, QUESTION, keeps="question", among="questions"),
    Step("list_feedback", JPT),
    Step("answer_question", JPT, {"question": "{question}", "text": "Ja, elke week."}),
    Step("get_referral", POINT),
    Step("get_workload", POINT),
    Step("list_events", POINT),
    Step("return_referral", POINT, {"reason": "NOT_COMPETENT"}),
    Step("claim_referrals", REGIONAL, {"limit": 1}, keeps="referral"),
    Step("return_referral", REGIONAL, {"reason": "NO_CAPACITY"}),
    Step("list_returned_referrals", ADMINISTRATOR, keeps="referral"),
    Step(
        "add_contact_point",
        ADMINISTRATOR,
        CONTACT_POINT | {"municipalities": ["GM0344"]},
        keeps="contact_point",
        path="/organisations/{jpt}/contact-points",
    ),
    Step(
        "add_client",
        ADMINISTRATOR,
        {
            "name": "a queue",
            "organisation": "{jpt}",
            "role": "coordinator",
            "municipalities": ["GM0794"],
        },
    ),
    Step("place_referral", ADMINISTRATOR, {"contactPoint": "{contact_point}"}),
    Step("register_signal", JPT, signal()),
    Step("claim_referrals", POINT, {"limit": 1}, keeps="referral"),
    Step("accept_referral", POINT),
    Step("forward_referral", POINT, {"organisation": "{veilig-thuis}"}, keeps="child", among="children"),
    Step("recall_referral", POINT, {"child": "{child}"}),
    Step("forward_referral", POINT, {"organisation": "{veilig-thuis}"}),
    Step("claim_referrals", "veilig-thuis-zuidoost-brabant", {"limit": 1}, keeps="referral"),
    Step("accept_referral", "veilig-thuis-zuidoost-brabant"),
    Step("close_referral", "veilig-thuis-zuidoost-brabant", {"outcome": "ADVICE_ONLY"}),
    Step("get_definitions", ADMINISTRATOR),
    Step("compile_release", ADMINISTRATOR, {"period": "2026-H1"}, keeps="compilation"),
    Step("list_compilations", ADMINISTRATOR),
    Step("get_compilation", ADMINISTRATOR),
    Step("list_releases", ADMINISTRATOR, keeps="release"),
    Step("get_release", ADMINISTRATOR),
    Step("publish_release", ADMINISTRATOR, as_="staff.two"),
    Step(
        "get_released_table",
        "analyst",
        path="/statistics/releases/{release}/tables/victims-by-municipality-and-form",
    ),
    Step(
        "get_released_table_csv",
        "analyst",
        path="/statistics/releases/{release}/tables/victims-by-municipality-and-form/csv",
    ),
    Step(
        "get_released_table_metadata",
        "analyst",
        path="/statistics/releases/{release}/tables/victims-by-municipality-and-form/csv-metadata",
    ),
    Step(
        "get_sum_of_releases",
        "analyst",
        path="/statistics/sums/victims-by-municipality-and-form?from=2026-H1&until=2026-H1",
    ),
    Step("list_national_figures", "analyst"),
    Step("get_regional_report", "analyst", path="/statistics/releases/{release}/regions/VR22/report"),
]
DOCUMENT = api_document()["paths"]


def described(name: str) -> tuple[str, str, str]:
    """Method, path and the status of success of an operation."""
    for path, item in DOCUMENT.items():
        for method, operation in item.items():
            if operation["operationId"] == name:
                return method.upper(), path, min(operation["responses"])
    raise LookupError(name)


def filled(template: Any, known: dict[str, str]) -> Any:
    """The template with the ids of what is known, in a path as `{thing_id}`, in a body as `{thing}`."""
    text = json.dumps(template)
    for name, value in known.items():
        text = text.replace(f"{{{name}_id}}", value).replace(f"{{{name}}}", value)
    return json.loads(text)


async def take(register: Register, step: Step, known: dict[str, str], tags: dict[str, str]) -> None:
    """Call, check that it succeeded, and keep the id and the tag of what it answered."""
    method, template, status = described(step.operation)
    path = filled(step.path or template, known)
    about = path.removesuffix(template.rpartition("}")[2]) if "{" in template else path
    headers = await register.headers(step.client, idempotency_key=str(uuid.uuid4()))
    if about in tags:
        headers["If-Match"] = tags[about]
    if "Actor" in headers:
        headers["Actor"] = step.as_
    body = filled(step.body, known) if step.body is not None else None
    content: dict[str, Any] = {"json": body}
    if step.operation == "register_signals":
        headers["Content-Type"] = "application/x-ndjson"
        content = {"content": json.dumps({"idempotencyKey": str(uuid.uuid4()), "signal": body})}
    if body == TABLE:
        headers["Content-Type"] = "text/csv"
        content = {"content": body}
    answer = await register.http.request(method, f"/v1{path}", headers=headers, **content)
    assert (step.operation, answer.status_code) == (step.operation, int(status)), answer.text

    if step.operation == "compile_release":
        await register.run_job("compile-releases")
    if step.keeps:
        (told,) = answer.json().get(step.among, [answer.json()])
        id_ = known[step.keeps] = str(told.get("id") or told["version"])
        if step.operation in ("claim_referrals", "list_returned_referrals"):
            tags[filled(f"/{LISTED[step.operation]}/{id_}", known)] = f'"{told["version"]}"'
        elif step.among not in answer.json():
            tags[filled(step.made_at or f"{path}/{id_}", known)] = answer.headers.get("ETag") or '"1"'
    if "ETag" in answer.headers and (not step.keeps or step.among != "items"):
        tags[about] = answer.headers["ETag"]


def test_every_operation_is_a_step() -> None:
    assert {step.operation for step in STEPS} == {
        operation["operationId"] for item in DOCUMENT.values() for operation in item.values()
    }


async def test_what_is_ones_own_is_open(engine: str, templates: Templates, tmp_path: Path) -> None:
    assert date(2026, 8, 1) < TODAY  # 2026-H1 is closed
    with templates.copy(engine) as url:
        async with in_process(url, templates.loaded[engine], tmp_path) as register:
            organisations = register.loaded.organisations
            known = {
                "veilig-thuis": str(organisations["veilig-thuis-zuidoost-brabant"]),
                "jpt": str(organisations[JPT]),
            }
            tags: dict[str, str] = {}
            for step in STEPS:
                await take(register, step, known, tags)
