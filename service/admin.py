"""The administrator's commands, put together: `python -m service admin …`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.access import rotation
from service.access.tokens import signer_from
from service.administration import commands as partners
from service.caller import ACTOR_FORM
from service.database import Database
from service.errors import Problem
from service.intake import rotation as sealing
from service.keys import MissingKey, new_signing_pem
from service.pseudonyms.sealing import Sealer
from service.settings import load_settings
from service.statistics.administration import fix_areas
from service.trail import Who, append, entry

Actor = Annotated[str, typer.Option(help="Your staff id, for the trail.")]

sealing_key = typer.Typer(no_args_is_help=True, help="Rotate the keys of the sealed side.")
signing_key = typer.Typer(no_args_is_help=True, help="Rotate the key that signs access tokens.")
commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Functional management, on the register's own machine.",
)
commands.add_typer(partners.organisation, name="organisation")
commands.add_typer(partners.client, name="client")
commands.add_typer(partners.secret, name="secret")
commands.add_typer(partners.key, name="key")
commands.add_typer(signing_key, name="signing-key")
commands.add_typer(sealing_key, name="sealing-key")


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
        _check_actor(actor)
        typer.echo(asyncio.run(rotate()))


@sealing_key.command("list")
def list_sealing_keys(actor: Actor) -> None:
    """The labels, oldest first, how many values are sealed under each, and the one in use."""

    async def states(session: AsyncSession, _: Path, __: Who) -> str:
        return "\n".join(
            f"{key.label}  {key.sealed}{'  in use' if key.in_use else ''}"
            for key in await sealing.key_states(session)
        )

    _seal(actor, states)


@sealing_key.command("make")
def make_sealing_key(actor: Actor) -> None:
    """Make the keys of a new label. Every machine needs their files before they come into use."""
    _seal(actor, lambda session, folder, who: sealing.make_key(session, who, folder))


@sealing_key.command("use")
def use_sealing_key(label: str, actor: Actor) -> None:
    """Seal under this label from now on."""

    async def use(session: AsyncSession, folder: Path, who: Who) -> str:
        await sealing.use_key(session, who, folder, label)
        return label

    _seal(actor, use)


@sealing_key.command("rekey")
def rekey_sealed(actor: Actor) -> None:
    """Seal anew what is sealed under another label, while posts go on; may be ended and begun again."""

    async def rekey() -> int:
        settings = load_settings()
        database, done = Database(settings.database_url, pool_size=1), 0
        try:
            async with database.reading() as session:
                total = sum(key.sealed for key in await sealing.key_states(session) if not key.in_use)
            with Progress(disable=not sys.stderr.isatty()) as progress:
                task = progress.add_task("re-keying", total=total)
                async for count in sealing.rekey(database, Sealer(settings.key_dir)):
                    done += count
                    progress.advance(task, count)
            async with database.writing() as session:
                who = Who(role="administrator", actor=actor)
                await append(session, [entry(who, "sealing-key.rekey", sealing.ACTIVITY, times=max(1, done))])
        finally:
            await database.close()
        return done

    with _refusals_told():
        _check_actor(actor)
        typer.echo(asyncio.run(rekey()))


@sealing_key.command("delete")
def delete_sealing_key(label: str, actor: Actor) -> None:
    """Delete the keys of a label that nothing is sealed under any more; those on other machines are yours to delete."""

    async def delete(session: AsyncSession, folder: Path, who: Who) -> str:
        await sealing.delete_key(session, who, folder, label)
        return label

    _seal(actor, delete)


def _seal(actor: str, step: Callable[[AsyncSession, Path, Who], Awaitable[str]]) -> None:
    """Take a step with the sealing keys in one transaction, and print what it tells."""

    async def take() -> str:
        settings = load_settings()
        database = Database(settings.database_url, pool_size=1)
        try:
            async with database.writing() as session:
                return await step(session, settings.key_dir, Who(role="administrator", actor=actor))
        finally:
            await database.close()

    with _refusals_told():
        _check_actor(actor)
        typer.echo(asyncio.run(take()))


def _check_actor(actor: str) -> None:
    if not ACTOR_FORM.match(actor):
        raise ValueError("--actor is 4–64 of letters, digits, dot, underscore, dash")


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError:
        reason = "the register's database is away or not migrated"
    except (ValueError, OSError, MissingKey) as refused:
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
