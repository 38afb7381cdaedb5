"""The key service's commands: `python -m service keyservice …`, on its own machine."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import typer
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import trail
from service.access import actions as access
from service.access import queries as clients
from service.access.models import Client, KeyCreate, NewSecret
from service.access.roles import PARTNER
from service.caller import Caller
from service.console import Act, Actor, refusals_told, tell
from service.errors import NotFound
from service.keys import MissingKey
from service.keyservice.app import create_key_service
from service.keyservice.epochs import begin_next, make_missing_keys, newest
from service.keyservice.models import PartnerRead
from service.keyservice.settings import load_key_service_settings
from service.settings import UnsafeSettings
from service.shell import serve_until_ended

ACTIVITY = "pseudonymisation"

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The key service, run by another party.",
)
client = typer.Typer(no_args_is_help=True, help="Clients of partners: add, list, end.")
secret = typer.Typer(no_args_is_help=True, help="Secrets of a client: two may be valid at a time.")
key = typer.Typer(no_args_is_help=True, help="Public keys of a client, for private_key_jwt.")
commands.add_typer(client, name="client")
commands.add_typer(secret, name="secret")
commands.add_typer(key, name="key")


@commands.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8100,
) -> None:
    """Serve evaluations with the settings of the environment (SIGNAL_KEYSERVICE_…)."""
    try:
        settings = load_key_service_settings()
        app = create_key_service(settings)
    except (UnsafeSettings, MissingKey) as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(2) from None
    serve_until_ended(app, host=host, port=port, trusted_proxies=settings.trusted_proxies)


@commands.command()
def keys() -> None:
    """Make the keys that are missing: that of the first epoch, and one that signs access tokens."""
    with refusals_told():
        make_missing_keys(load_key_service_settings().key_dir)


@commands.command()
def epoch(
    actor: Actor,
    new: Annotated[bool, typer.Option("--new", help="After a compromise: begin the next epoch.")] = False,
) -> None:
    """The epoch in use; with --new the next one, for which every partner makes its tokens again."""

    class Told(BaseModel):
        epoch: int

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        folder = load_key_service_settings().key_dir
        if not new:
            return Told(epoch=newest(folder))
        row = trail.entry(caller.who, "epoch.begin", ACTIVITY, "epoch", newest(folder) + 1)
        await trail.append(session, [row])
        return Told(epoch=begin_next(folder))

    _tell(actor, act)


@client.command("add")
def add_client(
    name: str,
    organisation: Annotated[UUID, typer.Option(help="The partner's id in the register: /v1/me tells it.")],
    actor: Actor,
) -> None:
    """Add a client of a partner. Then give it a secret (`secret add`) or register its key (`key add`)."""

    async def act(session: AsyncSession, caller: Caller) -> BaseModel:
        added = await access.add_client(
            session, caller.who, organisation_id=organisation, name=name, role=PARTNER
        )
        return _read(added)

    _tell(actor, act)


@client.command("list")
def list_clients(actor: Actor) -> None:
    """Every client, one a line."""

    async def act(session: AsyncSession, caller: Caller) -> list[PartnerRead]:
        return [_read(one) for one in await session.scalars(select(Client).order_by(Client.__table__.c.id))]

    _tell(actor, act)


@client.command("end")
def end_client(client_id: UUID, actor: Actor) -> None:
    """The kill switch: works in every process within a minute."""

    async def act(session: AsyncSession, caller: Caller, its_client: Client) -> BaseModel:
        await access.end_clients(session, caller.who, [its_client])
        return _read(its_client)

    _tell(actor, _about(client_id, act))


@secret.command("add")
def add_secret(client_id: UUID, actor: Actor) -> None:
    """A new secret: shown here and never again."""

    async def act(session: AsyncSession, caller: Caller, its_client: Client) -> BaseModel:
        added, shown = await access.add_secret(session, caller.who, its_client)
        return NewSecret(**dict(clients.read_secret(added)), client_id=client_id, client_secret=shown)

    _tell(actor, _about(client_id, act))


@secret.command("end")
def end_secret(client_id: UUID, secret_id: UUID, actor: Actor) -> None:
    """End a secret of a client."""

    async def act(session: AsyncSession, caller: Caller, its_client: Client) -> BaseModel:
        return clients.read_secret(await access.end_secret(session, caller.who, its_client, secret_id))

    _tell(actor, _about(client_id, act))


@key.command("add")
def add_key(client_id: UUID, pem: typer.FileText, actor: Actor) -> None:
    """Register a public key from a PEM file."""

    async def act(session: AsyncSession, caller: Caller, its_client: Client) -> BaseModel:
        given = KeyCreate.model_validate({"pem": pem.read()})
        return clients.read_key(await access.add_key(session, caller.who, its_client, given))

    _tell(actor, _about(client_id, act))


@key.command("end")
def end_key(client_id: UUID, key_id: UUID, actor: Actor) -> None:
    """End a key of a client."""

    async def act(session: AsyncSession, caller: Caller, its_client: Client) -> BaseModel:
        return clients.read_key(await access.end_key(session, caller.who, its_client, key_id))

    _tell(actor, _about(client_id, act))


def _about(client_id: UUID, act: Callable[[AsyncSession, Caller, Client], Awaitable[BaseModel]]) -> Act:
    async def about(session: AsyncSession, caller: Caller) -> BaseModel:
        its_client = await session.get(Client, client_id, with_for_update=True)
        if its_client is None:
            raise NotFound
        return await act(session, caller, its_client)

    return about


def _read(its_client: Client) -> PartnerRead:
    return PartnerRead(
        id=its_client.id,
        organisation=its_client.organisation_id,
        name=its_client.name,
        created_at=its_client.created_at,
        ended_at=its_client.ended_at,
    )


def _tell(actor: str, act: Act) -> None:
    tell(load_key_service_settings, actor, act)
