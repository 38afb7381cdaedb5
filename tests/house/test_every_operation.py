"""The matrix: every operation × every role × how a caller may come, generated from the documents of the
applications. What is expected stands in one table; an operation that is not in it fails here.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from service.access.keyring import Press
from service.access.roles import ROLE_SCOPES
from service.access.tokens import Issuer, issue
from service.app import api_document
from tests.conftest import ENGINES
from tests.support.bodies import signal
from tests.support.register import Register, Templates, in_process

CLIENTS = {
    "reporter": "jpt-helmond",
    "coordinator": "contact-point-helmond",
    "recipient": "halt-oost-brabant",
    "analyst": "analyst",
    "administrator": "administrator",
    "auditor": "auditor",
}
EVERYBODY = frozenset(CLIENTS)
TEXTS = ("application/x-ndjson", "text/csv")
QUEUE = frozenset({"coordinator", "recipient"})
REPORTING = frozenset({"reporter", "coordinator"})
HEARING = frozenset({"reporter", "coordinator", "recipient"})
READERS = frozenset({"analyst", "administrator", "auditor"})
OVERSEEING = frozenset({"administrator", "auditor"})
ADMINISTRATION = frozenset({"administrator"})
RULES = frozenset({"coordinator", "administrator", "auditor"})


class Expected(NamedTuple):
    """Which roles come in, and with what answer to an empty request about nothing that exists.

    `scoped`: whether a scope is asked for. `owned`: what it is about belongs to an organisation (a referral
    to a territory too), and is 404 for any other; without it administrators of any organisation see the same.
    """

    roles: frozenset[str]
    status: int
    scoped: bool = True
    owned: str | None = None


TABLE = {
    "get_me": Expected(EVERYBODY, 200, scoped=False),
    "list_code_lists": Expected(EVERYBODY, 200, scoped=False),
    "get_code_list": Expected(EVERYBODY, 404, scoped=False),
    "list_municipalities": Expected(EVERYBODY, 200, scoped=False),
    "get_guidance": Expected(EVERYBODY, 400, scoped=False),
    "list_organisations": Expected(OVERSEEING, 200),
    "add_organisation": Expected(ADMINISTRATION, 400),
    "get_organisation": Expected(OVERSEEING, 404),
    "change_organisation": Expected(ADMINISTRATION, 400),
    "end_organisation": Expected(ADMINISTRATION, 404),
    "list_contact_points": Expected(OVERSEEING, 404),
    "add_contact_point": Expected(ADMINISTRATION, 400),
    "get_contact_point": Expected(OVERSEEING, 404),
    "change_contact_point": Expected(ADMINISTRATION, 400),
    "end_contact_point": Expected(ADMINISTRATION, 404),
    "list_clients": Expected(OVERSEEING, 200),
    "add_client": Expected(ADMINISTRATION, 400),
    "get_client": Expected(OVERSEEING, 404),
    "change_client": Expected(ADMINISTRATION, 400),
    "end_client": Expected(ADMINISTRATION, 404),
    "add_secret": Expected(ADMINISTRATION, 404),
    "end_secret": Expected(ADMINISTRATION, 404),
    "add_key": Expected(ADMINISTRATION, 404),
    "end_key": Expected(ADMINISTRATION, 404),
    "list_agreements": Expected(OVERSEEING, 200),
    "draft_agreement": Expected(ADMINISTRATION, 400),
    "get_agreement": Expected(OVERSEEING, 404),
    "change_agreement": Expected(ADMINISTRATION, 400),
    "activate_agreement": Expected(ADMINISTRATION, 404),
    "end_agreement": Expected(ADMINISTRATION, 404),
    "list_rule_sets": Expected(RULES, 200),
    "draft_rule_set": Expected(ADMINISTRATION, 400),
    "get_rule_set": Expected(RULES, 404),
    "change_rule_set": Expected(ADMINISTRATION, 400),
    "activate_rule_set": Expected(ADMINISTRATION, 404),
    "retire_rule_set": Expected(ADMINISTRATION, 404),
    "check_rule_set": Expected(ADMINISTRATION, 400),
    "analyse_rule_set": Expected(RULES, 404),
    "simulate_rule_set": Expected(RULES, 400),
    "list_rule_set_changes": Expected(RULES, 404),
    "get_rule_set_table": Expected(RULES, 404),
    "draft_rule_set_from_table": Expected(ADMINISTRATION, 400),
    "change_rule_set_by_table": Expected(ADMINISTRATION, 400),
    "register_signal": Expected(REPORTING, 400),
    "register_signals": Expected(REPORTING, 200),
    "check_signal": Expected(REPORTING, 400),
    "correct_signal": Expected(REPORTING, 400, owned="signal"),
    "withdraw_signal": Expected(REPORTING, 400, owned="signal"),
    "list_signals": Expected(REPORTING, 200),
    "get_signal": Expected(REPORTING, 404, owned="signal"),
    "claim_referrals": Expected(QUEUE, 201),
    "list_referrals": Expected(QUEUE, 200),
    "get_referral": Expected(QUEUE, 404, owned="referral"),
    "accept_referral": Expected(QUEUE, 404, owned="referral"),
    "forward_referral": Expected(QUEUE, 400, owned="referral"),
    "recall_referral": Expected(QUEUE, 400, owned="referral"),
    "renew_referral": Expected(QUEUE, 404, owned="referral"),
    "release_referral": Expected(QUEUE, 404, owned="referral"),
    "assign_referral": Expected(QUEUE, 400, owned="referral"),
    "return_referral": Expected(QUEUE, 400, owned="referral"),
    "ask_reporter": Expected(QUEUE, 400, owned="referral"),
    "close_referral": Expected(QUEUE, 400, owned="referral"),
    "get_workload": Expected(QUEUE, 200),
    "list_returned_referrals": Expected(ADMINISTRATION, 200),
    "place_referral": Expected(ADMINISTRATION, 400),
    "list_events": Expected(HEARING, 200),
    "list_feedback": Expected(REPORTING, 404, owned="signal"),
    "answer_question": Expected(REPORTING, 400, owned="signal"),
    "get_definitions": Expected(READERS, 200),
    "list_releases": Expected(READERS, 200),
    "compile_release": Expected(ADMINISTRATION, 400),
    "list_compilations": Expected(ADMINISTRATION, 200),
    "get_compilation": Expected(ADMINISTRATION, 404),
    "list_national_figures": Expected(READERS, 200),
    "get_released_table_csv": Expected(READERS, 404),
    "get_released_table_metadata": Expected(READERS, 404),
    "get_sum_of_releases": Expected(READERS, 400),
    "get_release": Expected(READERS, 404),
    "publish_release": Expected(ADMINISTRATION, 404),
    "get_released_table": Expected(READERS, 404),
    "get_regional_report": Expected(READERS, 404),
}
OPEN = {
    "get_liveness": 200,
    "get_readiness": 200,
    "get_job_health": 503,
    "get_metrics": 404,
    "get_openapi": 200,
    "issue_token": 415,
    "revoke_token": 415,
    "get_jwks": 200,
    "get_server_metadata": 200,
}


class Operation(NamedTuple):
    name: str
    method: str
    path: str
    has_body: bool
    text: str | None = None


def operations_of(document: dict[str, Any], prefix: str = "") -> Iterator[Operation]:
    for path, item in document["paths"].items():
        filled = path.replace("{name}", "none").replace("{version}", "999999")
        while "{" in filled:
            start, end = filled.index("{"), filled.index("}") + 1
            filled = filled[:start] + str(uuid.uuid4()) + filled[end:]
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {})
            text = next((kind for kind in TEXTS if kind in body), None)
            yield Operation(operation["operationId"], method.upper(), prefix + filled, bool(body), text)


OPERATIONS = {operation.name: operation for operation in operations_of(api_document(), "/v1")}


@pytest.fixture(scope="module", params=ENGINES)
async def register(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    with templates.copy(request.param) as url:
        folder = tmp_path_factory.mktemp("operations")
        async with in_process(url, templates.loaded[request.param], folder) as running:
            yield running


async def call(
    register: Register,
    operation: Operation,
    *,
    token: str | None = None,
    actor: str | None = "staff.one",
    path: str | None = None,
    body: Any = None,
) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"'}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if actor is not None:
        headers["Actor"] = actor
    path = path or operation.path
    if operation.text is not None:
        headers["Content-Type"] = operation.text
        return await register.http.request(operation.method, path, headers=headers, content=b"{}\n")
    content = (body or {}) if operation.has_body else None
    return await register.http.request(operation.method, path, headers=headers, json=content)


def forged(register: Register, role: str, **changes: Any) -> str:
    """A token of our own key for a demo client, with other claims or another time."""
    press: Press = register.app.app.state.press  # type: ignore[union-attr,attr-defined]
    client_id = register.loaded.credentials[CLIENTS[role]].client_id
    name, audience = press.issuer.name, changes.pop("aud", press.issuer.audience)
    issuer = Issuer(name=name, audience=audience, keys=press.issuer.keys)
    claims = {"sub": client_id, "client_id": client_id, "scope": " ".join(ROLE_SCOPES[role])}  # type: ignore[index]
    at = datetime.now(UTC) - timedelta(minutes=changes.pop("minutes_ago", 0))
    return issue(press.signer, issuer, claims | changes, at=at, minutes=15)


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


def test_every_operation_stands_in_the_table() -> None:
    assert set(TABLE) == set(OPERATIONS)


async def test_every_open_operation_stands_in_its_list(register: Register) -> None:
    root = register.app.app  # type: ignore[union-attr]
    found = {operation.name: operation for operation in operations_of(root.openapi())}  # type: ignore[attr-defined]

    assert set(OPEN) == set(found)
    for name, status in OPEN.items():
        answer = await register.http.request(found[name].method, found[name].path)
        assert (name, answer.status_code) == (name, status)


@pytest.mark.parametrize("role", CLIENTS)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_role_comes_in_where_the_table_says_so(register: Register, name: str, role: str) -> None:
    operation, expected = OPERATIONS[name], TABLE[name]
    token = await register.token(CLIENTS[role])
    answer = await call(register, operation, token=token)

    if role in expected.roles:
        assert answer.status_code == expected.status
    else:
        assert (answer.status_code, slug(answer)) == (403, "forbidden")


@pytest.mark.parametrize("role", CLIENTS)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_token_without_the_scope_does_not_open(register: Register, name: str, role: str) -> None:
    operation, expected = OPERATIONS[name], TABLE[name]
    token = forged(register, role, scope="")
    answer = await call(register, operation, token=token)

    assert answer.status_code == (403 if expected.scoped else expected.status)


@pytest.mark.parametrize("role", CLIENTS)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_role_but_reporter_says_who_acts(register: Register, name: str, role: str) -> None:
    operation, expected = OPERATIONS[name], TABLE[name]
    token = await register.token(CLIENTS[role])
    nobody = await call(register, operation, token=token, actor=None)
    named = await call(register, operation, token=token, actor="Piet Jansen")

    if role not in expected.roles:
        assert (nobody.status_code, named.status_code) == (403, 403)
        return
    assert (named.status_code, named.json()["errors"]) == (400, [actor_fault("wrong-form", named)])
    assert "Jansen" not in named.text
    if role == "reporter":
        assert nobody.status_code == expected.status
    else:
        assert (nobody.status_code, nobody.json()["errors"]) == (400, [actor_fault("required", nobody)])


def actor_fault(code: str, answer: httpx.Response) -> dict[str, str]:
    return {"pointer": "header:Actor", "code": code, "detail": answer.json()["errors"][0]["detail"]}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_nobody_comes_in_without_a_token(register: Register, name: str) -> None:
    for token in (None, "", "none", "e30.e30.e30"):
        answer = await call(register, OPERATIONS[name], token=token)
        assert (answer.status_code, slug(answer)) == (401, "unauthenticated")
        assert set(answer.json()) == {"type", "title", "status", "detail", "traceId"}


WORTHLESS = {"expired": {"minutes_ago": 20}, "of another audience": {"aud": "https://elsewhere.example/v1"}}


@pytest.mark.parametrize("role", CLIENTS)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_worthless_token_opens_nothing_to_anybody(register: Register, name: str, role: str) -> None:
    for reason, changes in WORTHLESS.items():
        answer = await call(register, OPERATIONS[name], token=forged(register, role, **changes))
        assert (reason, answer.status_code, slug(answer)) == (reason, 401, "unauthenticated")
    good = await call(register, OPERATIONS[name], token=forged(register, role))
    assert good.status_code == (TABLE[name].status if role in TABLE[name].roles else 403)


async def of_another_territory(register: Register) -> str:
    """A token of a client of Helmond's contact point that works for Asten alone."""
    headers = await register.headers("administrator")
    told = {"role": "coordinator", "municipalities": ["GM0743"], "name": f"asten {uuid.uuid4().hex[:8]}"}
    organisation = str(register.loaded.organisations["contact-point-helmond"])
    added = await register.http.post(
        "/v1/clients", json=told | {"organisation": organisation}, headers=headers
    )
    secret = await register.http.post(f"/v1/clients/{added.json()['id']}/secrets", headers=headers)
    shown = secret.json()["clientId"], secret.json()["clientSecret"]
    answer = await register.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=shown)
    return str(answer.json()["access_token"])


