"""Reading clients, with their secrets and keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.access.models import (
    Client,
    ClientKey,
    ClientRead,
    ClientSecret,
    KeyRead,
    RevokedToken,
    SecretRead,
)
from service.errors import NotFound
from service.paging import Page, page_of

WORKING = frozenset({"coordinator", "recipient"})

Credential = TypeVar("Credential", ClientSecret, ClientKey)


@dataclass(frozen=True)
class KnownClient:
    """A client that has not ended, with its valid secrets and keys."""

    client: Client
    secrets: Sequence[ClientSecret]
    keys: Sequence[ClientKey]


async def find_client(session: AsyncSession, client_id: UUID, *, jti: str) -> Client | None:
    """The client of a token, if neither has ended."""
    revoked = exists().where(RevokedToken.jti == jti)
    return (
        await session.scalars(
            select(Client).where(Client.id == client_id, Client.ended_at.is_(None), ~revoked)
        )
    ).one_or_none()


async def get_client(session: AsyncSession, client_id: UUID) -> Client:
    """The client, ended or not; raises `NotFound`."""
    client = await session.get(Client, client_id)
    if client is None:
        raise NotFound
    return client


async def somebody_works_there(
    session: AsyncSession, organisation_id: UUID, municipality: str, *, roles: Collection[str] = WORKING
) -> bool:
    """Whether a client of the organisation, in one of these roles, can pull referrals of this municipality."""
    clients = await session.scalars(
        select(Client).where(Client.organisation_id == organisation_id, Client.ended_at.is_(None))
    )
    return any(
        client.role in roles
        and "referrals:work" in client.scopes
        and (not client.municipalities or municipality in client.municipalities)
        for client in clients
    )


async def find_known_client(session: AsyncSession, client_id: UUID) -> KnownClient | None:
    """The client with what it may show.

    For an unknown one the same is read of the first client there is, and dropped: time shall not tell.
    """
    valid = select(Client.id).where(Client.ended_at.is_(None))
    anybody = valid.order_by(Client.id).limit(1).subquery()
    either = valid.where(Client.id == client_id).union_all(select(anybody.c.id))
    ids = (await session.scalars(either)).all()
    read = client_id if client_id in ids else next(iter(ids), client_id)
    client = (await session.scalars(select(Client).where(Client.id == read))).one_or_none()
    secrets = await _valid(session, ClientSecret, read)
    keys = await _valid(session, ClientKey, read)
    return None if client is None or client_id not in ids else KnownClient(client, secrets, keys)


async def valid_secrets(session: AsyncSession, client_id: UUID) -> Sequence[ClientSecret]:
    """The secrets that have not ended, oldest first."""
    return await _valid(session, ClientSecret, client_id)


async def valid_keys(session: AsyncSession, client_id: UUID) -> Sequence[ClientKey]:
    """The keys that have not ended, oldest first."""
    return await _valid(session, ClientKey, client_id)


async def _valid(session: AsyncSession, model: type[Credential], client_id: UUID) -> Sequence[Credential]:
    rows = await session.scalars(
        select(model).where(model.client_id == client_id, model.ended_at.is_(None)).order_by(model.id)
    )
    return rows.all()


async def clients_page(
    session: AsyncSession, *, organisation: UUID | None, cursor: str | None, limit: int
) -> Page[ClientRead]:
    """A page of clients, oldest first, ended ones too."""
    chosen = select(Client)
    if organisation is not None:
        chosen = chosen.where(Client.organisation_id == organisation)
    page = await page_of(session, chosen, Client.created_at, Client.id, cursor=cursor, limit=limit)
    return Page(await read_clients(session, page.items), page.next_cursor)


async def read_clients(session: AsyncSession, clients: Sequence[Client]) -> list[ClientRead]:
    """Clients as administrators see them; two statements, however many."""
    ids = [client.id for client in clients]
    secrets = await session.scalars(
        select(ClientSecret).where(ClientSecret.client_id.in_(ids)).order_by(ClientSecret.id)
    )
    keys = await session.scalars(select(ClientKey).where(ClientKey.client_id.in_(ids)).order_by(ClientKey.id))
    by_secret, by_key = secrets.all(), keys.all()
    return [
        _read(
            client,
            [secret for secret in by_secret if secret.client_id == client.id],
            [key for key in by_key if key.client_id == client.id],
        )
        for client in clients
    ]


def _read(client: Client, secrets: Sequence[ClientSecret], keys: Sequence[ClientKey]) -> ClientRead:
    uses = [shown.last_used_at for shown in (*secrets, *keys) if shown.last_used_at is not None]
    return ClientRead(
        id=client.id,
        organisation=client.organisation_id,
        name=client.name,
        role=client.role,
        scopes=client.scopes,
        municipalities=client.municipalities,
        created_at=client.created_at,
        ended_at=client.ended_at,
        last_used_at=max(uses, default=None),
        secrets=[read_secret(secret) for secret in secrets],
        keys=[read_key(key) for key in keys],
    )


def read_secret(secret: ClientSecret) -> SecretRead:
    """What may be shown of a secret: never itself, nor its hash."""
    return SecretRead(
        id=secret.id,
        created_at=secret.created_at,
        last_used_at=secret.last_used_at,
        ended_at=secret.ended_at,
    )


def read_key(key: ClientKey) -> KeyRead:
    """A public key as administrators see it."""
    return KeyRead(
        id=key.id,
        kid=key.kid,
        algorithm=key.algorithm,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        ended_at=key.ended_at,
    )
