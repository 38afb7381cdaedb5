"""Access tokens and keys under attack: another issuer's RSA keys, keys that are gone, the edges of form and number."""

import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.access.keys import public_key_from_pem
from service.access.tokens import Issuer, TokenRefused, signer_from, verify
from service.keys import new_signing_pem
from tests.access.test_tokens import MAX_TOKEN, Forge, b64

RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA_PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
Sign = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return Forge(tmp_path_factory.mktemp("keys"), str(uuid.uuid4()))


@pytest.fixture(scope="module")
def external(forge: Forge) -> Issuer:
    """An issuer that signs by RS256 beside our own key, as an identity provider that comes later may."""
    public = public_key_from_pem(RSA_PEM.decode())
    keys = {**forge.issuer.keys, public["kid"]: public}
    return replace(forge.issuer, keys=keys, algorithms=("ES256", "RS256"))


def rs256(signed: bytes) -> bytes:
    return RSA_KEY.sign(signed, padding.PKCS1v15(), SHA256())


def mac(secret: bytes, digest: str) -> Sign:
    return lambda signed: hmac.digest(secret, signed, digest)


def forms_of(key: rsa.RSAPublicKey, jwk: Mapping[str, str]) -> Mapping[str, bytes]:
    """What an attacker can take for a secret: every form of the public key."""
    spki = PublicFormat.SubjectPublicKeyInfo
    return {
        "PEM": RSA_PEM,
        "PEM without line end": RSA_PEM.strip(),
        "DER": key.public_bytes(Encoding.DER, spki),
        "PKCS1 PEM": key.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "PKCS1 DER": key.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        "OpenSSH": key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "JWK": orjson.dumps(dict(jwk)),
        "modulus": jwk["n"].encode(),
    }


def is_accepted(token: str, issuer: Issuer, now: datetime) -> bool:
    try:
        return bool(verify(token, issuer, at=now))
    except TokenRefused:
        return False


def test_a_genuine_token_of_an_rsa_key_is_accepted(forge: Forge, external: Issuer) -> None:
    now = datetime.now(UTC)
    kid = public_key_from_pem(RSA_PEM.decode())["kid"]
    token = forge.token(forge.header(alg="RS256", kid=kid), forge.claims(now), rs256)

    assert verify(token, external, at=now)["sub"] == forge.client_id


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512", "RS256", "PS256", "none"])
def test_no_form_of_an_rsa_key_is_a_secret(forge: Forge, external: Issuer, algorithm: str) -> None:
    now = datetime.now(UTC)
    public = public_key_from_pem(RSA_PEM.decode())
    digest = f"sha{algorithm[2:]}" if algorithm.startswith("HS") else "sha256"
    header = forge.header(alg=algorithm, kid=public["kid"])
    forged = {
        form: forge.token(header, forge.claims(now), mac(secret, digest))
        for form, secret in forms_of(RSA_KEY.public_key(), public).items()
    }
    assert [form for form, token in forged.items() if is_accepted(token, external, now)] == []


@pytest.mark.parametrize("digest", ["sha384", "sha512"])
def test_no_form_of_our_key_is_a_secret_of_the_longer_hmacs(forge: Forge, digest: str) -> None:
    now = datetime.now(UTC)
    header = forge.header(alg=f"HS{digest[3:]}")
    forged = {
        form: forge.token(header, forge.claims(now), mac(secret, digest))
        for form, secret in forge.public_forms().items()
    }
    assert [form for form, token in forged.items() if is_accepted(token, forge.issuer, now)] == []


def test_a_key_is_used_by_its_own_algorithm_only(forge: Forge, external: Issuer) -> None:
    now = datetime.now(UTC)
    rsa_kid = public_key_from_pem(RSA_PEM.decode())["kid"]
    crossed: tuple[tuple[dict[str, Any], Sign], ...] = (
        (forge.header(alg="RS256"), rs256),
        (forge.header(alg="ES256", kid=rsa_kid), forge.es256),
        (forge.header(alg="ES256", kid=rsa_kid), rs256),
        (forge.header(alg="PS256", kid=rsa_kid), rs256),
        (forge.header(alg="RS512", kid=rsa_kid), rs256),
    )
    for header, sign in crossed:
        with pytest.raises(TokenRefused, match="key"):
            verify(forge.token(header, forge.claims(now), sign), external, at=now)


