"""Reading clients."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.access.models import Client, ClientSecret


@dataclass(frozen=True)
class KnownClient:
    """A client that has not ended, with the hashes of its valid secrets."""

    client: Client
    secret_hashes: list[str]


async def find_client(session: AsyncSession, client_id: UUID) -> Client | None:
    """The client if it has not ended."""
    return (
        await session.scalars(select(Client).where(Client.id == client_id, Client.ended_at.is_(None)))
    ).one_or_none()


async def somebody_works_there(session: AsyncSession, organisation_id: UUID, municipality: str) -> bool:
    """Whether a client of the organisation can pull referrals of this municipality."""
    clients = await session.scalars(
        select(Client).where(Client.organisation_id == organisation_id, Client.ended_at.is_(None))
    )
    return any(
        "referrals:work" in client.scopes
        and (not client.municipalities or municipality in client.municipalities)
        for client in clients
    )


async def find_client_with_secrets(session: AsyncSession, client_id: UUID) -> KnownClient | None:
    """As `find_client`, with what its secret is compared to."""
    client = await find_client(session, client_id)
    if client is None:
        return None
    hashes = await session.scalars(
        select(ClientSecret.hash).where(ClientSecret.client_id == client_id, ClientSecret.ended_at.is_(None))
    )
    return KnownClient(client, list(hashes))
