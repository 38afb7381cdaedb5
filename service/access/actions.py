"""Adding, changing and ending clients, their secrets and their keys."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.access import errors
from service.access.keys import UnfitKey, public_key_from_jwk, public_key_from_pem
from service.access.models import Client, ClientKey, ClientSecret, KeyCreate
from service.access.queries import Credential, valid_keys, valid_secrets
from service.access.roles import SCOPES_OF
from service.access.secrets import AT_A_TIME, hash_secret, new_secret
from service.access.tokens import Jwk
from service.columns import new_id
from service.errors import Fault, Invalid, NotFound

ACTIVITY = "access"


async def add_client(
    session: AsyncSession,
    who: trail.Who,
    *,
    organisation_id: UUID,
    name: str,
    role: str,
    scopes: Iterable[str] | None = None,
    municipalities: Iterable[str] = (),
) -> Client:
    """A new client, with every scope of its role unless fewer are named; it has no secret or key yet.

    Raises `Invalid` for a scope that is not of the role, `NameTaken`.
    """
    await _refuse_taken_name(session, name, None)
    client = Client(
        id=new_id(),
        organisation_id=organisation_id,
        name=name,
        role=role,
        scopes=_scopes_of(role, scopes),
        municipalities=sorted(municipalities),
        created_at=clock.now(),
        ended_at=None,
        version=1,
    )
    session.add(client)
    await session.flush()
    await trail.append(session, [trail.entry(who, "client.add", ACTIVITY, "client", client.id)])
    return client


async def change_client(
    session: AsyncSession,
    who: trail.Who,
    client: Client,
    *,
    name: str,
    scopes: Iterable[str] | None,
    municipalities: Iterable[str],
) -> None:
    """Replace what may change; tokens that were given out follow within the time of rechecking."""
    _refuse_ended(client)
    await _refuse_taken_name(session, name, client.id)
    client.name, client.scopes = name, _scopes_of(client.role, scopes)
    client.municipalities, client.version = sorted(municipalities), client.version + 1
    await session.flush()
    await trail.append(session, [trail.entry(who, "client.change", ACTIVITY, "client", client.id)])


async def end_clients(session: AsyncSession, who: trail.Who, clients: Iterable[Client]) -> None:
    """End clients for good, with their secrets and keys: the kill switch. Once is enough."""
    now = clock.now()
    for client in clients:
        if client.ended_at is None:
            client.ended_at, client.version = now, client.version + 1
            for model in (ClientSecret, ClientKey):
                valid = (model.client_id == client.id, model.ended_at.is_(None))
                await session.execute(update(model).where(*valid).values(ended_at=now))
            await trail.append(session, [trail.entry(who, "client.end", ACTIVITY, "client", client.id)])
    await session.flush()


async def clients_of(session: AsyncSession, organisation_id: UUID) -> Iterable[Client]:
    """The clients of an organisation that have not ended, locked."""
    return await session.scalars(
        select(Client)
        .where(Client.organisation_id == organisation_id, Client.ended_at.is_(None))
        .with_for_update()
    )


async def add_secret(session: AsyncSession, who: trail.Who, client: Client) -> tuple[ClientSecret, str]:
    """A new secret: to be shown once, kept only hashed. Raises `TwoAtATime`, `ClientEnded`."""
    _refuse_ended(client)
    if len(await valid_secrets(session, client.id)) >= AT_A_TIME:
        raise errors.TwoAtATime
    shown = new_secret()
    secret = ClientSecret(
        id=new_id(),
        client_id=client.id,
        hash=hash_secret(shown),
        created_at=clock.now(),
        ended_at=None,
        last_used_at=None,
    )
    session.add(secret)
    await session.flush()
    await trail.append(session, [trail.entry(who, "secret.add", ACTIVITY, "client_secret", secret.id)])
    return secret, shown


async def add_key(session: AsyncSession, who: trail.Who, client: Client, given: KeyCreate) -> ClientKey:
    """Register a public key. Raises `Invalid` (no such key), `TwoAtATime`, `KidTaken`, `ClientEnded`."""
    _refuse_ended(client)
    jwk = _jwk_of(given)
    valid = await valid_keys(session, client.id)
    if len(valid) >= AT_A_TIME:
        raise errors.TwoAtATime
    if jwk["kid"] in {key.kid for key in valid}:
        raise errors.KidTaken
    key = ClientKey(
        id=new_id(),
        client_id=client.id,
        kid=jwk["kid"],
        algorithm=jwk["alg"],
        jwk=dict(jwk),
        created_at=clock.now(),
        ended_at=None,
        last_used_at=None,
    )
    session.add(key)
    await session.flush()
    await trail.append(session, [trail.entry(who, "key.add", ACTIVITY, "client_key", key.id)])
    return key


async def end_secret(session: AsyncSession, who: trail.Who, client: Client, secret_id: UUID) -> ClientSecret:
    """End a secret of the client; no token is given for it any more. Raises `NotFound`."""
    secret = await _of_client(session, ClientSecret, client, secret_id)
    await _end(session, who, secret, "secret.end", "client_secret")
    return secret


async def end_key(session: AsyncSession, who: trail.Who, client: Client, key_id: UUID) -> ClientKey:
    """End a key of the client; no token is given for it any more. Raises `NotFound`."""
    key = await _of_client(session, ClientKey, client, key_id)
    await _end(session, who, key, "key.end", "client_key")
    return key


async def _of_client(
    session: AsyncSession, model: type[Credential], client: Client, its_id: UUID
) -> Credential:
    found = await session.get(model, its_id, with_for_update=True)
    if found is None or found.client_id != client.id:
        raise NotFound
    return found


async def _end(
    session: AsyncSession, who: trail.Who, shown: ClientSecret | ClientKey, act: str, kind: str
) -> None:
    if shown.ended_at is None:
        shown.ended_at = clock.now()
        await session.flush()
        await trail.append(session, [trail.entry(who, act, ACTIVITY, kind, shown.id)])


async def _refuse_taken_name(session: AsyncSession, name: str, own: UUID | None) -> None:
    taken = (await session.scalars(select(Client.id).where(Client.name == name))).one_or_none()
    if taken not in (None, own):
        raise errors.NameTaken


def _refuse_ended(client: Client) -> None:
    if client.ended_at is not None:
        raise errors.ClientEnded


def _scopes_of(role: str, scopes: Iterable[str] | None) -> list[str]:
    """The scopes in order; all of the role where none are named."""
    wanted = sorted(SCOPES_OF[role] if scopes is None else scopes)
    if not SCOPES_OF[role].issuperset(wanted):
        raise Invalid(errors=[Fault("/scopes", "not-of-this-role", "Only scopes of the client's role.")])
    return wanted


def _jwk_of(given: KeyCreate) -> Jwk:
    """The key as it is stored; raises `Invalid` for none, two, or one that we do not take."""
    if (given.jwk is None) == (given.pem is None):
        raise Invalid(errors=[Fault("", "one-of", "Send the key as jwk or as pem.")])
    try:
        return public_key_from_pem(given.pem) if given.jwk is None else public_key_from_jwk(given.jwk)
    except UnfitKey as unfit:
        pointer = "/pem" if given.jwk is None else "/jwk"
        raise Invalid(errors=[Fault(pointer, unfit.code, unfit.told)]) from None
