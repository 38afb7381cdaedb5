"""The token endpoint: who gets a token, who does not, and what each of them hears (RFC 6749)."""

import base64
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from jose import jwt
from passlib.hash import pbkdf2_sha256
from sqlalchemy import update

from service.access.models import ClientSecret
from service.access.roles import ROLE_SCOPES
from service.access.secrets import hash_secret, matching_secret, new_secret
from service.trail import AuditEntry
from tests.conftest import ENGINES
from tests.support.register import BASE_URL, Register, Templates, in_process

Form = dict[str, Any]
GRANT = {"grant_type": "client_credentials"}
CANARY = "Qz7canaryXw"


@pytest.fixture(scope="module", params=ENGINES)
async def desk(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    with templates.copy(request.param) as url:
        folder = tmp_path_factory.mktemp("desk")
        async with in_process(url, templates.loaded[request.param], folder) as running:
            yield running


def credentials(register: Register, client: str = "jpt-helmond") -> tuple[str, str]:
    credential = register.loaded.credentials[client]
    return credential.client_id, credential.client_secret


def in_form(register: Register, client: str = "jpt-helmond") -> Form:
    client_id, secret = credentials(register, client)
    return GRANT | {"client_id": client_id, "client_secret": secret}


async def ask(register: Register, form: Any, **more: Any) -> httpx.Response:
    return await register.http.post("/oauth/token", data=form, **more)


def expect_refusal(answer: httpx.Response, status: int, error: str) -> None:
    """The whole answer of RFC 6749 section 5.2."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    body = answer.json()
    assert (set(body), body["error"]) == ({"error", "error_description"}, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["API-Version"]
    assert CANARY not in answer.text
    assert answer.headers.get("WWW-Authenticate") == (
        'Basic realm="signal-register"' if status == 401 else None
    )


@pytest.mark.parametrize("by", ["basic", "form"])
async def test_a_client_gets_a_token_for_its_secret(desk: Register, by: str) -> None:
    answer = await (ask(desk, GRANT, auth=credentials(desk)) if by == "basic" else ask(desk, in_form(desk)))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert {name: value for name, value in body.items() if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "events:read signals:read signals:write",
    }
    token = body["access_token"]
    header, claims = jwt.get_unverified_header(token), jwt.get_unverified_claims(token)
    assert (header["typ"], header["alg"], set(header)) == ("at+jwt", "ES256", {"typ", "alg", "kid"})
    client_id, _ = credentials(desk)
    assert {claims["sub"], claims["client_id"], claims["azp"]} == {client_id}
    assert (claims["iss"], claims["aud"], claims["role"]) == (BASE_URL, f"{BASE_URL}/v1", "reporter")
    assert claims["exp"] - claims["iat"] == 900
    assert uuid.UUID(claims["jti"])
    assert claims["organisation"] == str(desk.loaded.organisations["jpt-helmond"])
    assert "GM0794" in claims["territory"]


async def test_no_two_tokens_are_the_same(desk: Register) -> None:
    first, second = [(await ask(desk, in_form(desk))).json()["access_token"] for _ in range(2)]

    assert jwt.get_unverified_claims(first)["jti"] != jwt.get_unverified_claims(second)["jti"]


async def test_the_public_keys_verify_the_tokens_and_hold_nothing_private(desk: Register) -> None:
    token = (await ask(desk, in_form(desk))).json()["access_token"]
    answer = await desk.http.get("/oauth/jwks.json")
    (key,) = answer.json()["keys"]

    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    assert jwt.decode(token, key, algorithms=["ES256"], audience=f"{BASE_URL}/v1")["role"] == "reporter"


async def test_the_wrong_secret_and_an_unknown_client_hear_the_same(desk: Register) -> None:
    client_id, secret = credentials(desk)
    answers = [
        await ask(desk, GRANT, auth=(name, shown))
        for name, shown in (
            (client_id, CANARY),
            (client_id, ""),
            (client_id, secret[:-1]),
            (client_id, f"{secret}x"),
            (client_id, "x" * 5000),
            (client_id, credentials(desk, "police-oost-brabant")[1]),
            (str(uuid.uuid4()), secret),
            (CANARY, secret),
            ("jpt-helmond", secret),
            ("", ""),
        )
    ]
    answers.append(await ask(desk, in_form(desk) | {"client_secret": "x" * 5000}))
    answers.append(await ask(desk, GRANT))

    for answer in answers:
        expect_refusal(answer, 401, "invalid_client")
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        f"Bearer {CANARY}",
        f"Digest {CANARY}",
    ],
)
async def test_a_header_that_is_no_basic_one_shows_no_client(desk: Register, authorization: str) -> None:
    answer = await ask(desk, GRANT, headers={"Authorization": authorization})

    expect_refusal(answer, 401, "invalid_client")


async def test_both_ways_at_once_are_refused(desk: Register) -> None:
    answer = await ask(desk, in_form(desk), auth=credentials(desk))

    expect_refusal(answer, 400, "invalid_request")


REPEATED = ("grant_type", "scope", "client_id", "client_secret")


@pytest.mark.parametrize("name", REPEATED)
async def test_no_parameter_may_be_given_twice(desk: Register, name: str) -> None:
    form = in_form(desk) | {"scope": "signals:read"}
    answer = await ask(desk, form | {name: [form[name], form[name]]})

    expect_refusal(answer, 400, "invalid_request")


GRANTS = {
    "none": ({"scope": "signals:read"}, "invalid_request"),
    "empty": ({"grant_type": ""}, "invalid_request"),
    "password": (
        {"grant_type": "password", "username": CANARY, "password": CANARY},
        "unsupported_grant_type",
    ),
    "refresh": ({"grant_type": "refresh_token", "refresh_token": CANARY}, "unsupported_grant_type"),
    "something": ({"grant_type": CANARY}, "unsupported_grant_type"),
    "very long": ({"grant_type": CANARY * 500}, "unsupported_grant_type"),
}


@pytest.mark.parametrize(("form", "error"), GRANTS.values(), ids=GRANTS.keys())
async def test_only_client_credentials_are_granted(desk: Register, form: Form, error: str) -> None:
    expect_refusal(await ask(desk, form, auth=credentials(desk)), 400, error)


SCOPES = {
    "nothing asked": (None, "events:read signals:read signals:write"),
    "one": ("signals:read", "signals:read"),
    "one, twice": ("signals:read signals:read", "signals:read"),
    "both, in another order": ("signals:write  signals:read", "signals:read signals:write"),
    "of another role": ("referrals:work", None),
    "one of ours and one of another role": ("signals:read referrals:work", None),
    "one that nobody has": (CANARY, None),
    "in upper case": ("SIGNALS:READ", None),
    "all": ("*", None),
}


@pytest.mark.parametrize(("scope", "granted"), SCOPES.values(), ids=SCOPES.keys())
async def test_a_scope_narrows_and_never_widens(
    desk: Register, scope: str | None, granted: str | None
) -> None:
    answer = await ask(desk, in_form(desk) | ({"scope": scope} if scope else {}))

    if granted is None:
        expect_refusal(answer, 400, "invalid_scope")
    else:
        body = answer.json()
        assert (answer.status_code, body["scope"]) == (200, granted)
        assert jwt.get_unverified_claims(body["access_token"])["scope"] == granted


async def test_what_the_form_says_beside_its_parameters_is_ignored(desk: Register) -> None:
    more = {"role": "administrator", "organisation": CANARY, "territory": "GM0344", "sub": CANARY}
    claims = jwt.get_unverified_claims((await ask(desk, in_form(desk) | more)).json()["access_token"])

    assert (claims["role"], claims["scope"]) == ("reporter", "events:read signals:read signals:write")
    assert CANARY not in str(claims)


@pytest.mark.parametrize("client", ["jpt-helmond", "contact-point-helmond", "halt-oost-brabant", "analyst"])
async def test_a_client_gets_all_that_its_role_may_and_no_more(desk: Register, client: str) -> None:
    role = desk.loaded.credentials[client].role
    body = (await ask(desk, in_form(desk, client))).json()

    assert frozenset(body["scope"].split()) == ROLE_SCOPES[role]


async def test_a_token_given_out_has_its_entry_in_the_trail(desk: Register) -> None:
    trace = uuid.uuid4().hex
    await ask(desk, in_form(desk), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    (entry,) = [entry for entry in await desk.rows(AuditEntry) if entry.trace_id == trace]

    client_id, _ = credentials(desk)
    assert (entry.act, entry.outcome, str(entry.client_id)) == ("token.issue", "done", client_id)
    assert (entry.object_type, entry.object_id, entry.role) == ("client", client_id, "reporter")
    assert entry.organisation_id == desk.loaded.organisations["jpt-helmond"]


async def test_failures_are_counted_in_one_entry_of_the_client_that_was_named(
    engine: str, templates: Templates, tmp_path: Any
) -> None:
    with templates.copy(engine) as url:
        async with in_process(url, templates.loaded[engine], tmp_path) as register:
            client_id, _ = credentials(register)
            for name in (client_id, str(uuid.uuid4()), client_id, client_id, CANARY):
                await ask(register, GRANT, auth=(name, CANARY))
            await register.app.app.state.trail.stop()  # type: ignore[union-attr]
            gathered = [entry for entry in await register.rows(AuditEntry) if entry.outcome != "done"]
            register.app.app.state.trail.start()  # type: ignore[union-attr]

    assert {(entry.act, entry.outcome, entry.actor) for entry in gathered} == {
        ("issue_token", "invalid_client", None)
    }
    assert {(entry.client_id and str(entry.client_id), entry.times) for entry in gathered} == {
        (client_id, 3),
        (None, 2),
    }


async def test_a_secret_that_has_ended_opens_nothing(desk: Register) -> None:
    client_id, secret = credentials(desk, "school-utrecht")
    before = await ask(desk, GRANT, auth=(client_id, secret))
    async with desk.database.writing() as session:
        ended = update(ClientSecret).where(ClientSecret.client_id == uuid.UUID(client_id))
        await session.execute(ended.values(ended_at=datetime.now(UTC)))
    after = await ask(desk, GRANT, auth=(client_id, secret))

    assert before.status_code == 200
    expect_refusal(after, 401, "invalid_client")


async def test_secrets_are_stored_only_as_hashes(desk: Register) -> None:
    stored = [secret.hash for secret in await desk.rows(ClientSecret)]

    assert len(set(stored)) == len(desk.loaded.credentials)
    for credential in desk.loaded.credentials.values():
        fitting = [known for known in stored if pbkdf2_sha256.verify(credential.client_secret, known)]
        assert len(fitting) == 1
        assert not any(credential.client_secret in known for known in stored)


def test_a_secret_has_256_random_bits_and_fits_only_its_own_hash() -> None:
    first, second = new_secret(), new_secret()

    assert (len(first), len(base64.urlsafe_b64decode(f"{first}="))) == (43, 32)
    assert first != second
    assert hash_secret(first) != hash_secret(first)  # salted
    assert matching_secret(first, [hash_secret(second), hash_secret(first)]) == 1
    assert matching_secret(second, [hash_secret(first)]) is None
    assert matching_secret(first, []) is None


@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain"]
)
async def test_only_a_form_is_understood(desk: Register, content_type: str) -> None:
    answer = await desk.http.post(
        "/oauth/token",
        content=b'{"grant_type": "client_credentials"}',
        headers={"Content-Type": content_type},
    )

    assert answer.status_code == 415