@pytest.mark.parametrize("name", [name for name in TABLE if TABLE[name].owned == "referral"])
async def test_a_referral_outside_the_territory_is_as_if_it_did_not_exist(
    register: Register, name: str
) -> None:
    await register.post_signal(signal())
    queue = await register.http.get(
        "/v1/referrals?limit=200", headers=await register.headers("contact-point-helmond")
    )
    its_id, nobodys_id = queue.json()["items"][-1]["id"], OPERATIONS[name].path.split("/")[3]
    bodies = {
        "forward_referral": {"organisation": str(register.loaded.organisations["halt-oost-brabant"])},
        "recall_referral": CHILD,
        "close_referral": {"outcome": "ADVICE_ONLY"},
        "assign_referral": {"actor": "staff.two"},
        "return_referral": {"reason": "NOT_COMPETENT"},
        "ask_reporter": QUESTION,
    }
    token, body = await of_another_territory(register), bodies.get(name)
    path = OPERATIONS[name].path.replace(nobodys_id, its_id)
    anothers = await call(register, OPERATIONS[name], token=token, path=path, body=body)
    nobodys = await call(register, OPERATIONS[name], token=token, body=body)

    assert (anothers.status_code, nobodys.status_code) == (404, 404)
    assert anothers.json() | {"traceId": ""} == nobodys.json() | {"traceId": ""}


