"""Access tokens under attack: whatever is not a genuine, fitting, present token of a client in force is a 401."""

import base64
import hmac
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from sqlalchemy import update

from service.access.models import Client
from service.access.tokens import Issuer, TokenRefused, signer_from, verify
from service.keys import load_keys
from service.trail import AuditEntry
from tests.support.register import BASE_URL, Register, Templates, in_process

Json = dict[str, Any]
LEEWAY = 30
MAX_TOKEN = 8 * 1024


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


class Forge:
    """Makes tokens by hand, so that nothing that a library would refuse to make is left out."""

    def __init__(self, folder: Path, client_id: str, name: str = BASE_URL) -> None:
        load_keys(folder, make_missing=True)
        pem = (folder / "signing.pem").read_bytes()
        self.key: ec.EllipticCurvePrivateKey = load_pem_private_key(pem, None)  # type: ignore[assignment]
        self.signer = signer_from(pem)
        self.issuer = Issuer(name, f"{name}/v1", {self.signer.kid: self.signer.public})
        self.client_id = client_id

    def claims(self, at: datetime, **changes: Any) -> Json:
        """The claims of a good token; None leaves one out."""
        moment = int(at.timestamp())
        good = {
            "iss": self.issuer.name,
            "aud": self.issuer.audience,
            "sub": self.client_id,
            "client_id": self.client_id,
            "iat": moment,
            "exp": moment + 900,
            "jti": str(uuid.uuid4()),
            "scope": "signals:read signals:write",
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def header(self, **changes: Any) -> Json:
        good = {"alg": "ES256", "typ": "at+jwt", "kid": self.signer.kid}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, header: Json, claims: Any, sign: Callable[[bytes], bytes] | None = None) -> str:
        """A token with any header and payload, signed by our real key unless told otherwise."""
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        signed = f"{b64(orjson.dumps(header))}.{b64(payload)}".encode()
        return f"{signed.decode()}.{b64((sign or self.es256)(signed))}"

    def es256(self, signed: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
        r, s = decode_dss_signature((key or self.key).sign(signed, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def public_forms(self) -> Mapping[str, bytes]:
        """What an attacker can take for the secret of HS256: every form of our public key."""
        public = self.key.public_key()
        spki = PublicFormat.SubjectPublicKeyInfo
        return {
            "PEM": public.public_bytes(Encoding.PEM, spki),
            "PEM without line end": public.public_bytes(Encoding.PEM, spki).strip(),
            "DER": public.public_bytes(Encoding.DER, spki),
            "point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
            "JWK": orjson.dumps(dict(self.signer.public)),
            "JWK sorted": orjson.dumps(dict(self.signer.public), option=orjson.OPT_SORT_KEYS),
            "OpenSSH": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
            "empty": b"",
        }


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, "sha256")


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return Forge(tmp_path_factory.mktemp("keys"), str(uuid.uuid4()))


HEADERS: dict[str, Json] = {
    "no algorithm": {"alg": None},
    "alg none": {"alg": "none"},
    "alg NONE": {"alg": "NONE"},
    "alg in lower case": {"alg": "es256"},
    "another curve": {"alg": "ES384"},
    "RS256": {"alg": "RS256"},
    "EdDSA": {"alg": "EdDSA"},
    "a list of algorithms": {"alg": ["ES256"]},
    "an ordinary JWT": {"typ": "JWT"},
    "no type": {"typ": None},
    "a logout token": {"typ": "logout+jwt"},
    "type as a number": {"typ": 1},
    "no key": {"kid": None},
    "another key": {"kid": "x"},
    "an empty key": {"kid": ""},
    "a path as a key": {"kid": "../../dev/null"},
    "crit": {"crit": ["exp"]},
    "crit as a text": {"crit": "exp"},
    "b64 with crit": {"crit": ["b64"], "b64": False},
    "jku": {"jku": "https://attacker.example/jwks.json"},
    "jwk": {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    "jwk as a text": {"jwk": "{}"},
    "x5u": {"x5u": "https://attacker.example/cert.pem"},
    "x5c": {"x5c": ["AA"]},
}


@pytest.mark.parametrize("changes", HEADERS.values(), ids=HEADERS.keys())
def test_a_genuine_signature_does_not_excuse_a_wrong_header(forge: Forge, changes: Json) -> None:
    now = datetime.now(UTC)
    claims = forge.claims(now)

    assert verify(forge.token(forge.header(), claims), forge.issuer, at=now)["sub"] == forge.client_id
    with pytest.raises(TokenRefused):
        verify(forge.token(forge.header(**changes), claims), forge.issuer, at=now)


CLAIMS: dict[str, Json] = {
    **{f"no {name}": {name: None} for name in ("iss", "aud", "exp", "iat", "jti", "sub", "client_id")},
    **{f"empty {name}": {name: ""} for name in ("iss", "aud", "jti", "sub", "client_id")},
    "another issuer": {"iss": "https://attacker.example"},
    "issuers as a list": {"iss": [BASE_URL]},
    "another audience": {"aud": "https://other.example/v1"},
    "the issuer as audience": {"aud": BASE_URL},
    "an audience that begins like ours": {"aud": f"{BASE_URL}/v1/"},
    "other audiences": {"aud": ["https://other.example/v1", f"{BASE_URL}/v2"]},
    "no audience in a list": {"aud": []},
    "audience as an object": {"aud": {f"{BASE_URL}/v1": True}},
    "audience as a number": {"aud": 1},
    "expiry as a text": {"exp": "99999999999"},
    "expiry with a fraction": {"exp": 99999999999.5},
    "expiry as a truth": {"exp": True},
    "expiry beyond any calendar": {"exp": 10**30},
    "longer than an hour": {"exp": int(datetime.now(UTC).timestamp()) + 7200},
    "issued as a text": {"iat": "1"},
    "issued as a truth": {"iat": True},
    "not before as a text": {"nbf": "1"},
    "jti as a number": {"jti": 1},
    "subject as a number": {"sub": 1, "client_id": 1},
    "subject as a list": {"sub": ["x"], "client_id": ["x"]},
    "subject that is no UUID": {"sub": "admin", "client_id": "admin"},
    "subject of another client": {"sub": str(uuid.uuid4())},
}


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_genuine_signature_does_not_excuse_wrong_claims(forge: Forge, changes: Json) -> None:
    now = datetime.now(UTC)
    token = forge.token(forge.header(), forge.claims(now, **changes))

    assert verify(forge.token(forge.header(), forge.claims(now)), forge.issuer, at=now)
    with pytest.raises(TokenRefused):
        verify(token, forge.issuer, at=now)


@pytest.mark.parametrize("payload", [b"[]", b'"text"', b"null", b"1", b"", b"{", b"\xff", b"[" * 2000])
def test_a_payload_that_is_no_object_is_refused(forge: Forge, payload: bytes) -> None:
    with pytest.raises(TokenRefused):
        verify(forge.token(forge.header(), payload), forge.issuer, at=datetime.now(UTC))


TIMES: dict[str, tuple[Json, bool]] = {
    "present": ({"iat": 0, "exp": 900}, True),
    "expired within the leeway": ({"iat": -900, "exp": -LEEWAY + 5}, True),
    "expired beyond the leeway": ({"iat": -900, "exp": -LEEWAY - 5}, False),
    "issued a little ahead": ({"iat": LEEWAY - 5, "exp": 900}, True),
    "issued in the future": ({"iat": LEEWAY + 5, "exp": 900}, False),
    "good soon": ({"iat": 0, "exp": 900, "nbf": LEEWAY - 5}, True),
    "not good yet": ({"iat": 0, "exp": 900, "nbf": LEEWAY + 5}, False),
}


@pytest.mark.parametrize(("offsets", "accepted"), TIMES.values(), ids=TIMES.keys())
def test_the_leeway_works_both_ways_and_no_further(forge: Forge, offsets: Json, accepted: bool) -> None:
    now = datetime.now(UTC)
    times = {name: int(now.timestamp()) + offset for name, offset in offsets.items()}
    token = forge.token(forge.header(), forge.claims(now, **times))

    if accepted:
        assert verify(token, forge.issuer, at=now)["sub"] == forge.client_id
    else:
        with pytest.raises(TokenRefused):
            verify(token, forge.issuer, at=now)


@pytest.mark.parametrize("offset", [LEEWAY + 1, -LEEWAY - 1], ids=["after its end", "before it was issued"])
def test_the_moment_that_counts_is_the_one_given(forge: Forge, offset: int) -> None:
    now = datetime.now(UTC)
    token = forge.token(forge.header(), forge.claims(now, exp=int(now.timestamp()) + 900))
    at = now + timedelta(seconds=offset + (900 if offset > 0 else 0))

    with pytest.raises(TokenRefused):
        verify(token, forge.issuer, at=at)


@pytest.fixture(scope="module")
async def attacked(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Register]:
    with templates.copy("sqlite") as url:
        folder = tmp_path_factory.mktemp("attacked")
        async with in_process(url, templates.loaded["sqlite"], folder, client_recheck_seconds=0) as running:
            running.folder = folder  # type: ignore[attr-defined]
            yield running


@pytest.fixture(scope="module")
def inside(attacked: Register) -> Forge:
    """Forges with the register's own key, for the demo's JPT of Helmond."""
    folder: Path = attacked.folder  # type: ignore[attr-defined]
    return Forge(folder / "keys", attacked.loaded.credentials["jpt-helmond"].client_id)


async def knock(register: Register, token: str) -> httpx.Response:
    return await register.http.get(
        "/v1/code-lists", headers=[(b"Authorization", f"Bearer {token}".encode("latin-1"))]
    )


def forgeries(forge: Forge) -> dict[str, str]:
    """Tokens made without our private key, or changed after it signed."""
    now = datetime.now(UTC)
    claims, header = forge.claims(now), forge.header()
    good = forge.token(header, claims)
    head, payload, signature = good.split(".")
    stranger = ec.generate_private_key(ec.SECP256R1())
    own_rsa = rsa.generate_private_key(65537, 2048)
    other = b64(orjson.dumps(claims | {"scope": "statistics:compile"}))
    raw = base64.urlsafe_b64decode(f"{signature}==")
    forged = {
        "alg none, no signature": f"{b64(orjson.dumps(header | {'alg': 'none'}))}.{payload}.",
        "alg none, old signature": f"{b64(orjson.dumps(header | {'alg': 'none'}))}.{payload}.{signature}",
        "RS256 with a key of their own": forge.token(
            header | {"alg": "RS256"},
            claims,
            lambda signed: own_rsa.sign(signed, padding.PKCS1v15(), SHA256()),
        ),
        "ES256 with a key of their own": forge.token(
            header, claims, lambda signed: forge.es256(signed, stranger)
        ),
        "signature of zeros": forge.token(header, claims, lambda _: bytes(64)),
        "no signature": f"{head}.{payload}.",
        "signature cut": f"{head}.{payload}.{signature[:-4]}",
        "signature in DER": forge.token(
            header, claims, lambda signed: forge.key.sign(signed, ec.ECDSA(SHA256()))
        ),
        "signature tampered with": f"{head}.{payload}.{b64(bytes([raw[0] ^ 1]) + raw[1:])}",
        "signature's halves swapped": f"{head}.{payload}.{b64(raw[32:] + raw[:32])}",
        "payload tampered with": f"{head}.{other}.{signature}",
        "header tampered with": f"{b64(orjson.dumps(header | {'extra': 'x'}))}.{payload}.{signature}",
        "two parts": f"{head}.{payload}",
        "four parts": f"{good}.{signature}",
        "five parts (JWE)": f"{good}.{signature}.{signature}",
        "more than 8 KB": forge.token(header, claims | {"padding": "x" * MAX_TOKEN}),
        "not base64": f"{head}!.{payload}.{signature}",
        "letters beyond ASCII": f"{head}.{payload}é.{signature}",
        "a header that is a list": f"{b64(b'[]')}.{payload}.{signature}",
        "an empty header": f".{payload}.{signature}",
        "a text": "token",
        "its dots only": "..",
    }
    forged |= {
        f"HS256 with our public key as {form}": forge.token(header | {"alg": "HS256"}, claims, hs256(secret))
        for form, secret in forge.public_forms().items()
    }
    forged |= {
        f"HS256 called ES256 with our public key as {form}": forge.token(header, claims, hs256(secret))
        for form, secret in forge.public_forms().items()
    }
    return forged


async def test_no_forgery_enters_and_all_get_the_same_answer(attacked: Register, inside: Forge) -> None:
    forged = forgeries(inside)
    answers = {name: await knock(attacked, token) for name, token in forged.items()}
    genuine = await knock(attacked, inside.token(inside.header(), inside.claims(datetime.now(UTC))))

    assert genuine.status_code == 200
    assert {name for name, answer in answers.items() if answer.status_code != 401} == set()
    bodies = {orjson.dumps(answer.json() | {"traceId": ""}) for answer in answers.values()}
    assert len(bodies) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers.values()} == {
        'Bearer error="invalid_token"'
    }


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic eDp4", "Token {}", "{}", "Bearer,{}", "Bearer\t{}"]
)
async def test_only_the_bearer_scheme_carries_a_token(
    attacked: Register, inside: Forge, authorization: str
) -> None:
    good = inside.token(inside.header(), inside.claims(datetime.now(UTC)))
    headers = {"Authorization": authorization.format(good)} if authorization else {}
    answer = await attacked.http.get("/v1/code-lists", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["type"].endswith(":unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("place", ["query", "form", "cookie"])
async def test_a_token_in_another_place_is_none(attacked: Register, inside: Forge, place: str) -> None:
    good = inside.token(inside.header(), inside.claims(datetime.now(UTC)))
    answer = await attacked.http.request(
        "GET",
        "/v1/code-lists",
        params={"access_token": good} if place == "query" else None,
        data={"access_token": good} if place == "form" else None,
        headers={"Cookie": f"access_token={good}"} if place == "cookie" else None,
    )

    assert answer.status_code == 401


INFLATED: dict[str, Json] = {
    "scopes of another role": {"scope": "signals:read statistics:compile referrals:work"},
    "another role": {"role": "administrator"},
    "another organisation": {"organisation": str(uuid.uuid4())},
    "another territory": {"territory": ["GM0344"]},
    "scopes as a list": {"scope": ["statistics:compile"]},
    "no scopes": {"scope": None},
}


@pytest.mark.parametrize("changes", INFLATED.values(), ids=INFLATED.keys())
async def test_claims_never_widen_what_the_client_may(
    attacked: Register, inside: Forge, changes: Json
) -> None:
    token = inside.token(inside.header(), inside.claims(datetime.now(UTC), **changes))
    headers = {"Authorization": f"Bearer {token}", "Actor": "staff.one"}
    compiled = await attacked.http.post(
        "/v1/statistics/releases", json={"period": "2026-H1"}, headers=headers
    )
    queue = await attacked.http.get("/v1/referrals", headers=headers)

    assert (compiled.status_code, queue.status_code) == (403, 403)


async def test_a_token_can_carry_less_than_its_client_may(attacked: Register, inside: Forge) -> None:
    token = inside.token(inside.header(), inside.claims(datetime.now(UTC), scope="signals:read"))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    answer = await attacked.http.post("/v1/signals", json={}, headers=headers)

    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'


async def test_a_token_of_a_client_that_does_not_exist_is_refused(attacked: Register, inside: Forge) -> None:
    stranger = str(uuid.uuid4())
    token = inside.token(inside.header(), inside.claims(datetime.now(UTC), sub=stranger, client_id=stranger))

    assert (await knock(attacked, token)).status_code == 401


async def end_client(register: Register, name: str) -> None:
    async with register.database.writing() as session:
        client = uuid.UUID(register.loaded.credentials[name].client_id)
        await session.execute(update(Client).where(Client.id == client).values(ended_at=datetime.now(UTC)))


async def test_ending_a_client_works_at_once_where_nothing_is_trusted(attacked: Register) -> None:
    headers = await attacked.headers("school-ede")
    before = await attacked.http.get("/v1/code-lists", headers=headers)
    await end_client(attacked, "school-ede")
    after = await attacked.http.get("/v1/code-lists", headers=headers)

    assert (before.status_code, after.status_code) == (200, 401)
    # Its refusal belongs to nobody known any more: it is in the minute's count.
    ended = uuid.UUID(attacked.loaded.credentials["school-ede"].client_id)
    entries = [entry for entry in await attacked.rows(AuditEntry) if entry.client_id == ended]
    assert {entry.outcome for entry in entries} == {"done"}


async def test_ending_a_client_works_when_its_token_is_looked_at_again(
    templates: Templates, tmp_path: Path
) -> None:
    with templates.copy("sqlite") as url:
        async with in_process(
            url, templates.loaded["sqlite"], tmp_path, client_recheck_seconds=1
        ) as register:
            headers = await register.headers("school-ede")
            first = await register.http.get("/v1/code-lists", headers=headers)
            await end_client(register, "school-ede")
            deadline = datetime.now(UTC) + timedelta(seconds=10)
            while (last := await register.http.get("/v1/code-lists", headers=headers)).status_code == 200:
                assert datetime.now(UTC) < deadline
    assert (first.status_code, last.status_code) == (200, 401)
