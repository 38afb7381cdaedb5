"""The doors to clients, their secrets and their keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from service.access import actions as access
from service.access import queries
from service.access.models import (
    Client,
    ClientChange,
    ClientCreate,
    ClientPage,
    ClientRead,
    KeyCreate,
    KeyRead,
    NewSecret,
    SecretRead,
)
from service.access.queries import read_key, read_secret
from service.administration import actions
from service.caller import Caller
from service.doors import IfMatch, Reading, Recording, Writing, entering, link_next
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.trail import entry
from service.wire import Wire

router = APIRouter(tags=["access"], route_class=JsonRoute, redirect_slashes=False)

ReadingClients = Annotated[Caller, entering("clients:read")]
ChangingClients = Annotated[Caller, entering("clients:write")]
ALL, ONE = "/clients", "/clients/{client_id}"
SECRETS, KEYS = f"{ONE}/secrets", f"{ONE}/keys"


class ClientQuery(Wire):
    """Which clients."""

    organisation: UUID | None = None
    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


@router.get(ALL, operation_id="list_clients", response_model_exclude_none=True)
async def list_clients(
    caller: ReadingClients,
    query: Annotated[ClientQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
    response: Response,
) -> ClientPage:
    """The clients, oldest first, page by page; those that have ended too."""
    page = await queries.clients_page(session, **dict(query))
    await trail.record(entry(caller.who, "client.search", "access"))
    link_next(request, response, page.next_cursor)
    return ClientPage(items=list(page.items))


@router.post(ALL, operation_id="add_client", status_code=201, response_model_exclude_none=True)
async def add_client(
    caller: ChangingClients, content: ClientCreate, session: Writing, response: Response
) -> ClientRead:
    """A new client of an organisation; give it a secret or register its key before it can get a token."""
    added = await actions.add_client(session, caller, content=content)
    response.headers["Location"] = f"/v1/clients/{added.id}"
    return await _read(session, added, response)


@router.get(ONE, operation_id="get_client", response_model_exclude_none=True)
async def get_client(
    caller: ReadingClients, client_id: UUID, session: Reading, trail: Recording, response: Response
) -> ClientRead:
    """One client, and when its secrets and keys were last used; never a secret."""
    client = await queries.get_client(session, client_id)
    await trail.record(entry(caller.who, "client.read", "access", "client", client_id))
    return await _read(session, client, response)


@router.put(ONE, operation_id="change_client", response_model_exclude_none=True)
async def change_client(
    caller: ChangingClients,
    client_id: UUID,
    version: IfMatch,
    content: ClientChange,
    session: Writing,
    request: Request,
    response: Response,
) -> ClientRead:
    """Replace its name, scopes and territory; its tokens follow within a minute."""
    changed = await actions.change_client(
        session, caller, client_id=client_id, version=version, content=content
    )
    request.app.state.verify.forget_all()
    return await _read(session, changed, response)


@router.post(f"{ONE}/termination", operation_id="end_client", response_model_exclude_none=True)
async def end_client(
    caller: ChangingClients, client_id: UUID, session: Writing, request: Request, response: Response
) -> ClientRead:
    """The kill switch: its tokens open nothing any more, everywhere within a minute. It stays ended."""
    ended = await actions.end_client(session, caller, client_id=client_id)
    request.app.state.verify.forget_all()
    return await _read(session, ended, response)


@router.post(SECRETS, operation_id="add_secret", status_code=201, response_model_exclude_none=True)
async def add_secret(caller: ChangingClients, client_id: UUID, session: Writing) -> NewSecret:
    """A new secret, shown here and never again. Two may be valid at a time: change over, then end the old."""
    client = await actions.client_to_open(session, caller, client_id=client_id)
    secret, shown = await access.add_secret(session, caller.who, client)
    told = dict(read_secret(secret))
    return NewSecret(**told, client_id=client_id, client_secret=shown)


@router.post(
    f"{SECRETS}/{{secret_id}}/termination", operation_id="end_secret", response_model_exclude_none=True
)
async def end_secret(
    caller: ChangingClients, client_id: UUID, secret_id: UUID, session: Writing
) -> SecretRead:
    """End a secret: no token is given for it any more; those given run out by themselves."""
    client = await actions.client_to_close(session, client_id=client_id)
    return read_secret(await access.end_secret(session, caller.who, client, secret_id))


@router.post(KEYS, operation_id="add_key", status_code=201, response_model_exclude_none=True)
async def add_key(caller: ChangingClients, client_id: UUID, given: KeyCreate, session: Writing) -> KeyRead:
    """Register a public key for `private_key_jwt`; two may be valid at a time."""
    client = await actions.client_to_open(session, caller, client_id=client_id)
    return read_key(await access.add_key(session, caller.who, client, given))


@router.post(f"{KEYS}/{{key_id}}/termination", operation_id="end_key", response_model_exclude_none=True)
async def end_key(caller: ChangingClients, client_id: UUID, key_id: UUID, session: Writing) -> KeyRead:
    """End a key: no token is given for it any more; those given run out by themselves."""
    client = await actions.client_to_close(session, client_id=client_id)
    return read_key(await access.end_key(session, caller.who, client, key_id))


async def _read(session: AsyncSession, client: Client, response: Response) -> ClientRead:
    response.headers["ETag"] = f'"{client.version}"'
    return (await queries.read_clients(session, [client]))[0]
