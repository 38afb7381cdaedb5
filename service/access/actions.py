"""Adding and ending clients, and giving out tokens."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.access import errors
from service.access.models import Client, ClientSecret, TokenAnswer
from service.access.queries import find_client_with_secrets
from service.access.roles import ROLE_SCOPES, narrowed
from service.access.secrets import hash_secret, new_secret, secret_matches
from service.access.tokens import Press, issue
from service.columns import new_id

ACTIVITY = "access"


async def add_client(
    session: AsyncSession,
    who: trail.Who,
    *,
    organisation_id: UUID,
    name: str,
    role: str,
    municipalities: Sequence[str] = (),
) -> tuple[Client, str]:
    """A new client with every scope of its role, and its secret: to be shown once, kept only hashed."""
    client = Client(
        id=new_id(),
        organisation_id=organisation_id,
        name=name,
        role=role,
        scopes=sorted(ROLE_SCOPES[role]),
        municipalities=list(municipalities),
        created_at=clock.now(),
        ended_at=None,
    )
    session.add(client)
    await session.flush()
    secret = new_secret()
    session.add(
        ClientSecret(
            id=new_id(),
            client_id=client.id,
            hash=hash_secret(secret),
            created_at=client.created_at,
            ended_at=None,
        )
    )
    await session.flush()
    await trail.append(session, [trail.entry(who, "client.add", ACTIVITY, "client", client.id)])
    return client, secret


async def authenticate(session: AsyncSession, *, client_id: UUID | None, secret: str) -> Client:
    """The client that shows its secret.

    Raises `InvalidClient`: the same, and after as much work, for an unknown client as for a wrong secret.
    """
    known = await find_client_with_secrets(session, client_id) if client_id else None
    if not secret_matches(secret, known.secret_hashes if known else []) or known is None:
        raise errors.InvalidClient
    return known.client


async def issue_token(
    session: AsyncSession, client: Client, *, scope: str | None, press: Press, trace_id: str
) -> TokenAnswer:
    """A token for an authenticated client; raises `InvalidScope` for more than it may have."""
    scopes = narrowed(frozenset(client.scopes), scope)
    if scopes is None:
        raise errors.InvalidScope
    claims = {
        "sub": str(client.id),
        "client_id": str(client.id),
        "azp": str(client.id),
        "scope": " ".join(sorted(scopes)),
        "role": client.role,
        "organisation": str(client.organisation_id),
        "territory": client.municipalities,
    }
    who = trail.Who(client.id, client.organisation_id, client.role, None, trace_id)
    await trail.append(session, [trail.entry(who, "token.issue", ACTIVITY, "client", client.id)])
    token = issue(press.signer, press.issuer, claims, at=clock.now(), minutes=press.minutes)
    return TokenAnswer(access_token=token, expires_in=press.minutes * 60, scope=claims["scope"])
