"""The partner's commands: `python -m service client post|pull|token|spool`.

Settings come from the environment (SIGNAL_CLIENT_…) or from a file of them (`--settings`). What a person reads goes
to stderr, what a program reads to stdout. Exit codes: 0 all is done; 1 somebody has to look; 2 the command was
wrong, nothing was done; 75 run it again later.
"""

import asyncio
import json
import secrets
import socket
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import httpx
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from service.client import telling
from service.client.bodies import UnfitRecord
from service.client.columns import WrongColumns, read_map
from service.client.connection import Connection, Refused
from service.client.listening import helper, tokens_of
from service.client.posting import Poster, Summary
from service.client.reading import NO_MAP, Form, Record, Unreadable, form_of, records
from service.client.retokening import retoken
from service.client.settings import ClientSettings, NotSet
from service.client.spool import REFUSED, WAITING, Damaged, Spool, folder_files
from service.client.state import NoState, Pins, key_of, make_folder, write_whole
from service.client.tokens import KeyServiceAway, KeyServiceRefuses, KeyServiceWrong, Tokens
from service.client.values import dutch_today

LOOK, WRONG, LATER = 1, 2, 75

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The client of a partner.",
)
pull = typer.Typer(no_args_is_help=True, help="Work a queue: claim, show, accept, forward, close.")
commands.add_typer(pull, name="pull")

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="A file of SIGNAL_CLIENT_… lines.", dir_okay=False)
]
Actor = Annotated[str | None, typer.Option(help="Your staff id; or SIGNAL_CLIENT_ACTOR.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, a referral a line.")]
Language = Annotated[str, typer.Option(help="nl or en.")]


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
    with _told(), _source(file, encoding) as source:
        settings = _settings(settings_file)
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
    with _told():
        raise typer.Exit(
            asyncio.run(_deliver(_settings(settings_file), retry_refused, drop_refused, patience))
        )


@commands.command()
def token(
    settings_file: SettingsFile = None,
    listen: Annotated[int | None, typer.Option(help="Port of 127.0.0.1 on which a helper listens.")] = None,
    patience: Annotated[float, typer.Option(help="Seconds to wait for the key service.")] = 10.0,
) -> None:
    """Make tokens: of persons on standard input (a JSON object a line), or as a helper for other systems."""
    with _told():
        settings = _settings(settings_file)
        if listen is None:
            raise typer.Exit(asyncio.run(_tokens_of_lines(settings, sys.stdin, patience)))
        asyncio.run(_listen(settings, listen, patience))


