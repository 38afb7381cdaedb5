"""Public keys of clients: from JWK or PEM to the one form that is stored. Pure.

P-256 for ES256 and RSA of 2,048 to 4,096 bits for RS256. Whatever holds a private part is refused: who sends
it has just shown it to somebody, and must make another.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from service import base64url
from service.access.tokens import Jwk

ALGORITHMS = ("ES256", "RS256")
RSA_BITS = range(2048, 4097)
KID_FORM = re.compile(r"[A-Za-z0-9._~-]{1,100}\Z")
PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class UnfitKey(ValueError):
    """Not a key that we take: its code and a fixed sentence."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(code)
        self.code, self.told = code, told


def public_key_from_pem(pem: str) -> Jwk:
    """The JWK of a PEM SubjectPublicKeyInfo; its `kid` is the RFC 7638 thumbprint. Raises `UnfitKey`."""
    if "PRIVATE KEY" in pem:
        raise _private()
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UnfitKey("wrong-form", "Must be one PEM block BEGIN PUBLIC KEY.") from None
    return _jwk(key, None)


def public_key_from_jwk(jwk: Mapping[str, Any]) -> Jwk:
    """The stored form of a JWK: its `kid`, or the thumbprint. Raises `UnfitKey`."""
    if PRIVATE_PARTS & jwk.keys():
        raise _private()
    if not all(isinstance(value, str) for name, value in jwk.items() if name not in ("key_ops", "x5c")):
        raise UnfitKey("wrong-form", "Must be a JWK (RFC 7517).")
    kid = jwk.get("kid")
    if kid is not None and not KID_FORM.match(kid):
        raise UnfitKey("wrong-form", "A kid is 1–100 of letters, digits and ._~-.")
    key = _key_of(jwk)
    stored = _jwk(key, kid)
    if jwk.get("alg", stored["alg"]) != stored["alg"] or jwk.get("use", "sig") != "sig":
        raise UnfitKey("wrong-algorithm", "Only keys for signing, by ES256 (P-256) or RS256.")
    return stored


def _key_of(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    try:
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
            x, y = _number(jwk["x"]), _number(jwk["y"])
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        if jwk.get("kty") == "RSA" and len(jwk["n"]) <= 1000 and len(jwk["e"]) <= 8:
            return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    except (ValueError, KeyError, UnsupportedAlgorithm):
        raise UnfitKey("wrong-form", "The numbers of this JWK are no key.") from None
    raise UnfitKey("wrong-algorithm", "Only P-256 and RSA keys.")


def _jwk(key: object, kid: str | None) -> Jwk:
    """The required members (RFC 7638), in their order, and what says how the key is used."""
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point, size = key.public_numbers(), 32
        required = {"crv": "P-256", "kty": "EC", "x": _text(point.x, size), "y": _text(point.y, size)}
        algorithm = "ES256"
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        number = key.public_numbers()
        required = {"e": _text(number.e), "kty": "RSA", "n": _text(number.n)}
        algorithm = "RS256"
    else:
        raise UnfitKey("wrong-algorithm", "Only P-256 keys, and RSA keys of 2,048 to 4,096 bits.")
    thumbprint = base64url.encode(hashlib.sha256(orjson.dumps(required)).digest())
    return {**required, "kid": kid or thumbprint, "use": "sig", "alg": algorithm}


def _private() -> UnfitKey:
    return UnfitKey("private-key", "This holds a private key. Nothing was stored; make a new pair.")


def _number(text: str) -> int:
    return int.from_bytes(base64url.decode(text))


def _text(number: int, size: int | None = None) -> str:
    octets = number.to_bytes(size or (number.bit_length() + 7) // 8)
    return base64url.encode(octets)


# Keys of nobody, verified against where a client has none: the same work, and no signature fits them.
NOBODYS_KEYS: Mapping[str, Jwk] = {
    "ES256": _jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), "nobody"),
    "RS256": {"kty": "RSA", "e": "AQAB", "n": _text((1 << 2048) - 159), "kid": "nobody", "alg": "RS256"},
}
