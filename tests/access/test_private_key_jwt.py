"""Clients that sign: assertions by RFC 7523, their keys, and everything that an assertion may not be."""

import base64
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jose import jwt

from service.access.models import ClientKey, UsedAssertion
from service.trail import AuditEntry
from tests.conftest import ENGINES
from tests.support.register import BASE_URL, Register, Templates, in_process

Json = dict[str, Any]
ENDPOINT = f"{BASE_URL}/oauth/token"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT = "jpt-helmond"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def private_pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_pem(key: Any, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    encoding = Encoding.OpenSSH if form is PublicFormat.OpenSSH else Encoding.PEM
    return str(key.public_key().public_bytes(encoding, form).decode())


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@pytest.fixture(scope="module", params=ENGINES)
async def desk(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    """A register in which the client has an EC key and an RSA key."""
    with templates.copy(request.param) as url:
        folder = tmp_path_factory.mktemp("assertions")
        async with in_process(url, templates.loaded[request.param], folder) as running:
            for key in (EC_KEY, RSA_KEY):
                assert (await register_key(running, {"pem": public_pem(key)})).status_code == 201
            yield running


async def register_key(register: Register, body: Json, client: str = CLIENT) -> httpx.Response:
    path = f"/v1/clients/{register.loaded.credentials[client].client_id}/keys"
    return await register.http.post(path, json=body, headers=await register.headers("administrator"))


def claims(register: Register, **changes: Any) -> Json:
    client_id = register.loaded.credentials[CLIENT].client_id
    now = int(time.time())
    good = {"iss": client_id, "sub": client_id, "aud": ENDPOINT, "exp": now + 60, "jti": str(uuid.uuid4())}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(body: Json, key: Any = EC_KEY, algorithm: str = "ES256", **headers: Any) -> str:
    return str(jwt.encode(body, private_pem(key), algorithm=algorithm, headers=headers))


async def ask(register: Register, assertion: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": BEARER,
        "client_assertion": assertion,
    }
    return await register.http.post("/oauth/token", data=form | more)


def expect_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


GOOD = {
    "ES256": lambda r: signed(claims(r)),
    "RS256": lambda r: signed(claims(r), RSA_KEY, "RS256"),
    "typ JWT": lambda r: signed(claims(r), typ="JWT"),
    "typ client-authentication+jwt": lambda r: signed(claims(r), typ="client-authentication+jwt"),
    "for the issuer": lambda r: signed(claims(r, aud=BASE_URL)),
    "with iat and nbf": lambda r: signed(claims(r, iat=int(time.time()), nbf=int(time.time()))),
    "a clock 20 s ahead": lambda r: signed(claims(r, iat=int(time.time()) + 20)),
    "a clock 20 s behind": lambda r: signed(claims(r, exp=int(time.time()) - 20)),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD.keys())
async def test_a_good_assertion_gets_a_token_that_opens(desk: Register, make: Any) -> None:
    answer = await ask(desk, make(desk))

    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await desk.http.get("/v1/me", headers=headers)).status_code == 200


def with_header(register: Register, **header: Any) -> str:
    """Signed by the client's own key over whatever header."""
    protected = {"alg": "ES256"} | header
    return str(jwt.encode(claims(register), private_pem(EC_KEY), algorithm="ES256", headers=protected))


def by_hmac(register: Register, secret: bytes) -> str:
    head = b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = b64(json.dumps(claims(register)).encode())
    return f"{head}.{body}.{b64(hmac.digest(secret, f'{head}.{body}'.encode(), 'sha256'))}"


def unsigned(register: Register) -> str:
    head = b64(json.dumps({"alg": "none"}).encode())
    return f"{head}.{b64(json.dumps(claims(register)).encode())}."


def der(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


NOW = time.time
BAD = {
    "nothing": lambda r: "",
    "no token": lambda r: "none",
    "alg none": unsigned,
    "HS256 with the PEM": lambda r: by_hmac(r, public_pem(RSA_KEY).encode()),
    "HS256 with the DER": lambda r: by_hmac(r, der(EC_KEY)),
    "HS256 with the OpenSSH key": lambda r: by_hmac(r, public_pem(EC_KEY, PublicFormat.OpenSSH).encode()),
    "HS256 with the client secret": lambda r: by_hmac(r, r.loaded.credentials[CLIENT].client_secret.encode()),
    "another key": lambda r: signed(claims(r), OTHER_KEY),
    "an access token's typ": lambda r: signed(claims(r), typ="at+jwt"),
    "crit": lambda r: with_header(r, crit=["exp"]),
    "jku": lambda r: with_header(r, jku="https://elsewhere.example/keys"),
    "jwk": lambda r: with_header(r, jwk={"kty": "EC"}),
    "x5u": lambda r: with_header(r, x5u="https://elsewhere.example/chain"),
    "another kid": lambda r: signed(claims(r), kid="another"),
    "no iss": lambda r: signed(claims(r, iss=None)),
    "another iss": lambda r: signed(claims(r, iss=str(uuid.uuid4()))),
    "no sub": lambda r: signed(claims(r, sub=None)),
    "another client's sub": lambda r: signed(
        claims(r, sub=r.loaded.credentials["police-oost-brabant"].client_id)
    ),
    "no aud": lambda r: signed(claims(r, aud=None)),
    "another aud": lambda r: signed(claims(r, aud="https://elsewhere.example/oauth/token")),
    "the API's aud": lambda r: signed(claims(r, aud=f"{BASE_URL}/v1")),
    "two aud": lambda r: signed(claims(r, aud=[ENDPOINT, "https://elsewhere.example"])),
    "no exp": lambda r: signed(claims(r, exp=None)),
    "over": lambda r: signed(claims(r, exp=int(NOW()) - 40)),
    "too long a life": lambda r: signed(claims(r, exp=int(NOW()) + 400)),
    "exp as a text": lambda r: signed(claims(r, exp=str(int(NOW()) + 60))),
    "exp as a fraction": lambda r: signed(claims(r, exp=NOW() + 60)),
    "made in the future": lambda r: signed(claims(r, iat=int(NOW()) + 60)),
    "not yet": lambda r: signed(claims(r, nbf=int(NOW()) + 60)),
    "no jti": lambda r: signed(claims(r, jti=None)),
    "an empty jti": lambda r: signed(claims(r, jti="")),
    "a jti of 201 characters": lambda r: signed(claims(r, jti="x" * 201)),
    "a number as jti": lambda r: signed(claims(r, jti=7)),
    "8 KB and more": lambda r: signed(claims(r, more="x" * 8200)),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
async def test_anything_else_gets_none(desk: Register, make: Any) -> None:
    desk.app.app.state.desk.throttle.__init__()  # type: ignore[union-attr]  # each attack meets an open door
    expect_refused(await ask(desk, make(desk)))


async def test_an_assertion_is_used_once(desk: Register) -> None:
    assertion = signed(claims(desk))
    answers = [(await ask(desk, assertion)).status_code for _ in range(3)]

    assert answers == [200, 401, 401]
    again = signed(claims(desk, jti=jwt.get_unverified_claims(assertion)["jti"]), RSA_KEY, "RS256")
    expect_refused(await ask(desk, again))


async def test_what_is_remembered_of_an_assertion_is_a_digest_until_it_would_be_over(desk: Register) -> None:
    jti = f"jti-{uuid.uuid4()}"
    await ask(desk, signed(claims(desk, jti=jti)))
    kept = await desk.rows(UsedAssertion)

    assert kept
    assert jti not in str(kept)
    assert all(len(row.digest) == 64 for row in kept)


async def test_an_assertion_is_no_access_token(desk: Register) -> None:
    headers = {"Authorization": f"Bearer {signed(claims(desk))}"}
    assert (await desk.http.get("/v1/me", headers=headers)).status_code == 401


async def test_one_way_at_a_time(desk: Register) -> None:
    credential = desk.loaded.credentials[CLIENT]
    answer = await ask(desk, signed(claims(desk)), client_secret=credential.client_secret)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = await ask(desk, signed(claims(desk)), client_assertion_type="something")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    expect_refused(await ask(desk, signed(claims(desk)), client_id=str(uuid.uuid4())))
    assert (await ask(desk, signed(claims(desk)), client_id=credential.client_id)).status_code == 200


async def test_a_key_can_be_changed_over_and_its_end_is_at_once(desk: Register) -> None:
    client_id = desk.loaded.credentials["school-helmond"].client_id
    first = (await register_key(desk, {"pem": public_pem(EC_KEY)}, "school-helmond")).json()
    mine = {"iss": client_id, "sub": client_id}
    second = (await register_key(desk, {"pem": public_pem(OTHER_KEY)}, "school-helmond")).json()
    third = await register_key(desk, {"pem": public_pem(RSA_KEY)}, "school-helmond")
    assert (third.status_code, third.json()["type"].rpartition(":")[2]) == (409, "two-at-a-time")
    for key, its in ((EC_KEY, first), (OTHER_KEY, second)):
        assert (await ask(desk, signed(claims(desk, **mine), key, kid=its["kid"]))).status_code == 200

    path = f"/v1/clients/{client_id}/keys/{first['id']}/termination"
    ended = await desk.http.post(path, headers=await desk.headers("administrator"))
    assert (ended.status_code, "endedAt" in ended.json()) == (200, True)
    expect_refused(await ask(desk, signed(claims(desk, **mine), EC_KEY)))
    assert (await ask(desk, signed(claims(desk, **mine), OTHER_KEY))).status_code == 200
    acts = [entry.act for entry in await desk.rows(AuditEntry) if entry.object_id == first["id"]]
    assert acts == ["key.add", "key.end"]


def jwk(**changes: Any) -> Json:
    point = EC_KEY.public_key().public_numbers()
    good = {"kty": "EC", "crv": "P-256", "x": b64(point.x.to_bytes(32)), "y": b64(point.y.to_bytes(32))}
    return {"jwk": good | changes}


UNFIT = {
    "a private PEM": ({"pem": private_pem(EC_KEY)}, "/pem", "private-key"),
    "a private JWK": (jwk(d="AAAA"), "/jwk", "private-key"),
    "a symmetric JWK": ({"jwk": {"kty": "oct", "k": "AAAA"}}, "/jwk", "private-key"),
    "no PEM": ({"pem": "Qz7canaryXw"}, "/pem", "wrong-form"),
    "an OpenSSH key": ({"pem": public_pem(EC_KEY, PublicFormat.OpenSSH)}, "/pem", "wrong-form"),
    "another curve": (
        {"pem": public_pem(ec.generate_private_key(ec.SECP384R1()))},
        "/pem",
        "wrong-algorithm",
    ),
    "too small an RSA key": (
        {"pem": public_pem(rsa.generate_private_key(65537, 1024))},
        "/pem",
        "wrong-algorithm",
    ),
    "a point off the curve": (jwk(y=b64(bytes(31) + b"\x05")), "/jwk", "wrong-form"),
    "no base64": (jwk(x="!!!"), "/jwk", "wrong-form"),
    "numbers": (jwk(x=7), "/jwk", "wrong-form"),
    "for encryption": (jwk(use="enc"), "/jwk", "wrong-algorithm"),
    "another algorithm": (jwk(alg="HS256"), "/jwk", "wrong-algorithm"),
    "a kid with spaces": (jwk(kid="a b"), "/jwk", "wrong-form"),
    "both": (jwk() | {"pem": public_pem(EC_KEY)}, "", "one-of"),
    "neither": ({}, "", "one-of"),
}


@pytest.mark.parametrize(("body", "pointer", "code"), UNFIT.values(), ids=UNFIT.keys())
async def test_a_key_that_is_unfit_is_refused_and_not_stored(
    desk: Register, body: Json, pointer: str, code: str
) -> None:
    before = len(await desk.rows(ClientKey))
    answer = await register_key(desk, body, "lev-helmond")

    assert answer.status_code == 400
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]
    assert "Qz7canaryXw" not in answer.text
    assert "PRIVATE KEY" not in answer.text
    assert len(await desk.rows(ClientKey)) == before


async def test_a_jwk_keeps_its_kid_and_only_what_verifies(desk: Register) -> None:
    answer = await register_key(desk, jwk(kid="2026-11", key_ops=["verify"]), "lev-helmond")
    assert (answer.status_code, answer.json()["kid"], answer.json()["algorithm"]) == (201, "2026-11", "ES256")
    (stored,) = [key for key in await desk.rows(ClientKey) if key.kid == "2026-11"]
    assert set(stored.jwk) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    again = await register_key(desk, jwk(kid="2026-11"), "lev-helmond")
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "kid-taken")
