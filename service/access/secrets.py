"""Client secrets: 256 random bits, hashed by passlib.

A slow hash protects weak passwords; there are none here, and it would be a way to overload the token
endpoint. So few rounds of PBKDF2, which keeps a standard, salted format.
"""

import secrets

from passlib.hash import pbkdf2_sha256

MAX_SHOWN = 200

_scheme = pbkdf2_sha256.using(rounds=1000)
# Compared against when there is no such client, so that both refusals cost the same.
_NOBODYS_HASH: str = _scheme.hash(secrets.token_urlsafe(32))


def new_secret() -> str:
    """A secret of 43 base64url characters (256 bits)."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """The hash that is stored."""
    return str(_scheme.hash(secret))


def secret_matches(secret: str, hashes: list[str]) -> bool:
    """Whether the secret fits one of the hashes; without any, as much work as with one."""
    shown = secret[:MAX_SHOWN]  # passlib refuses to hash what is very long
    fits = [bool(_scheme.verify(shown, known)) for known in hashes or [_NOBODYS_HASH]]  # all, not the first
    return any(fits) and bool(hashes)