def test_an_issuer_allows_its_algorithms_only(forge: Forge, external: Issuer) -> None:
    now = datetime.now(UTC)
    rsa_kid = public_key_from_pem(RSA_PEM.decode())["kid"]
    token = forge.token(forge.header(alg="RS256", kid=rsa_kid), forge.claims(now), rs256)

    with pytest.raises(TokenRefused, match="key"):
        verify(token, replace(external, algorithms=("ES256",)), at=now)


def test_a_key_that_is_gone_verifies_nothing(forge: Forge) -> None:
    now = datetime.now(UTC)
    token = forge.token(forge.header(), forge.claims(now))
    other = signer_from(new_signing_pem())

    assert verify(token, forge.issuer, at=now)
    for keys in ({}, {other.kid: other.public}):
        with pytest.raises(TokenRefused, match="key"):
            verify(token, replace(forge.issuer, keys=keys), at=now)
    with pytest.raises(TokenRefused):  # the kid of one key on another
        verify(token, replace(forge.issuer, keys={forge.signer.kid: other.public}), at=now)


def test_a_token_is_only_as_long_as_8_kb(forge: Forge) -> None:
    now = datetime.now(UTC)
    claims = forge.claims(now)
    empty = len(forge.token(forge.header(), claims | {"padding": ""}))
    token = forge.token(forge.header(), claims | {"padding": "x" * ((MAX_TOKEN - empty) * 3 // 4)})
    missing = MAX_TOKEN - len(token)

    assert 0 <= missing < 3
    assert verify(token, forge.issuer, at=now)
    longer = forge.token(forge.header(), claims | {"padding": "x" * ((MAX_TOKEN - empty) * 3 // 4 + 3)})
    assert len(longer) > MAX_TOKEN
    with pytest.raises(TokenRefused, match="form"):
        verify(longer, forge.issuer, at=now)


@pytest.mark.parametrize(
    "number", ["Infinity", "-Infinity", "NaN", "1e400", "1" + "0" * 400, "1" + "0" * 5000]
)
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a_moment_that_is_none_is_refused(forge: Forge, name: str, number: str) -> None:
    now = datetime.now(UTC)
    claims = json.dumps({key: value for key, value in forge.claims(now).items() if key != name})
    payload = f'{claims[:-1]}, "{name}": {number}}}'.encode()

    with pytest.raises(TokenRefused):
        verify(forge.token(forge.header(), payload), forge.issuer, at=now)


@pytest.mark.parametrize("first", ["none", "HS256", "ES256"])
def test_a_header_that_names_two_algorithms_opens_nothing(forge: Forge, first: str) -> None:
    now = datetime.now(UTC)
    second = "ES256" if first != "ES256" else "HS256"
    header = f'{{"alg":"{first}","typ":"at+jwt","kid":"{forge.signer.kid}","alg":"{second}"}}'
    signed = f"{b64(header.encode())}.{b64(json.dumps(forge.claims(now)).encode())}".encode()
    for secret in forge.public_forms().values():
        forged = f"{signed.decode()}.{b64(hmac.digest(secret, signed, 'sha256'))}"
        for token in (forged, f"{signed.decode()}."):
            with pytest.raises(TokenRefused):
                verify(token, forge.issuer, at=now)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda one: one.name)
def test_a_key_of_another_curve_signs_nothing(forge: Forge, curve: ec.EllipticCurve) -> None:
    now = datetime.now(UTC)
    key = ec.generate_private_key(curve)
    token = forge.token(
        forge.header(), forge.claims(now), lambda signed: key.sign(signed, ec.ECDSA(SHA256()))[:64]
    )
    with pytest.raises(TokenRefused):
        verify(token, forge.issuer, at=now)
