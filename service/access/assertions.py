"""Client assertions (`private_key_jwt`, RFC 7523): reading and verifying them. Pure; moments are parameters.

An assertion proves that a client holds the private part of a key that was registered for it. It is signed for
this token endpoint alone, lives for minutes and is used once (the caller keeps its `jti`). As with access
tokens the header is judged first, and what the library checks is checked again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jose import jwt
from jose.exceptions import JOSEError

from service.access.keys import ALGORITHMS, NOBODYS_KEYS
from service.access.secrets import AT_A_TIME
from service.access.tokens import LEEWAY_SECONDS, REFUSED_HEADERS, Jwk, TokenRefused, header_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_SECONDS = 5 * 60
LONGEST_JTI = 200
TYPES = frozenset({"", "jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class Shown:
    """What an assertion says before anybody verified it: the client it is about, its algorithm and `kid`."""

    text: str
    client_id: UUID
    algorithm: str
    kid: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified assertion: by which of the keys, the digest of its `jti`, and until when to remember that."""

    key: int
    digest: str
    expires_at: datetime


def shown_in(assertion: str) -> Shown:
    """Read an assertion without believing it; raises `TokenRefused` for what can be no assertion of ours."""
    header = header_of(assertion)
    if REFUSED_HEADERS & header.keys() or header.get("typ", "").lower() not in TYPES:
        raise TokenRefused("header")
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("alg")
    try:
        client_id = UUID(jwt.get_unverified_claims(assertion)["sub"])
    except (JOSEError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TokenRefused("sub") from None
    return Shown(assertion, client_id, header["alg"], header.get("kid"))


def verify_assertion(
    shown: Shown, keys: Sequence[Jwk], audiences: frozenset[str], *, at: datetime
) -> Proof | None:
    """The proof, if one of the client's keys made the assertion for one of the audiences, in time; else None.

    Always the work of `AT_A_TIME` signatures, of the same algorithm: an unknown client takes as long.
    """
    fitting = [
        place
        for place, key in enumerate(keys)
        if key["alg"] == shown.algorithm and shown.kid in (None, key["kid"])
    ]
    nobodys = [NOBODYS_KEYS[shown.algorithm]] * (AT_A_TIME - len(fitting))
    verified = [_claims(shown, key) for key in ([keys[place] for place in fitting] + nobodys)]
    for place, claims in zip(fitting, verified, strict=False):
        if claims is not None and _fits(claims, shown, audiences, int(at.timestamp())):
            digest = hashlib.sha256(claims["jti"].encode()).hexdigest()
            expires_at = datetime.fromtimestamp(claims["exp"] + LEEWAY_SECONDS, UTC)
            return Proof(place, digest, expires_at)
    return None


def _claims(shown: Shown, key: Jwk) -> Mapping[str, Any] | None:
    """The claims if this key signed them; times and audience are judged in `_fits`."""
    unjudged = {f"verify_{name}": False for name in ("aud", "exp", "nbf", "iat", "at_hash")}
    try:
        return dict(jwt.decode(shown.text, dict(key), algorithms=[shown.algorithm], options=unjudged))
    except (JOSEError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _fits(claims: Mapping[str, Any], shown: Shown, audiences: frozenset[str], now: int) -> bool:
    """RFC 7523 section 3, with one audience, a short life and a `jti`."""
    name = str(shown.client_id)
    times = [claims.get("exp"), claims.get("iat", now), claims.get("nbf", now)]
    if not all(type(moment) is int for moment in times):
        return False
    expires, issued, not_before = times
    return (
        claims.get("iss") == claims.get("sub") == name
        and isinstance(claims.get("aud"), str)
        and claims["aud"] in audiences
        and isinstance(claims.get("jti"), str)
        and 0 < len(claims["jti"]) <= LONGEST_JTI
        and now - LEEWAY_SECONDS < expires <= now + LONGEST_SECONDS + LEEWAY_SECONDS
        and max(issued, not_before) <= now + LEEWAY_SECONDS
    )