@pull.command("claim")
def claim(
    settings_file: SettingsFile = None,
    actor: Actor = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    lease_seconds: Annotated[int, typer.Option(help="How long they are yours.")] = 900,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Claim the most urgent referrals of your queue and show them."""

    async def act(register: Connection) -> list[dict[str, Any]]:
        return await register.claim(limit=limit, leaseSeconds=lease_seconds)

    _pull(settings_file, actor, act, as_json, language)


@pull.command("show")
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


@pull.command("accept")
def accept(
    referral: str,
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Annotated[int | None, typer.Option(help="The version that you saw.")] = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Accept a referral that you claimed."""
    _step(settings_file, actor, referral, version, "acceptance", None, as_json, language)


@pull.command("forward")
def forward(
    referral: str,
    organisation: Annotated[str, typer.Argument(help="The id of the recipient.")],
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Annotated[int | None, typer.Option(help="The version that you saw.")] = None,
    person: Annotated[
        list[int] | None, typer.Option(help="Only this person, by its place; 0 is the first.")
    ] = None,
    as_json: AsJson = False,
    language: Language = "nl",
) -> None:
    """Forward a referral that you accepted; the recipient gets what the agreement opens."""
    body = {"organisation": organisation, **({"persons": person} if person else {})}
    _step(settings_file, actor, referral, version, "forwarding", body, as_json, language)


@pull.command("close")
def close(
    referral: str,
    outcome: Annotated[str, typer.Argument(help="A code of the list referral_outcome.")],
    settings_file: SettingsFile = None,
    actor: Actor = None,
    version: Annotated[int | None, typer.Option(help="The version that you saw.")] = None,
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
        async with _connected(settings, settings.register(), actor or settings.actor) as register:
            return await act(register)

    with _told():
        for one in asyncio.run(work(_settings(settings_file))):
            lines = [json.dumps(one)] if as_json else telling.referral_lines(one, language)
            for line in lines:
                typer.echo(line)


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
            register=poster.register,
            tokens=poster.tokens,
            state=settings.state_dir,
            tell=_tell,
            today=poster.today,
        )
        typer.echo(json.dumps(done.as_json()))
        return done.exit_code


async def _deliver(settings: ClientSettings, retry_refused: bool, drop_refused: bool, patience: float) -> int:
    async with _poster(settings, patience) as poster:
        for file in poster.spool.files(REFUSED) if retry_refused else ():
            poster.spool.keep(poster.spool.lines_of(file))
            poster.spool.drop(file)
        summary = await poster.run(iter(()))
        for file in poster.spool.files(REFUSED):
            try:
                lines = poster.spool.lines_of(file)
            except Damaged as damaged:
                _tell(str(damaged))
                continue
            for line in lines:
                told = "; ".join(f"{fault['pointer'] or '/'} {fault['code']}" for fault in line.faults)
                _tell(f"refused earlier: {line.source} line {line.line}: {told}")
            if drop_refused:
                poster.spool.drop(file)
        return _summed_up(summary, poster.spool)


def _summed_up(summary: Summary, its_spool: Spool) -> int:
    """Print the summary, with what the spool holds beside it; the exit code."""
    waiting, refused = len(its_spool.files()), len(its_spool.files(REFUSED))
    typer.echo(json.dumps(summary.as_json() | {"spoolFiles": waiting, "refusedFiles": refused}))
    if summary.left_from is not None:
        _tell(
            f"what was left begins at line {summary.left_from}: post it again with --from {summary.left_from}"
        )
    if summary.exit_code == LOOK or refused:
        return LOOK
    return summary.exit_code or (LATER if waiting else 0)


async def _tokens_of_lines(settings: ClientSettings, lines: TextIO, patience: float) -> int:
    code = 0
    async with _connected(settings, settings.key_service()) as key_service:
        tokens = Tokens(key_service, Pins(settings.state_dir / "key-checks.json"), patience)
        for line in lines:
            if not line.strip():
                continue
            try:
                (told,) = await tokens_of(tokens, [json.loads(line)], today=dutch_today())
            except UnfitRecord as unfit:
                code = LOOK
                told = {
                    "errors": [
                        {"pointer": fault.pointer.removeprefix("/persons/0"), "code": fault.code}
                        for fault in unfit.faults
                    ]
                }
            except ValueError:
                code, told = LOOK, {"errors": [{"pointer": "", "code": "broken-json"}]}
            typer.echo(json.dumps(told))
    return code


async def _listen(settings: ClientSettings, port: int, patience: float) -> None:
    file = settings.state_dir / "helper.secret"
    make_folder(settings.state_dir)
    if not file.exists():
        write_whole(file, secrets.token_urlsafe(32).encode(), replace=False)
    secret = file.read_text(encoding="ascii").strip()
    with socket.socket() as listening:
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as taken:
            raise NotSet(f"port {port} cannot be listened on: {taken.strerror}") from None
        async with _connected(settings, settings.key_service()) as key_service:
            tokens = Tokens(key_service, Pins(settings.state_dir / "key-checks.json"), patience)
            await tokens.epoch()
            serving = uvicorn.Config(
                helper(tokens, secret, listening.getsockname()[1]),
                access_log=False,
                server_header=False,
                log_level="warning",
            )
            _tell(f"POST http://127.0.0.1:{listening.getsockname()[1]}/tokens, with the secret in {file}")
            await uvicorn.Server(serving).serve([listening])


@asynccontextmanager
async def _poster(settings: ClientSettings, patience: float) -> AsyncIterator[Poster]:
    """All that posting works with; raises `NotSet`, `NoState` before anything is sent."""
    waits = any(folder_files(settings.spool, kind) for kind in (WAITING, REFUSED))
    if not settings.key.exists() and not waits:
        _tell(f"a key of this client's own is made: {settings.key}")
    key = key_of(settings.key, may_be_new=not waits)
    its_spool = Spool(settings.spool, key)
    its_spool.check()
    async with _connected(settings, settings.register(), settings.actor) as register:
        poster = Poster(register, None, its_spool, key, _tell, dutch_today(), patience)
        if settings.key_service_url is None:
            yield poster
            return
        async with _connected(settings, settings.key_service()) as key_service:
            poster.tokens = Tokens(key_service, Pins(settings.state_dir / "key-checks.json"), patience)
            yield poster


@asynccontextmanager
async def _connected(
    settings: ClientSettings, where: tuple[str, str, str], actor: str | None = None
) -> AsyncIterator[Connection]:
    url, client_id, secret = where
    async with httpx.AsyncClient(base_url=url, timeout=settings.timeout_seconds) as http:
        yield Connection(http, client_id, secret, actor)


@contextmanager
def _progress(poster: Poster) -> Iterator[None]:
    """How far it is: a moving line on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        done = [0]

        def plain(count: int) -> None:
            done[0] += count
            _tell(f"{done[0]} records read, {poster.summary.registered} registered")

        poster.advance = plain
        yield
        return
    shown = (TextColumn("{task.completed} records"), TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)
        poster.advance = lambda count: progress.advance(task, count)
        yield


@contextmanager
def _told() -> Iterator[None]:
    """What ends a command before its own end, as one line and an exit code."""
    try:
        yield
    except (NotSet, WrongColumns, Unreadable, NoState) as reason:
        code, told = WRONG, str(reason)
    except ValidationError as wrong:
        names = ", ".join(
            f"SIGNAL_CLIENT_{str(one['loc'][0]).upper()}: {one['msg']}" for one in wrong.errors()
        )
        code, told = WRONG, names
    except Damaged as damaged:
        code, told = LOOK, str(damaged)
    except Refused as refused:
        faults = "".join(f"\n  {one['pointer']} {one['detail']}" for one in refused.faults)
        code, told = (LATER if refused.passes else LOOK), f"refused: {refused}{faults}"
    except KeyServiceAway as away:
        code, told = LATER, f"the key service is away: {away}"
    except (KeyServiceWrong, KeyServiceRefuses) as wrong_answer:
        code, told = LOOK, f"the key service: {wrong_answer}"
    except httpx.HTTPError as error:
        code, told = LATER, f"the register is away: {type(error).__name__}"
    except typer.Exit:
        raise
    except Exception as error:  # its text, and a traceback, might hold what was read
        code, told = LOOK, f"failed: {type(error).__name__} at {_place_of(error)}"
    else:
        return
    _tell(told)
    raise typer.Exit(code)


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


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


def _settings(file: Path | None) -> ClientSettings:
    if file is not None and not file.exists():
        raise NotSet(f"{file} is not there")
    return ClientSettings(_env_file=file)


def _form(told: str | None, file: str) -> Form:
    if told is None:
        return form_of(file)
    if told not in ("json", "ndjson", "csv"):
        raise Unreadable("a format is json, ndjson or csv")
    return told  # type: ignore[return-value]


def _columns(file: Path | None) -> Any:
    if file is None:
        return NO_MAP
    try:
        return read_map(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongColumns(f"{file} cannot be read: {type(error).__name__}") from None


def _tell(line: str) -> None:
    typer.echo(line, err=True)
