"""The administrator's commands, put together: `python -m service admin …`."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.access import rotation
from service.access.tokens import signer_from
from service.administration import commands as partners
from service.caller import Caller
from service.console import Act, Actor, administrator, refusals_told, tell
from service.database import Database
from service.intake import rotation as sealing
from service.keys import new_signing_pem
from service.pseudonyms.sealing import Sealer
from service.routing.defaults import NAMES, default_rule_sets
from service.routing.table import to_table
from service.settings import load_settings
from service.statistics.actions import set_areas
from service.statistics.areas import standing_alone
from service.trail import append, entry
from service.vocabulary.municipalities import municipalities

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
    with refusals_told():
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


def _rotate(actor: str, name: str, kid_of: Callable[[Path], str], step: Callable[[Path], object]) -> None:
    """Record a step in the key folder and take it; prints the key's kid."""

    async def act(session: AsyncSession, caller: Caller) -> str:
        folder = load_settings().key_dir
        kid = kid_of(folder)
        await append(session, [entry(caller.who, name, "access", "signing_key", kid)])
        # Last: a database that is away or refuses the entry leaves the folder as it is.
        step(folder)
        return kid

    _tell(actor, act)


@sealing_key.command("list")
def list_sealing_keys(actor: Actor) -> None:
    """The labels, oldest first, how many values are sealed under each, and the one in use."""

    async def act(session: AsyncSession, _: Caller) -> list[str]:
        return [
            f"{key.label}  {key.sealed}{'  in use' if key.in_use else ''}"
            for key in await sealing.key_states(session)
        ]

    _tell(actor, act)


@sealing_key.command("make")
def make_sealing_key(actor: Actor) -> None:
    """Make the keys of a new label. Every machine needs their files before they come into use."""
    _tell(actor, lambda session, caller: sealing.make_key(session, caller.who, _key_folder()))


@sealing_key.command("use")
def use_sealing_key(label: str, actor: Actor) -> None:
    """Seal under this label from now on."""
    _tell(actor, lambda session, caller: sealing.use_key(session, caller.who, _key_folder(), label))


@sealing_key.command("rekey")
def rekey_sealed(actor: Actor) -> None:
    """Seal anew what is sealed under another label, while posts go on; may be ended and begun again."""
    with refusals_told():
        typer.echo(asyncio.run(_rekey(administrator(actor))))


async def _rekey(caller: Caller) -> int:
    """Group by group, each in its own transaction; how many values were sealed anew."""
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
            row = entry(caller.who, "sealing-key.rekey", sealing.ACTIVITY, times=max(1, done))
            await append(session, [row])
    finally:
        await database.close()
    return done


@sealing_key.command("delete")
def delete_sealing_key(label: str, actor: Actor) -> None:
    """Delete the keys of a label that nothing is sealed under any more; those on other machines are yours to delete."""
    _tell(actor, lambda session, caller: sealing.delete_key(session, caller.who, _key_folder(), label))


@commands.command()
def areas(
    year: Annotated[int, typer.Argument(help="A year that has not begun.")],
    alone: Annotated[list[str], typer.Argument(help="The municipalities that stand alone, as GM0794.")],
    actor: Actor,
) -> None:
    """Fix the areas of the statistics of a year; in each region the other municipalities are joined."""

    async def act(session: AsyncSession, caller: Caller) -> list[str]:
        if unknown := sorted(set(alone) - municipalities().keys()):
            raise ValueError(f"no municipality: {', '.join(unknown)}")
        await set_areas(session, caller.who, year=year, areas=standing_alone(alone, year))
        return []

    _tell(actor, act)


@commands.command()
def default_rules(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")],
    table: Annotated[bool, typer.Option("--table", help="As CSV, for a spreadsheet.")] = False,
) -> None:
    """Print a default rule set, as the body of a draft or as a table; nothing is changed."""
    if name not in NAMES:
        typer.echo(f"no default rule set of that name: {', '.join(NAMES)}", err=True)
        raise typer.Exit(2)
    content = default_rule_sets()[name]
    told = to_table(content.rules) if table else json.dumps(content.as_json(), indent=2, ensure_ascii=False)
    typer.echo(told.rstrip("\n"))


def _key_folder() -> Path:
    return load_settings().key_dir


def _tell(actor: str, act: Act) -> None:
    tell(load_settings, actor, act)
