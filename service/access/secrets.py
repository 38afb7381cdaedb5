"""Client secrets: 256 random bits, hashed by passlib.

A slow hash protects weak passwords; there are none here, and it would be a way to overload the token
endpoint. So few rounds of PBKDF2, which keeps a standard, salted format.
"""

import secrets
from collections.abc import Sequence

from passlib.hash import pbkdf2_sha256

MAX_SHOWN = 200
AT_A_TIME = 2  # valid secrets of a client: while it changes over, the old one and the new one

_scheme = pbkdf2_sha256.using(rounds=1000)
_NOBODYS_HASH: str = _scheme.hash(secrets.token_urlsafe(32))


def new_secret() -> str:
    """A secret of 43 base64url characters (256 bits)."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """The hash that is stored."""
    return str(_scheme.hash(secret))


def matching_secret(secret: str, hashes: Sequence[str]) -> int | None:
    """The place of the hash that the secret fits, or None.

    Always the work of `AT_A_TIME` comparisons: neither an unknown client, nor one in rotation, is told by time.
    """
    shown = secret[:MAX_SHOWN]  # passlib refuses to hash what is very long
    compared = [*hashes, *[_NOBODYS_HASH] * (AT_A_TIME - len(hashes))]
    fits = [bool(_scheme.verify(shown, known)) for known in compared]
    return next((place for place in range(len(hashes)) if fits[place]), None)
