"""`client hear`: a reporter hears what became of its signals, and answers questions."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from service.client.connection import Connection
from service.client.running import SettingsFile, connected, settings_of, told_briefly
from service.vocabulary.lists import label

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one thing a line.")]
Language = Annotated[str, typer.Option(help="nl or en.")]

commands = typer.Typer(no_args_is_help=True, help="Hear what became of your signals, and answer questions.")


@commands.command("feedback")
def feedback(
    signal: Annotated[str, typer.Argument(help="The id of a signal of yours.")],
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Show what was heard about a signal, with the questions about it."""

    async def act(register: Connection) -> list[dict[str, Any]]:
        return list((await register.get(f"/v1/signals/{signal}/feedback"))["items"])

    _hear(settings_file, act, as_json, language)


@commands.command("events")
def events(
    settings_file: SettingsFile = None,
    after: Annotated[str | None, typer.Option(help="Where the last call ended, as it told.")] = None,
    wait: Annotated[int, typer.Option(min=0, max=30, help="Seconds to wait for the first one.")] = 0,
    actor: Annotated[str | None, typer.Option(help="Your staff id, unless you are a reporter.")] = None,
) -> None:
    """Print what happened since, as JSON lines, and then where to go on: `{"after": …}`."""

    async def act(register: Connection) -> list[dict[str, Any]]:
        found, end = await register.events(after, wait=wait)
        return [*found, {"after": end}]

    _hear(settings_file, act, True, "en", actor)


@commands.command("answer")
def answer(
    signal: Annotated[str, typer.Argument(help="The id of a signal of yours.")],
    question: Annotated[str, typer.Argument(help="The id of the question.")],
    text: Annotated[str | None, typer.Argument(help="The answer, in words that name nobody.")] = None,
    permit: Annotated[bool | None, typer.Option(help="To a question for permission.")] = None,
    settings_file: SettingsFile = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Answer a question; the same answer again changes nothing."""
    given = {"question": question, "text": text, "permitted": permit}

    async def act(register: Connection) -> list[dict[str, Any]]:
        body = {name: value for name, value in given.items() if value is not None}
        return [{"question": await register.call("POST", f"/v1/signals/{signal}/answers", json=body)}]

    _hear(settings_file, act, as_json, language)


def _hear(
    settings_file: Path | None,
    act: Callable[[Connection], Awaitable[list[dict[str, Any]]]],
    as_json: bool,
    language: str,
    actor: str | None = None,
) -> None:
    if language not in ("nl", "en"):
        raise typer.BadParameter("nl or en")

    async def work() -> list[dict[str, Any]]:
        settings = settings_of(settings_file)
        async with connected(settings, settings.register(), actor or settings.actor) as register:
            return await act(register)

    with told_briefly():
        for one in asyncio.run(work()):
            for line in [json.dumps(one)] if as_json else _lines(one, language):
                typer.echo(line)


def _lines(heard: dict[str, Any], language: str) -> Iterator[str]:
    """One thing heard, with labels instead of codes."""
    if "code" in heard:
        yield f"{heard['at']}  {label('feedback_code', heard['code'], language)}"
    if heard.get("organisationType"):
        yield f"  {label('org_type', heard['organisationType'], language)}"
    if heard.get("reason"):
        yield f"  {label('referral_outcome', heard['reason'], language)}"
    if question := heard.get("question"):
        told = question.get("text") or label("question_kind", question["kind"], language)
        yield f"  {question['id']}  {told}  ({question['dueOn']})"
        if "answeredAt" in question:
            yield f"  → {question.get('answer') or question.get('permitted')}"
