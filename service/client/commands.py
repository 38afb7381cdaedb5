"""The partner's commands: `python -m service client post|pull|token|spool`.

Settings come from the environment (SIGNAL_CLIENT_…) or from a file of them (`--settings`). What a person reads goes
to stderr, what a program reads to stdout. Exit codes: 0 all is done; 1 somebody has to look; 2 the command was
wrong, nothing was done; 75 run it again later.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from service.client import hearing, pulling
from service.client.columns import ColumnMap, WrongColumns, read_map
from service.client.listening import listen_on, tokens_of_lines
from service.client.posting import Poster
from service.client.reading import NO_MAP, Form, Record, Unreadable, form_of, records
from service.client.retokening import retoken
from service.client.running import LATER, LOOK, SettingsFile, connected, settings_of, tell, told_briefly
from service.client.sending import Sender, Summary
from service.client.settings import ClientSettings, NotSet
from service.client.spool import REFUSED, WAITING, Damaged, Line, Spool, folder_files
from service.client.state import Pins, key_of
from service.client.tokens import Tokens
from service.client.values import dutch_today

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The client of a partner.",
)
commands.add_typer(pulling.commands, name="pull")
commands.add_typer(hearing.commands, name="hear")


@commands.command()
def post(
    file: Annotated[str, typer.Argument(help="JSON, NDJSON or CSV; - for standard input.")],
    settings_file: SettingsFile = None,
    form: Annotated[str | None, typer.Option("--format", help="json, ndjson or csv.")] = None,
    columns: Annotated[Path | None, typer.Option(help="Column map (TOML) of a CSV file.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a CSV file; else it is found.")] = None,
    encoding: Annotated[str, typer.Option(help="utf-8 (with or without BOM), cp1252 …")] = "utf-8-sig",
    patience: Annotated[float, typer.Option(help="Seconds to try again before spooling.")] = 75.0,
    first: Annotated[
        int, typer.Option("--from", min=1, help="Pass over the lines before this one: leftFrom of a run.")
    ] = 1,
    new_epoch: Annotated[
        bool, typer.Option("--new-epoch", help="After a new epoch: nothing in this file was posted before.")
    ] = False,
    retoken_own: Annotated[
        bool, typer.Option("--retoken", help="After a new epoch: correct your own signals by these records.")
    ] = False,
) -> None:
    """Post signals: tokens are made here, identifiers go nowhere; what cannot be sent now waits in the spool."""
    with told_briefly(), _source(file, encoding) as source:
        settings = settings_of(settings_file)
        read = records(source, _form(form, file), columns=_columns(columns), delimiter=delimiter)
        given = (record for record in read if record.line >= first)
        if retoken_own:
            raise typer.Exit(asyncio.run(_retoken(settings, given, patience)))
        name = "standard input" if file == "-" else Path(file).name
        raise typer.Exit(asyncio.run(_post(settings, given, name, patience, new_epoch)))


@commands.command()
def spool(
    settings_file: SettingsFile = None,
    retry_refused: Annotated[
        bool, typer.Option("--retry-refused", help="Post the refused ones again: the reason is gone.")
    ] = False,
    drop_refused: Annotated[
        bool, typer.Option("--drop-refused", help="Forget the refused ones: somebody has looked.")
    ] = False,
    patience: Annotated[float, typer.Option(help="Seconds to try again.")] = 10.0,
) -> None:
    """Deliver what waits in the spool, and tell what was refused there."""
    with told_briefly():
        raise typer.Exit(
            asyncio.run(_deliver(settings_of(settings_file), retry_refused, drop_refused, patience))
        )


@commands.command()
def token(
    settings_file: SettingsFile = None,
    listen: Annotated[int | None, typer.Option(help="Port of 127.0.0.1 on which a helper listens.")] = None,
    patience: Annotated[float, typer.Option(help="Seconds to wait for the key service.")] = 10.0,
) -> None:
    """Make tokens: of persons on standard input (a JSON object a line), or as a helper for other systems."""
    with told_briefly():
        settings = settings_of(settings_file)
        if listen is None:
            raise typer.Exit(asyncio.run(tokens_of_lines(settings, sys.stdin, patience)))
        asyncio.run(listen_on(settings, listen, patience))


async def _post(
    settings: ClientSettings, given: Iterator[Record], name: str, patience: float, new_epoch: bool
) -> int:
    async with _poster(settings, patience) as poster:
        poster.source, poster.new_epoch = name, new_epoch
        with _progress(poster):
            summary = await poster.run(given)
        return _summed_up(summary, poster.spool)


async def _retoken(settings: ClientSettings, given: Iterator[Record], patience: float) -> int:
    async with _poster(settings, patience) as poster:
        if poster.tokens is None:
            raise NotSet("SIGNAL_CLIENT_KEY_SERVICE_URL is not set")
        done = await retoken(
            given,
            register=poster.sender.register,
            tokens=poster.tokens,
            state=settings.state_dir,
            tell=tell,
            today=poster.today,
        )
        typer.echo(json.dumps(done.as_json()))
        return done.exit_code


async def _deliver(settings: ClientSettings, retry_refused: bool, drop_refused: bool, patience: float) -> int:
    async with _poster(settings, patience) as poster:
        for file, lines in _refused(poster.spool) if retry_refused else ():
            poster.spool.keep(lines)
            poster.spool.drop(file)
        summary = await poster.run(iter(()))
        for file, lines in _refused(poster.spool):
            for line in lines:
                told = "; ".join(f"{fault['pointer'] or '/'} {fault['code']}" for fault in line.faults)
                tell(f"refused earlier: {line.source} line {line.line}: {told}")
            if drop_refused:
                poster.spool.drop(file)
        return _summed_up(summary, poster.spool)


def _refused(its_spool: Spool) -> Iterator[tuple[Path, list[Line]]]:
    """The files of what was refused, with their lines; one that is damaged is told and passed over."""
    for file in its_spool.files(REFUSED):
        try:
            lines = its_spool.lines_of(file)
        except Damaged as damaged:
            tell(str(damaged))
            continue
        if lines:
            yield file, lines


def _summed_up(summary: Summary, its_spool: Spool) -> int:
    """Print the summary, with what the spool holds beside it; the exit code."""
    waiting, refused = len(its_spool.files()), len(its_spool.files(REFUSED))
    typer.echo(json.dumps(summary.as_json() | {"spoolFiles": waiting, "refusedFiles": refused}))
    if summary.left_from is not None:
        tell(
            f"what was left begins at line {summary.left_from}: post it again with --from {summary.left_from}"
        )
    if summary.exit_code == LOOK or refused:
        return LOOK
    return summary.exit_code or (LATER if waiting else 0)


@asynccontextmanager
async def _poster(settings: ClientSettings, patience: float) -> AsyncIterator[Poster]:
    """All that posting works with; raises `NotSet`, `NoState` before anything is sent."""
    waits = any(folder_files(settings.spool, kind) for kind in (WAITING, REFUSED))
    if not settings.key.exists() and not waits:
        tell(f"a key of this client's own is made: {settings.key}")
    key = key_of(settings.key, may_be_new=not waits)
    its_spool = Spool(settings.spool, key)
    its_spool.check()
    async with connected(settings, settings.register(), settings.actor) as register:
        poster = Poster(Sender(register, patience), None, its_spool, key, tell, dutch_today())
        if settings.key_service_url is None:
            yield poster
            return
        async with connected(settings, settings.key_service()) as key_service:
            poster.tokens = Tokens(key_service, Pins(settings.state_dir / "key-checks.json"), patience)
            yield poster


@contextmanager
def _progress(poster: Poster) -> Iterator[None]:
    """How far it is: a moving line on a terminal, plain lines elsewhere."""
    summary = poster.summary
    if not sys.stderr.isatty():
        poster.advanced = lambda: tell(f"{summary.read} records read, {summary.registered} registered")
        yield
        return
    shown = (TextColumn("{task.completed} records"), TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)
        poster.advanced = lambda: progress.update(task, completed=summary.read)
        yield


@contextmanager
def _source(file: str, encoding: str) -> Iterator[TextIO]:
    if file == "-":
        sys.stdin.reconfigure(encoding=encoding)  # type: ignore[union-attr]
        yield sys.stdin
        return
    try:
        source = Path(file).open(encoding=encoding, newline="")  # noqa: SIM115  (only what opens it is told here)
    except (OSError, LookupError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such encoding"
        raise Unreadable(f"{file}: {reason}") from None
    with source:
        yield source


def _form(told: str | None, file: str) -> Form:
    if told is None:
        return form_of(file)
    if told not in ("json", "ndjson", "csv"):
        raise Unreadable("a format is json, ndjson or csv")
    return told  # type: ignore[return-value]


def _columns(file: Path | None) -> ColumnMap:
    if file is None:
        return NO_MAP
    try:
        return read_map(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongColumns(f"{file} cannot be read: {type(error).__name__}") from None
