"""The administrator's commands, put together: `python -m service admin …`."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from service import clock
from service.access import rotation
from service.administration import commands as partners
from service.database import Database
from service.errors import Problem
from service.settings import load_settings
from service.statistics.administration import fix_areas
from service.trail import Who, append, entry

Actor = Annotated[str, typer.Option(help="Your staff id, for the trail.")]

signing_key = typer.Typer(no_args_is_help=True, help="Rotate the key that signs access tokens.")
commands = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Functional management, on the register's own machine."
)
commands.add_typer(partners.organisation, name="organisation")
commands.add_typer(partners.client, name="client")
commands.add_typer(partners.secret, name="secret")
commands.add_typer(partners.key, name="key")
commands.add_typer(signing_key, name="signing-key")


@signing_key.command("list")
def list_signing_keys() -> None:
    """The published keys, oldest first; the one that signs is marked."""
    for key in rotation.published_keys(load_settings().key_dir):
        typer.echo(f"{key.kid}  {key.file}{'  signs' if key.signs else ''}")


@signing_key.command("publish")
def publish_signing_key(actor: Actor) -> None:
    """Make a new key: every process accepts it within seconds; it does not sign yet."""
    _rotate(actor, "signing-key.publish", rotation.publish)


@signing_key.command("sign")
def use_signing_key(actor: Actor) -> None:
    """Let the newest key sign. Whoever keeps a copy of the JWKS should have fetched it again before."""
    _rotate(actor, "signing-key.sign", rotation.sign)


@signing_key.command("retire")
def retire_signing_key(
    kid: str, actor: Actor, now: Annotated[bool, typer.Option("--now", help="It leaked.")] = False
) -> None:
    """Remove a key whose tokens have run out; with --now also one whose tokens have not."""
    _rotate(
        actor,
        "signing-key.retire",
        lambda folder: rotation.retire(folder, kid, at=clock.now(), leaked=now),
    )


def _rotate(actor: str, act: str, step: Callable[[Path], rotation.PublishedKey]) -> None:
    """Take a step in the key folder; a database that is away stops it before anything changed."""

    async def rotate() -> rotation.PublishedKey:
        settings = load_settings()
        database = Database(settings.database_url, pool_size=1)
        try:
            async with database.writing() as session:
                key = step(settings.key_dir)
                who = Who(role="administrator", actor=actor)
                await append(session, [entry(who, act, "access", "signing_key", key.kid)])
                return key
        finally:
            await database.close()

    try:
        key = asyncio.run(rotate())
    except (rotation.NotRotated, OSError) as refused:
        typer.echo(f"not done: {refused}", err=True)
        raise typer.Exit(1) from None
    typer.echo(key.kid)


@commands.command()
def areas(
    year: Annotated[int, typer.Argument(help="A year that has not begun.")],
    alone: Annotated[list[str], typer.Argument(help="The municipalities that stand alone, as GM0794.")],
    actor: Actor,
) -> None:
    """Fix the areas of the statistics of a year; in each region the other municipalities are joined."""
    try:
        asyncio.run(fix_areas(load_settings().database_url, year, alone, actor))
    except (Problem, ValueError, KeyError) as refused:
        typer.echo(f"not set: {refused.detail if isinstance(refused, Problem) else refused}", err=True)
        raise typer.Exit(1) from None
