"""The token endpoint's work: who a client is, a token for it, and taking a token back.

Nothing is written before the client has shown who it is. A failure costs the same and is told the same,
whether the client is unknown, has ended, or showed something wrong; the trail hears which client was named.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.access import errors
from service.access.assertions import Proof, verify_assertion
from service.access.keyring import Press
from service.access.models import Client, ClientKey, ClientSecret, RevokedToken, TokenAnswer, UsedAssertion
from service.access.presented import Credentials, Presented, presented
from service.access.queries import KnownClient, find_known_client
from service.access.roles import narrowed
from service.access.secrets import matching_secret
from service.access.throttle import SECONDS, Throttle
from service.access.tokens import TokenRefused, issue
from service.database import Database
from service.limits import Limits
from service.rows import insert_new_rows

ACTIVITY = "access"


@dataclass(frozen=True)
class Desk:
    """What the token endpoint works with; an assertion is made for one of the audiences."""

    database: Database
    press: Press
    throttle: Throttle
    limits: Limits
    audiences: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a token shall be for: scopes (RFC 6749 section 3.3) and the resource (RFC 8707); None: everything."""

    scope: str | None
    resource: str | None


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that showed who it is, by which secret or key, and the proof of an assertion."""

    client: Client
    shown: ClientSecret | ClientKey
    proof: Proof | None
    who: trail.Who


async def issue_token(
    desk: Desk, credentials: Credentials, asked: Asked, *, address: str, trace_id: str
) -> TokenAnswer:
    """A token for a client (RFC 6749 section 4.4); raises the problems of section 5.2."""
    known = await _authenticate(desk, credentials, address=address, trace_id=trace_id)
    client, issuer = known.client, desk.press.issuer
    if (allowance := desk.limits.take(client.id, "tokens")).exceeded:
        raise errors.SlowDown(
            of_client=_who(known.client, None), headers={"Retry-After": str(allowance.resets_in)}
        )
    scopes = narrowed(frozenset(client.scopes), asked.scope)
    if scopes is None:
        raise errors.InvalidScope(of_client=_who(client, None))
    if asked.resource not in (None, issuer.audience):
        raise errors.InvalidTarget(of_client=_who(client, None))
    async with desk.database.writing() as session:
        await _note_use(session, known)
        await trail.append(session, [trail.entry(known.who, "token.issue", ACTIVITY, "client", client.id)])
    claims = {
        "sub": str(client.id),
        "client_id": str(client.id),
        "azp": str(client.id),
        "scope": " ".join(sorted(scopes)),
        "role": client.role,
        "organisation": str(client.organisation_id),
        "territory": client.municipalities,
    }
    minutes = desk.press.minutes
    token = issue(desk.press.signer, issuer, claims, at=clock.now(), minutes=minutes)
    return TokenAnswer(access_token=token, expires_in=minutes * 60, scope=claims["scope"])


async def revoke_token(
    desk: Desk, credentials: Credentials, *, token: str, address: str, trace_id: str
) -> None:
    """Take back a token of the client's own (RFC 7009); one that is none, or over, needs no taking back."""
    known = await _authenticate(desk, credentials, address=address, trace_id=trace_id)
    try:
        claims = desk.press.verify(token, at=clock.now())
    except TokenRefused:
        return
    if claims["sub"] != str(known.client.id):
        raise errors.UnauthorizedClient(of_client=_who(known.client, None))
    row = {"jti": str(claims["jti"]), "expires_at": datetime.fromtimestamp(claims["exp"], UTC)}
    async with desk.database.writing() as session:
        await _note_use(session, known)
        await session.execute(delete(RevokedToken).where(RevokedToken.__table__.c.expires_at < clock.now()))
        await insert_new_rows(session, RevokedToken.__table__, [row])
        await trail.append(
            session, [trail.entry(known.who, "token.revoke", ACTIVITY, "client", known.client.id)]
        )


async def _authenticate(
    desk: Desk, credentials: Credentials, *, address: str, trace_id: str
) -> Authenticated:
    """Who it is; raises `InvalidRequest`, `InvalidClient`, and `SlowDown` after many failures."""
    try:
        shown = presented(credentials)
        name = str(shown.client_id)
    except errors.InvalidClient:
        shown, name = None, ""
    if desk.throttle.is_shut(name, address):
        raise errors.SlowDown(headers={"Retry-After": str(SECONDS)})
    known = None
    if shown is not None:
        async with desk.database.reading() as session:
            known = await find_known_client(session, shown.client_id)
        fitting = _fitting(desk, shown, known)
        if known is not None and fitting is not None:
            return Authenticated(known.client, *fitting, _who(known.client, trace_id))
    desk.throttle.failed(name, address)
    raise errors.InvalidClient(_who(known and known.client, None))


def _fitting(
    desk: Desk, shown: Presented, known: KnownClient | None
) -> tuple[ClientSecret | ClientKey, Proof | None] | None:
    """The secret or key of the client that fits what was shown; as much work for an unknown client."""
    secrets = known.secrets if known else []
    keys = known.keys if known else []
    if shown.assertion is None:
        place = matching_secret(shown.secret, [secret.hash for secret in secrets])
        return None if place is None else (secrets[place], None)
    proof = verify_assertion(shown.assertion, [key.jwk for key in keys], desk.audiences, at=clock.now())
    return None if proof is None else (keys[proof.key], proof)


def _who(client: Client | None, trace_id: str | None) -> trail.Who:
    if client is None:
        return trail.NOBODY
    return trail.Who(client.id, client.organisation_id, client.role, None, trace_id)


async def _note_use(session: AsyncSession, known: Authenticated) -> None:
    """Remember when the secret or key was used, and the assertion; raises `InvalidClient` for a replay."""
    now, shown = clock.now(), known.shown
    if known.proof is not None:
        used = UsedAssertion.__table__
        row = {
            "client_id": known.client.id,
            "digest": known.proof.digest,
            "expires_at": known.proof.expires_at,
        }
        await session.execute(
            delete(used).where(used.c.expires_at < now, used.c.client_id == known.client.id)
        )
        if not await insert_new_rows(session, used, [row]):
            raise errors.InvalidClient(_who(known.client, None))
    model = type(shown).__table__
    await session.execute(update(model).where(model.c.id == shown.id).values(last_used_at=now))
