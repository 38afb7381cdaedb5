"""Clients over HTTP: what they may be given, how their secrets change over, and how they end everywhere."""

import asyncio
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.access.models import Client, ClientSecret
from service.access.roles import ROLE_SCOPES
from service.trail import AuditEntry
from tests.support.register import Register, Templates, calling, in_process, server

Json = dict[str, Any]
GRANT = {"grant_type": "client_credentials"}


async def call(
    register: Register,
    method: str,
    path: str,
    body: Any = None,
    *,
    tag: str | None = None,
    token: str | None = None,
) -> httpx.Response:
    more = {"if_match": tag} if tag else {}
    headers = await register.headers("administrator", **more)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return await register.http.request(method, f"/v1{path}", json=body, headers=headers)


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in answer.json().get("errors", [])]


def body_of(register: Register, **changes: Any) -> Json:
    organisation = str(register.loaded.organisations["jpt-helmond"])
    return {"name": f"new {uuid.uuid4().hex[:8]}", "organisation": organisation, "role": "reporter"} | changes


async def token_for(register: Register, secret: Json, scope: str | None = None) -> httpx.Response:
    form = GRANT | ({"scope": scope} if scope else {})
    return await register.http.post(
        "/oauth/token", data=form, auth=(secret["clientId"], secret["clientSecret"])
    )


async def opened(register: Register, **changes: Any) -> tuple[Json, Json]:
    """A new client and its first secret."""
    added = await call(register, "POST", "/clients", body_of(register, **changes))
    assert added.status_code == 201, added.text
    secret = await call(register, "POST", f"/clients/{added.json()['id']}/secrets")
    return added.json(), secret.json()


async def test_the_life_of_a_client(register: Register) -> None:
    client, secret = await opened(register, municipalities=["GM0794"])
    path = f"/clients/{client['id']}"
    assert (client["scopes"], client["secrets"], client["keys"]) == (
        ["events:read", "signals:read", "signals:write"],
        [],
        [],
    )
    token = (await token_for(register, secret)).json()["access_token"]
    me = await register.http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["client"]["municipalities"] == ["GM0794"]

    read = await call(register, "GET", path)
    assert secret["clientSecret"] not in read.text
    assert [set(one) for one in read.json()["secrets"]] == [{"id", "createdAt", "lastUsedAt"}]
    assert read.json()["lastUsedAt"] == read.json()["secrets"][0]["lastUsedAt"]

    change = {"name": f"{client['name']} too", "scopes": ["signals:read"]}
    assert (await call(register, "PUT", path, change)).status_code == 428
    assert (await call(register, "PUT", path, change, tag='"2"')).status_code == 412
    changed = await call(register, "PUT", path, change, tag='"1"')
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.json()["scopes"], changed.json()["municipalities"]) == (["signals:read"], [])
    me = await register.http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["client"] | {"id": ""} == {
        "id": "",
        "role": "reporter",
        "scopes": ["signals:read"],
        "municipalities": [],
        "actorRequired": False,
    }

    assert (await call(register, "POST", f"{path}/termination")).status_code == 200
    me = await register.http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (me.status_code, (await token_for(register, secret)).status_code) == (401, 401)
    again = await call(register, "POST", f"{path}/termination")
    assert (again.status_code, again.json()["endedAt"]) == (
        200,
        (await call(register, "GET", path)).json()["endedAt"],
    )
    for where, body in (("secrets", None), ("keys", {"pem": "x"})):
        assert slug(await call(register, "POST", f"{path}/{where}", body)) == "client-ended"
    assert slug(await call(register, "PUT", path, change, tag='"3"')) == "client-ended"
    acts = [entry.act for entry in await register.rows(AuditEntry) if entry.object_id == client["id"]]
    changes = [act for act in acts if act in ("client.add", "client.change", "client.end")]
    assert changes == ["client.add", "client.change", "client.end"]


BAD_CLIENTS = {
    "nothing": ({}, {"/name", "/organisation", "/role"}),
    "no such role": ({"role": "root"}, {"/role"}),
    "a name with a line break": ({"name": "a\nb"}, {"/name"}),
    "a name that is too long": ({"name": "x" * 61}, {"/name"}),
    "no such scope": ({"scopes": ["everything"]}, {"/scopes/0"}),
    "no scope": ({"scopes": []}, {"/scopes"}),
    "a scope of another role": ({"scopes": ["clients:write"]}, {"/scopes"}),
    "a municipality twice": ({"municipalities": ["GM0794", "GM0794"]}, {"/municipalities"}),
    "no such municipality": ({"municipalities": ["GM9999"]}, {"/municipalities/0"}),
    "no such organisation": ({"organisation": str(uuid.uuid4())}, {"/organisation"}),
    "mass assignment": (
        {
            "id": str(uuid.uuid4()),
            "version": 7,
            "endedAt": None,
            "clientSecret": "Qz7canaryXw",
            "secrets": [],
        },
        {"/id", "/version", "/endedAt", "/clientSecret", "/secrets"},
    ),
}


