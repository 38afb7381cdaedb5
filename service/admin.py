"""The administrator's commands, put together: `python -m service admin …`."""

import asyncio
from typing import Annotated

import typer

from service.administration import commands as partners
from service.errors import Problem
from service.settings import load_settings
from service.statistics.administration import fix_areas

commands = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Functional management, on the register's own machine."
)
commands.add_typer(partners.organisation, name="organisation")
commands.add_typer(partners.client, name="client")
commands.add_typer(partners.secret, name="secret")
commands.add_typer(partners.key, name="key")


@commands.command()
def areas(
    year: Annotated[int, typer.Argument(help="A year that has not begun.")],
    alone: Annotated[list[str], typer.Argument(help="The municipalities that stand alone, as GM0794.")],
    actor: Annotated[str, typer.Option(help="Your staff id, for the trail.")],
) -> None:
    """Fix the areas of the statistics of a year; in each region the other municipalities are joined."""
    try:
        asyncio.run(fix_areas(load_settings().database_url, year, alone, actor))
    except (Problem, ValueError, KeyError) as refused:
        typer.echo(f"not set: {refused.detail if isinstance(refused, Problem) else refused}", err=True)
        raise typer.Exit(1) from None
