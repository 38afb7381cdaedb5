"""Functional management on the register's own machine: `python -m service admin …`.

The first administrator can only be made here. Every command goes through the same actions as the API, and
says who acts (`--actor`) for the trail. What it tells is JSON.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from service.access import actions as access
from service.access import queries as clients
from service.access.models import ClientChange, ClientCreate, KeyCreate, NewSecret
from service.access.roles import ROLE_SCOPES
from service.administration import actions
from service.caller import Caller
from service.console import Act, Actor, tell
from service.organisations import queries as organisations
from service.organisations.models import OrganisationChange, OrganisationCreate
from service.paging import MAX_LIMIT
from service.settings import load_settings

organisation = typer.Typer(no_args_is_help=True, help="Organisations: add, list, change, end.")
client = typer.Typer(no_args_is_help=True, help="Clients: add, list, change, end.")
secret = typer.Typer(no_args_is_help=True, help="Secrets of a client: two may be valid at a time.")
key = typer.Typer(no_args_is_help=True, help="Public keys of a client, for private_key_jwt.")

Municipalities = Annotated[list[str], typer.Option("--municipality", help="Its territory, as GM0794.")]
Function = Annotated[str | None, typer.Option(help="Whom a contact point phones: a function, never a name.")]
Phone = Annotated[str | None, typer.Option(help="The phone of that function.")]
Scopes = Annotated[list[str], typer.Option("--scope", help="Fewer scopes than its role has.")]


@organisation.command("add")
def add_organisation(
    name: str,
    actor: Actor,
    type: Annotated[str, typer.Option()],
    oin: Annotated[str | None, typer.Option()] = None,
    function: Function = None,
    phone: Phone = None,
) -> None:
    """Add an organisation; its type is a code of the list org_type."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        given = {"name": name, "type": type, "oin": oin, "function": function, "phone": phone}
        content = OrganisationCreate.model_validate(given)
        added = await actions.add_organisation(session, caller, content=content)
        return organisations.read_organisation(added)

    _tell(actor, act)


@organisation.command("list")
def list_organisations(actor: Actor) -> None:
    """Every organisation, one a line."""
    _tell(actor, lambda session, _: _all(organisations.organisations_page, session, type=None))


@organisation.command("change")
def change_organisation(
    organisation_id: UUID,
    name: str,
    actor: Actor,
    oin: Annotated[str | None, typer.Option()] = None,
    function: Function = None,
    phone: Phone = None,
) -> None:
    """Replace its name, OIN, function and phone."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        present = await organisations.get_organisation(session, organisation_id)
        given = {"name": name, "oin": oin, "function": function, "phone": phone}
        content = OrganisationChange.model_validate(given)
        changed = await actions.change_organisation(
            session, caller, organisation_id=organisation_id, version=present.version, content=content
        )
        return organisations.read_organisation(changed)

    _tell(actor, act)


@organisation.command("end")
def end_organisation(organisation_id: UUID, actor: Actor) -> None:
    """End it for good, with its contact points and clients."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        ended = await actions.end_organisation(session, caller, organisation_id=organisation_id)
        return organisations.read_organisation(ended)

    _tell(actor, act)


@client.command("add")
def add_client(
    name: str,
    organisation: Annotated[UUID, typer.Option()],
    role: Annotated[str, typer.Option()],
    actor: Actor,
    municipality: Municipalities = [],  # noqa: B006
    scope: Scopes = [],  # noqa: B006
) -> None:
    """Add a client. Then give it a secret (`admin secret add`) or register its key (`admin key add`)."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        told = {"name": name, "organisation": organisation, "role": role}
        content = ClientCreate.model_validate({**told, **_rights(scope, municipality)})
        added = await actions.add_client(session, caller, content=content)
        return (await clients.read_clients(session, [added]))[0]

    _tell(actor, act)


@client.command("list")
def list_clients(actor: Actor) -> None:
    """Every client, one a line, with when it was last used."""
    _tell(actor, lambda session, _: _all(clients.clients_page, session, organisation=None))


@client.command("change")
def change_client(
    client_id: UUID,
    name: str,
    actor: Actor,
    municipality: Municipalities = [],  # noqa: B006
    scope: Scopes = [],  # noqa: B006
) -> None:
    """Replace its name, scopes (none named: all of its role) and territory (none named: everywhere)."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        present = await clients.get_client(session, client_id)
        content = ClientChange.model_validate({"name": name, **_rights(scope, municipality)})
        changed = await actions.change_client(
            session, caller, client_id=client_id, version=present.version, content=content
        )
        return (await clients.read_clients(session, [changed]))[0]

    _tell(actor, act)


@client.command("end")
def end_client(client_id: UUID, actor: Actor) -> None:
    """The kill switch: works in every process within a minute."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        ended = await actions.end_client(session, caller, client_id=client_id)
        return (await clients.read_clients(session, [ended]))[0]

    _tell(actor, act)


@secret.command("add")
def add_secret(client_id: UUID, actor: Actor) -> None:
    """A new secret: shown here and never again."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        its_client = await actions.client_to_open(session, caller, client_id=client_id)
        added, shown = await access.add_secret(session, caller.who, its_client)
        return NewSecret(**dict(clients.read_secret(added)), client_id=client_id, client_secret=shown)

    _tell(actor, act)


@secret.command("end")
def end_secret(client_id: UUID, secret_id: UUID, actor: Actor) -> None:
    """End a secret of a client."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        its_client = await actions.client_to_close(session, client_id=client_id)
        return clients.read_secret(await access.end_secret(session, caller.who, its_client, secret_id))

    _tell(actor, act)


@key.command("add")
def add_key(client_id: UUID, pem: typer.FileText, actor: Actor) -> None:
    """Register a public key from a PEM file."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        its_client = await actions.client_to_open(session, caller, client_id=client_id)
        given = KeyCreate.model_validate({"pem": pem.read()})
        return clients.read_key(await access.add_key(session, caller.who, its_client, given))

    _tell(actor, act)


@key.command("end")
def end_key(client_id: UUID, key_id: UUID, actor: Actor) -> None:
    """End a key of a client."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        its_client = await actions.client_to_close(session, client_id=client_id)
        return clients.read_key(await access.end_key(session, caller.who, its_client, key_id))

    _tell(actor, act)


def _rights(scopes: list[str], municipalities: list[str]) -> dict[str, Any]:
    return {"municipalities": municipalities, **({"scopes": scopes} if scopes else {})}


async def _all(
    page_of: Callable[..., Awaitable[Any]], session: AsyncSession, **which: Any
) -> list[BaseModel]:
    page = await page_of(session, **which, cursor=None, limit=MAX_LIMIT)
    items = list(page.items)
    while page.next_cursor is not None:
        page = await page_of(session, **which, cursor=page.next_cursor, limit=MAX_LIMIT)
        items += page.items
    return items


def _tell(actor: str, act: Act) -> None:
    """Do it on the register's database and print what came of it."""
    tell(load_settings, actor, act, ROLE_SCOPES["administrator"])
