"""The administrator's commands, put together: `python -m service admin …`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from service import clock
from service.access import rotation
from service.access.tokens import signer_from
from service.administration import commands as partners
from service.caller import ACTOR_FORM
from service.database import Database
from service.errors import Problem
from service.keys import new_signing_pem
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
    with _refusals_told():
        for key in rotation.published_keys(load_settings().key_dir):
            typer.echo(f"{key.kid}  {key.file}{'  signs' if key.signs else ''}")


@signing_key.command("publish")
def publish_signing_key(actor: Actor) -> None:
    """Make a new key: every process accepts it within seconds; it does not sign yet."""
    pem = new_signing_pem()
    kid = signer_from(pem).kid
    _rotate(actor, "signing-key.publish", lambda _: kid, lambda folder: rotation.publish(folder, pem))


@signing_key.command("sign")
def use_signing_key(actor: Actor) -> None:
    """Let the newest key sign. Whoever keeps a copy of the JWKS should have fetched it again before."""
    _rotate(actor, "signing-key.sign", lambda folder: rotation.key_to_sign(folder).kid, rotation.sign)


# One kid in 64 begins with a dash: it is no option.
@signing_key.command("retire", context_settings={"ignore_unknown_options": True})
def retire_signing_key(
    kid: str, actor: Actor, now: Annotated[bool, typer.Option("--now", help="It leaked.")] = False
) -> None:
    """Remove a key whose tokens have run out; with --now also one whose tokens have not."""
    at = clock.now()
    _rotate(
        actor,
        "signing-key.retire",
        lambda folder: rotation.key_to_retire(folder, kid, at=at, leaked=now).kid,
        lambda folder: rotation.retire(folder, kid, at=at, leaked=now),
    )


def _rotate(actor: str, act: str, kid_of: Callable[[Path], str], step: Callable[[Path], object]) -> None:
    """Take a step in the key folder and record it; what refuses it goes to stderr, with exit code 1."""

    async def rotate() -> str:
        settings = load_settings()
        database = Database(settings.database_url, pool_size=1)
        try:
            async with database.writing() as session:
                kid, who = kid_of(settings.key_dir), Who(role="administrator", actor=actor)
                await append(session, [entry(who, act, "access", "signing_key", kid)])
                # Last: a database that is away or refuses the entry leaves the folder as it is.
                step(settings.key_dir)
            return kid
        finally:
            await database.close()

    with _refusals_told():
        if not ACTOR_FORM.match(actor):
            raise rotation.NotRotated("--actor is 4–64 of letters, digits, dot, underscore, dash")
        typer.echo(asyncio.run(rotate()))


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError:
        reason = "the register's database is away or not migrated"
    except (ValueError, OSError) as refused:
        reason = str(refused)
    else:
        return
    typer.echo(f"not done: {reason}", err=True)
    raise typer.Exit(1)


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
