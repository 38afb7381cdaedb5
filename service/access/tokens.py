"""Access tokens by RFC 9068: making them and verifying them, with the issuer and its keys as parameters.

One verification path, for the built-in issuer and for external ones later. python-jose by itself does not
demand `aud`, ignores `crit` and can be confused about keys; therefore the header is read and judged first,
keys are JWKs of one fixed kind, and the claims are checked here again. No clock: moments are parameters.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jose import jwt
from jose.exceptions import JOSEError

from service import base64url

TOKEN_TYPE = "at+jwt"  # noqa: S105
ALGORITHM = "ES256"
MAX_TOKEN_CHARS = 8 * 1024
LEEWAY_SECONDS = 30
LONGEST_SECONDS = 60 * 60
REFUSED_HEADERS = frozenset({"crit", "jku", "jwk", "x5u", "x5c"})
REQUIRED_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id")

Jwk = Mapping[str, str]


class TokenRefused(Exception):
    """The token is not one that we accept; the reason is for tests and never leaves the house."""


@dataclass(frozen=True)
class Issuer:
    """Who issues tokens, for whom, and the public keys by `kid` with the algorithms that are allowed."""

    name: str
    audience: str
    keys: Mapping[str, Jwk]
    algorithms: tuple[str, ...] = (ALGORITHM,)


@dataclass(frozen=True)
class Signer:
    """The private side of the built-in issuer."""

    pem: str
    kid: str
    public: Jwk

    def __repr__(self) -> str:
        return f"Signer(kid={self.kid!r})"


def signer_from(pem: bytes) -> Signer:
    """A signer from a PKCS8 PEM of a P-256 key; its `kid` is the RFC 7638 thumbprint. Raises ValueError."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, UnsupportedAlgorithm):  # encrypted, or of a kind that nobody knows
        raise ValueError("the signing key must be a P-256 key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the signing key must be a P-256 key in PEM")
    numbers = key.public_key().public_numbers()
    public = {
        "crv": "P-256",
        "kty": "EC",
        "x": base64url.encode(numbers.x.to_bytes(32)),
        "y": base64url.encode(numbers.y.to_bytes(32)),
    }
    kid = base64url.encode(hashlib.sha256(orjson.dumps(public)).digest())
    return Signer(pem.decode(), kid, {**public, "kid": kid, "use": "sig", "alg": ALGORITHM})


def issue(signer: Signer, issuer: Issuer, claims: Mapping[str, Any], *, at: datetime, minutes: int) -> str:
    """A signed access token for `claims` (sub, client_id, azp, scope, role, organisation, territory)."""
    issued = int(at.timestamp())
    frame = {
        "iss": issuer.name,
        "aud": issuer.audience,
        "iat": issued,
        "exp": issued + minutes * 60,
        "jti": str(uuid4()),
    }
    headers = {"typ": TOKEN_TYPE, "kid": signer.kid}
    return str(jwt.encode({**claims, **frame}, signer.pem, algorithm=ALGORITHM, headers=headers))


def verify(token: str, issuer: Issuer, *, at: datetime) -> Mapping[str, Any]:
    """The claims of a token that is genuine, meant for us and in time; raises `TokenRefused`."""
    header = header_of(token)
    key = _key_for(header, issuer)
    try:
        claims = jwt.decode(
            token,
            dict(key),
            algorithms=[header["alg"]],
            audience=issuer.audience,
            issuer=issuer.name,
            options={
                **{f"require_{name}": True for name in ("iss", "sub", "aud", "exp", "iat", "jti")},
                "verify_at_hash": False,
                "leeway": LEEWAY_SECONDS,
            },
        )
    except (JOSEError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise TokenRefused(type(error).__name__) from None
    _check_claims(claims, issuer, int(at.timestamp()))
    return dict(claims)


def header_of(token: str) -> dict[str, Any]:
    """The header of a compact JWS, unverified; raises `TokenRefused` for another form."""
    if len(token) > MAX_TOKEN_CHARS or token.count(".") != 2:
        raise TokenRefused("form")
    encoded = token.split(".", 1)[0]
    try:
        header = orjson.loads(base64url.decode(encoded))
    except ValueError:
        raise TokenRefused("header") from None
    if not isinstance(header, dict) or not all(isinstance(value, str) for value in header.values()):
        raise TokenRefused("header")
    return header


def _key_for(header: Mapping[str, str], issuer: Issuer) -> Jwk:
    """The one key that this header may be verified with."""
    if REFUSED_HEADERS & header.keys() or header.get("typ", "").lower() != TOKEN_TYPE:
        raise TokenRefused("header")
    key = issuer.keys.get(header.get("kid", ""))
    if key is None or header.get("alg") not in issuer.algorithms or header["alg"] != key["alg"]:
        raise TokenRefused("key")
    return key


def _check_claims(claims: Mapping[str, Any], issuer: Issuer, now: int) -> None:
    """Types and times once more, without trusting the library's defaults."""
    if not all(claims.get(name) for name in REQUIRED_CLAIMS) or claims["iss"] != issuer.name:
        raise TokenRefused("claims")
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if issuer.audience not in audience:
        raise TokenRefused("aud")
    times = (claims["iat"], claims["exp"], claims.get("nbf", claims["iat"]))
    if not all(type(moment) is int for moment in times):
        raise TokenRefused("times")
    if claims["exp"] - claims["iat"] > LONGEST_SECONDS:
        raise TokenRefused("lifetime")
    if claims["exp"] <= now - LEEWAY_SECONDS or max(claims["iat"], times[2]) > now + LEEWAY_SECONDS:
        raise TokenRefused("time")
    if claims["sub"] != claims["client_id"]:
        raise TokenRefused("sub")
    try:
        UUID(claims["sub"])
    except (ValueError, AttributeError):
        raise TokenRefused("sub") from None
