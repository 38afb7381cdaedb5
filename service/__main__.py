"""The command line: `python -m service …`, installed as `signal-register`."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

# Commands import what they need themselves: `generate` should not wait for the whole application.
OPENAPI_FILE, KEY_SERVICE_FILE = Path("openapi/openapi.json"), Path("openapi/keyservice.json")

# Plain errors: the pretty ones may show what a variable holds.
cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The Signal Register."
)


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    jobs_only: Annotated[
        bool, typer.Option("--jobs-only", help="Run the jobs, and answer only for health and metrics.")
    ] = False,
) -> None:
    """Serve the API with the settings of the environment (SIGNAL_…), and run the jobs."""
    from service.keys import MissingKey
    from service.serving import serve_forever
    from service.settings import UnsafeSettings, load_settings

    try:
        serve_forever(load_settings(), host, port, jobs_only=jobs_only)
    except (UnsafeSettings, MissingKey) as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(2) from None


@cli.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="`head`, or a revision to go up to.")] = "head",
) -> None:
    """Bring the database to the present schema."""
    from service.migrations import migrate_database
    from service.settings import load_settings

    migrate_database(load_settings().database_url, revision)


@cli.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
def admin(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="COMMAND …")] = None,
) -> None:
    """Functional management, on the register's own machine."""
    from service.admin import commands

    commands(arguments or ["--help"], prog_name="signal-register admin")


@cli.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
def client(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="COMMAND …")] = None,
) -> None:
    """A partner's client: post signals, work a queue, make tokens."""
    from service.client.commands import commands

    commands(arguments or ["--help"], prog_name="signal-register client")


@cli.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
def keyservice(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="COMMAND …")] = None,
) -> None:
    """The key service: another application, run by another party."""
    given = arguments or ["--help"]
    if given[0] == "migrate":
        from service.keyservice.settings import load_key_service_settings
        from service.migrations import KEY_SERVICE, migrate_database

        migrate_database(load_key_service_settings().database_url, section=KEY_SERVICE)
        return
    from service.keyservice.commands import commands

    commands(given, prog_name="signal-register keyservice")


@cli.command()
def openapi(
    check: Annotated[bool, typer.Option(help="Only compare with the committed document.")] = False,
) -> None:
    """Write the contracts in openapi/, or check that they are what the code makes."""
    from service.app import api_document
    from service.keyservice.app import api_document as key_service_document
    from service.openapi import as_text

    for file, document in ((OPENAPI_FILE, api_document), (KEY_SERVICE_FILE, key_service_document)):
        text = as_text(document())
        if not check:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            typer.echo(f"{file} is not what the code makes: run `python -m service openapi`", err=True)
            raise typer.Exit(1)


@cli.command()
def generate(
    count: Annotated[int, typer.Option(min=1, help="How many signals.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same signals.")],
    only: Annotated[
        str | None, typer.Option("--for", help="Only signals of this demo client, as jpt-helmond.")
    ] = None,
) -> None:
    """Print synthetic signals as NDJSON: bodies that POST /v1/signals accepts from the demo clients."""
    from service.synthesis.generate import generate as generated
    from service.synthesis.generate import ndjson
    from service.synthesis.pack import load_pack

    pack = load_pack()
    if only is not None and only not in {known.name for known in pack.clients}:
        typer.echo(f"no demo client is called {only}", err=True)
        raise typer.Exit(2)
    for line in ndjson(generated(pack, count, seed, date(2026, 1, 1), date(2026, 6, 30), only)):
        sys.stdout.write(line.rstrip("\n") + "\n")


@cli.command()
def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Load the data and keep serving.")] = False,
    port: Annotated[int, typer.Option(help="Port to serve on (0: a free one).")] = 0,
    key_service_port: Annotated[int, typer.Option(help="Port of the key service (0: a free one).")] = 0,
    credentials: Annotated[
        Path | None, typer.Option(help="Write the demo clients to this file as JSON.")
    ] = None,
    signals: Annotated[int, typer.Option(min=1, help="How many signals of the past half-year.")] = 2000,
) -> None:
    """Play the whole journey over HTTP against a server of its own, with a throw-away database."""
    from service.demo.story import play

    raise typer.Exit(
        play(
            keep_serving=serve,
            port=port,
            key_service_port=key_service_port,
            credentials=credentials,
            signals=signals,
        )
    )


def main() -> None:
    """Entry point of the installed command."""
    cli()


if __name__ == "__main__":
    main()
