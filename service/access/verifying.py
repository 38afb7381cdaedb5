"""From a bearer token to a caller, with a bounded cache.

A token that was verified is trusted for at most `recheck_seconds` (never past its `exp`); then its signature
and its client are looked at again, so that ending a client works within that time in every process.
"""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

from cachetools import TTLCache

from service import clock
from service.access.keyring import Press
from service.access.queries import find_client
from service.access.tokens import TokenRefused
from service.caller import Caller
from service.database import Database
from service.errors import Unauthenticated

CACHED_TOKENS = 10_000


class Verifier:
    """Verifies tokens of one issuer against the clients in the database."""

    def __init__(self, database: Database, press: Press, *, recheck_seconds: int) -> None:
        self._database = database
        self._press = press
        self._cache: TTLCache[bytes, tuple[datetime, Caller]] = TTLCache(CACHED_TOKENS, recheck_seconds)

    async def __call__(self, token: str) -> Caller:
        """The caller; raises `Unauthenticated` for anything but a genuine token of a client in force."""
        fingerprint = _fingerprint(token)
        known = self._cache.get(fingerprint)
        if known is not None and known[0] > clock.now():
            return known[1]
        expires_at, caller = await self._verify(token)
        self._cache[fingerprint] = (expires_at, caller)
        return caller

    def forget_token(self, token: str) -> None:
        """A token was revoked: this process reads again at once, the others when their trust ends."""
        self._cache.pop(_fingerprint(token), None)

    def forget_all(self) -> None:
        """A client was changed or ended: as `forget_token`, for every token."""
        self._cache.clear()

    async def _verify(self, token: str) -> tuple[datetime, Caller]:
        try:
            claims = self._press.verify(token, at=clock.now())
        except TokenRefused:
            raise _refused() from None
        async with self._database.reading() as session:
            client = await find_client(session, UUID(claims["sub"]), jti=str(claims["jti"]))
        if client is None:
            raise _refused()
        caller = Caller(
            client_id=client.id,
            organisation_id=client.organisation_id,
            role=client.role,
            scopes=frozenset(str(claims.get("scope", "")).split()) & frozenset(client.scopes),
            municipalities=tuple(client.municipalities),
        )
        return datetime.fromtimestamp(claims["exp"], UTC), caller


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _refused() -> Unauthenticated:
    return Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