CHILD = {"child": "00000000-0000-4000-8000-000000000000"}
QUESTION = {"kind": "INFORMATION", "text": "Is er nog contact?"}
ANOTHERS = {
    "get_signal": ("signal", "police-oost-brabant", None),
    "correct_signal": ("signal", "police-oost-brabant", signal(legalBasis="WPG_16")),
    "withdraw_signal": ("signal", "police-oost-brabant", {"reason": "DUPLICATE"}),
    "get_referral": ("referral", "contact-point-ede", None),
    "accept_referral": ("referral", "contact-point-ede", None),
    "forward_referral": ("referral", "contact-point-brabant-zuidoost", "recipient"),
    "recall_referral": ("referral", "contact-point-ede", CHILD),
    "close_referral": ("referral", "halt-oost-brabant", {"outcome": "ADVICE_ONLY"}),
    "renew_referral": ("referral", "contact-point-ede", {}),
    "release_referral": ("referral", "contact-point-ede", None),
    "assign_referral": ("referral", "contact-point-ede", {"actor": "staff.two"}),
    "return_referral": ("referral", "contact-point-brabant-zuidoost", {"reason": "NOT_COMPETENT"}),
    "ask_reporter": ("referral", "contact-point-brabant-zuidoost", QUESTION),
    "list_feedback": ("signal", "police-oost-brabant", None),
    "answer_question": (
        "signal",
        "police-oost-brabant",
        {"question": "01900000-0000-7000-8000-000000000000", "text": "Ja."},
    ),
}


