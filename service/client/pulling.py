"""`client pull`: a contact point or a recipient works its queue, from claiming a referral to closing it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from service.client import telling
from service.client.connection import Connection
from service.client.running import SettingsFile, connected, settings_of, told_briefly
from service.client.settings import ClientSettings

Actor = Annotated[str | None, typer.Option(help="Your staff id; or SIGNAL_CLIENT_ACTOR.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, a referral a line.")]
Version = Annotated[int | None, typer.Option(help="The version that you saw.")]
Language = Annotated[str, typer.Option(help="nl or en.")]

commands = typer.Typer(no_args_is_help=True, help="Work a queue, from claiming a referral to closing it.")


@commands.command("claim")
def claim(
    settings_file: SettingsFile = None,
    actor: Actor = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    lease_seconds: Annotated[int, typer.Option(help="How long they are yours.")] = 900,
    wait: Annotated[int, typer.Option(min=0, max=30, help="Seconds to wait for the first one.")] = 0,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Claim the most urgent referrals of your queue and show them."""

    async def act(register: Connection) -> list[dict[str, Any]]:
        return await register.claim(limit=limit, leaseSeconds=lease_seconds, wait=wait)

    _pull(settings_file, actor, act, as_json, language)


@commands.command("show")
def show(
    referral: Annotated[str | None, typer.Argument(help="One; without it all of a status.")] = None,
    settings_file: SettingsFile = None,
    actor: Actor = None,
    status: Annotated[str | None, typer.Option(help="WAITING, CLAIMED, ACCEPTED …")] = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Show referrals of your queue."""

    async def act(register: Connection) -> list[dict[str, Any]]:
        if referral is not None:
            return [await register.get(f"/v1/referrals/{referral}")]
        query = {"status": status} if status else {}
        return [one async for one in register.pages("/v1/referrals", limit=200, **query)]

    _pull(settings_file, actor, act, as_json, language)


@commands.command("accept")
def accept(
    referral: str,
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Accept a referral that you claimed."""
    _step(settings_file, actor, referral, version, "acceptance", None, as_json, language)


@commands.command("release")
def release(
    referral: str,
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Put a referral that you claimed back into the queue."""
    _step(settings_file, actor, referral, version, "release", None, as_json, language)


@commands.command("assign")
def assign(
    referral: str,
    colleague: Annotated[str, typer.Argument(help="The opaque staff id of who goes on with it.")],
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Let a colleague go on with a referral that was accepted."""
    _step(settings_file, actor, referral, version, "assignment", {"actor": colleague}, as_json, language)


@commands.command("return")
def hand_back(
    referral: str,
    reason: Annotated[str, typer.Argument(help="A code of the list return_reason.")],
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Return a referral: to the covering contact point, or to the one that forwarded it."""
    _step(settings_file, actor, referral, version, "return", {"reason": reason}, as_json, language)


@commands.command("ask")
def ask(
    referral: str,
    text: Annotated[str | None, typer.Argument(help="The question, in words that name nobody.")] = None,
    permission_for: Annotated[
        str | None, typer.Option(help="Ask instead whether it may go to this kind of organisation.")
    ] = None,
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Ask the reporter for more, or for permission to forward."""
    body = {"kind": "INFORMATION", "text": text}
    if permission_for is not None:
        body = {"kind": "PERMISSION", "organisationType": permission_for, "text": text}
    _step(settings_file, actor, referral, version, "questions", body, as_json, language)


@commands.command("forward")
def forward(
    referral: str,
    organisation: Annotated[str, typer.Argument(help="The id of the recipient.")],
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    person: Annotated[
        list[int] | None, typer.Option(help="Only this person, by its place; 0 is the first.")
    ] = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Forward a referral that you accepted; the recipient gets what the agreement opens."""
    body = {"organisation": organisation, **({"persons": person} if person else {})}
    _step(settings_file, actor, referral, version, "forwarding", body, as_json, language)


@commands.command("recall")
def recall(
    referral: str,
    child: Annotated[str, typer.Argument(help="The id of what the recipient has, from `children`.")],
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Take back from a recipient what was forwarded."""
    _step(settings_file, actor, referral, version, "recall", {"child": child}, as_json, language)


@commands.command("close")
def close(
    referral: str,
    outcome: Annotated[str, typer.Argument(help="A code of the list referral_outcome.")],
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Version = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Answer a referral that you accepted with its outcome: it is closed."""
    _step(settings_file, actor, referral, version, "closure", {"outcome": outcome}, as_json, language)


def _step(
    settings_file: Path | None,
    actor: str | None,
    referral: str,
    version: int | None,
    step: str,
    body: dict[str, Any] | None,
    as_json: bool,
    language: str,
) -> None:
    async def act(register: Connection) -> list[dict[str, Any]]:
        seen = version or (await register.get(f"/v1/referrals/{referral}"))["version"]
        return [await register.step({"id": referral, "version": seen}, step, body)]

    _pull(settings_file, actor, act, as_json, language)


def _pull(
    settings_file: Path | None,
    actor: str | None,
    act: Callable[[Connection], Awaitable[list[dict[str, Any]]]],
    as_json: bool,
    language: str,
) -> None:
    if language not in telling.WORDS:
        raise typer.BadParameter("nl or en")

    async def work(settings: ClientSettings) -> list[dict[str, Any]]:
        async with connected(settings, settings.register(), actor or settings.actor) as register:
            return await act(register)

    with told_briefly():
        for one in asyncio.run(work(settings_of(settings_file))):
            lines = [json.dumps(one)] if as_json else telling.referral_lines(one, language)
            for line in lines:
                typer.echo(line)