@pytest.mark.parametrize(("change", "pointers"), BAD_CLIENTS.values(), ids=BAD_CLIENTS.keys())
async def test_a_client_that_is_not_right_is_not_stored(
    register: Register, change: Json, pointers: set[str]
) -> None:
    before = len(await register.rows(Client))
    body = body_of(register, **change) if change else {}
    answer = await call(register, "POST", "/clients", body)

    assert (answer.status_code, {pointer for pointer, _ in faults(answer)}) == (400, pointers)
    assert "Qz7canaryXw" not in answer.text
    assert len(await register.rows(Client)) == before


async def test_what_a_client_is_does_not_change(register: Register) -> None:
    client, _ = await opened(register)
    for name, value in (("role", "administrator"), ("organisation", client["organisation"])):
        body = {"name": "another", name: value}
        answer = await call(register, "PUT", f"/clients/{client['id']}", body, tag='"1"')
        assert (answer.status_code, faults(answer)) == (400, [(f"/{name}", "unknown-field")])


async def test_a_name_is_given_once_also_to_two_at_once(register: Register) -> None:
    body = body_of(register)
    answers = await asyncio.gather(*(call(register, "POST", "/clients", body) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {slug(answer) for answer in answers if answer.status_code == 409} == {"name-taken"}


async def test_secrets_change_over_without_a_moment_between(register: Register) -> None:
    client, first = await opened(register)
    path = f"/clients/{client['id']}/secrets"
    second = (await call(register, "POST", path)).json()
    third = await asyncio.gather(*(call(register, "POST", path) for _ in range(3)))
    assert {(one.status_code, slug(one)) for one in third} == {(409, "two-at-a-time")}
    for secret in (first, second):
        assert (await token_for(register, secret)).status_code == 200

    ended = await call(register, "POST", f"{path}/{first['id']}/termination")
    assert (ended.status_code, "endedAt" in ended.json()) == (200, True)
    assert [(await token_for(register, one)).status_code for one in (first, second)] == [401, 200]
    assert (await call(register, "POST", path)).status_code == 201
    other, _ = await opened(register)
    stranger = f"/clients/{other['id']}/secrets/{second['id']}/termination"
    assert (await call(register, "POST", stranger)).status_code == 404
    stored = await register.rows(ClientSecret)
    assert not any(second["clientSecret"] in str(row) for row in stored)


async def narrow_administrator(register: Register) -> str:
    """A token of an administrator that may only look after clients."""
    _, secret = await opened(register, role="administrator", scopes=["clients:read", "clients:write"])
    return str((await token_for(register, secret)).json()["access_token"])


async def test_no_administrator_gets_further_than_it_is(register: Register) -> None:
    token = await narrow_administrator(register)
    wide, _ = await opened(register, role="administrator")
    path = f"/clients/{wide['id']}"
    body = {"name": "wide", "scopes": ["clients:read"]}
    tried = [
        await call(register, "POST", "/clients", body_of(register, role="administrator"), token=token),
        await call(
            register,
            "POST",
            "/clients",
            body_of(register, role="administrator", scopes=["agreements:write"]),
            token=token,
        ),
        await call(register, "POST", f"{path}/secrets", token=token),
        await call(register, "POST", f"{path}/keys", {"pem": "x"}, token=token),
        await call(register, "PUT", path, body, tag='"1"', token=token),
    ]
    assert {(answer.status_code, slug(answer)) for answer in tried} == {(403, "more-than-own")}
    own = body_of(register, role="administrator", scopes=["clients:write"])
    assert (await call(register, "POST", "/clients", own, token=token)).status_code == 201
    assert (await call(register, "POST", f"{path}/termination", token=token)).status_code == 200


async def test_a_token_that_carries_less_gives_less(register: Register) -> None:
    narrow = await register.token("administrator", "clients:write")
    answer = await call(register, "POST", "/clients", body_of(register, role="administrator"), token=narrow)
    assert (answer.status_code, slug(answer)) == (403, "more-than-own")


@pytest.mark.parametrize("role", ROLE_SCOPES)
async def test_a_client_gets_every_scope_of_its_role_unless_fewer_are_named(
    register: Register, role: str
) -> None:
    client, _ = await opened(register, role=role)
    assert client["scopes"] == sorted(ROLE_SCOPES[role])  # type: ignore[index]


async def test_an_ended_client_gets_401_in_each_of_two_processes(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    """Both have trusted its token; the one that did not hear of its end follows when its trust is over."""
    loaded = templates.loaded[engine]
    with (
        server(database_url, tmp_path, client_recheck_seconds=2, public_url="http://127.0.0.1:1") as here,
        server(database_url, tmp_path, client_recheck_seconds=2, public_url="http://127.0.0.1:1") as there,
    ):
        async with (
            calling(here.url, database_url, loaded) as one,
            calling(there.url, database_url, loaded) as other,
        ):
            headers = {"Authorization": f"Bearer {await one.token('school-ede')}"}
            for register in (one, other):
                assert (await register.http.get("/v1/me", headers=headers)).status_code == 200
            client_id = loaded.credentials["school-ede"].client_id
            assert (await call(one, "POST", f"/clients/{client_id}/termination")).status_code == 200
            assert (await one.http.get("/v1/me", headers=headers)).status_code == 401
            deadline = time.monotonic() + 60
            while (await other.http.get("/v1/me", headers=headers)).status_code != 401:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.2)


async def test_a_revoked_token_opens_nothing_and_the_others_do(register: Register) -> None:
    _, secret = await opened(register)
    shown = {"client_id": secret["clientId"], "client_secret": secret["clientSecret"]}
    first, second = [(await token_for(register, secret)).json()["access_token"] for _ in range(2)]

    async def opens(token: str) -> bool:
        answer = await register.http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code == 200

    assert [await opens(first), await opens(second)] == [True, True]
    answer = await register.http.post("/oauth/revoke", data=shown | {"token": first})
    assert (answer.status_code, answer.content) == (200, b"")
    assert [await opens(first), await opens(second)] == [False, True]
    for token in (first, "none", "e30.e30.e30"):  # over, or never one: nothing to take back
        assert (await register.http.post("/oauth/revoke", data=shown | {"token": token})).status_code == 200
    anothers = await register.token("jpt-ede")
    refused = await register.http.post("/oauth/revoke", data=shown | {"token": anothers})
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    assert await opens(anothers)
    nobody = await register.http.post("/oauth/revoke", data={"token": second})
    nothing = await register.http.post("/oauth/revoke", data=shown)
    assert [nobody.json()["error"], nothing.json()["error"]] == ["invalid_client", "invalid_request"]
    acts = [entry.act for entry in await register.rows(AuditEntry) if entry.object_id == secret["clientId"]]
    assert acts.count("token.revoke") == 2  # the first token, twice


async def test_after_ten_failures_a_client_waits_at_that_address_alone(register: Register) -> None:
    client, secret = await opened(register)
    wrong = secret | {"clientSecret": "x"}
    answers = [await token_for(register, wrong) for _ in range(12)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert (answers[-1].json()["error"], answers[-1].headers["Retry-After"]) == (
        "temporarily_unavailable",
        "60",
    )
    assert (await token_for(register, secret)).status_code == 429
    _, other = await opened(register)
    assert (await token_for(register, other)).status_code == 200
    unknown = {"clientId": str(uuid.uuid4()), "clientSecret": "x"}
    told = [(await token_for(register, unknown)).status_code for _ in range(12)]
    assert told == [401] * 10 + [429] * 2  # the same for a client that does not exist


async def test_a_resource_is_the_audience_or_nothing(register: Register) -> None:
    _, secret = await opened(register)
    auth = (secret["clientId"], secret["clientSecret"])
    audience = (await register.http.get("/.well-known/oauth-authorization-server")).json()[
        "protected_resources"
    ][0]
    good = await register.http.post("/oauth/token", data=GRANT | {"resource": audience}, auth=auth)
    bad = await register.http.post("/oauth/token", data=GRANT | {"resource": "https://elsewhere"}, auth=auth)
    assert (good.status_code, bad.status_code, bad.json()["error"]) == (200, 400, "invalid_target")


async def test_tokens_are_given_so_many_a_minute(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    loaded = templates.loaded[engine]
    async with in_process(database_url, loaded, tmp_path, limit_tokens=2) as register:
        credential = loaded.credentials["jpt-ede"]
        secret = {"clientId": credential.client_id, "clientSecret": credential.client_secret}
        told = [(await token_for(register, secret)).status_code for _ in range(4)]
    assert told == [200, 200, 429, 429]