def test_everything_that_is_owned_is_tried_by_another() -> None:
    assert {name for name in TABLE if TABLE[name].owned} == set(ANOTHERS)


@pytest.mark.parametrize("name", ANOTHERS)
async def test_what_belongs_to_another_is_as_if_it_did_not_exist(register: Register, name: str) -> None:
    kind, client, body = ANOTHERS[name]
    operation = OPERATIONS[name]
    signal_id = (await register.post_signal(signal())).json()["id"]
    queue = await register.http.get(
        "/v1/referrals?limit=200", headers=await register.headers("contact-point-helmond")
    )
    its_id = signal_id if kind == "signal" else queue.json()["items"][-1]["id"]
    if body == "recipient":
        body = {"organisation": str(register.loaded.organisations["halt-oost-brabant"])}
    token = await register.token(client)
    nobodys_id = OPERATIONS[name].path.split("/")[3]
    anothers = await call(
        register, operation, token=token, path=operation.path.replace(nobodys_id, its_id), body=body
    )
    nobodys = await call(register, operation, token=token, body=body)

    assert anothers.json() | {"traceId": ""} == nobodys.json() | {"traceId": ""}
    assert (anothers.status_code, nobodys.status_code) == (404, 404)
    counted = {"ratelimit": ""}  # each of the two was counted
    assert dict(anothers.headers) | counted == dict(nobodys.headers) | counted
