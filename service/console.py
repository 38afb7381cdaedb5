"""Acts on the machine's own console: one transaction, told as JSON.

Whoever works there is an administrator without a client; `--actor` says who, for the trail. Called by the
commands of the register's administration and of the key service.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from service.caller import ACTOR_FORM, NO_CLIENT, Caller
from service.database import Database
from service.errors import Fault, Invalid, Problem, faults_of
from service.keys import MissingKey

Act = Callable[[AsyncSession, Caller], Awaitable[Any]]


def tell(database_url: str, actor: str, act: Act, scopes: frozenset[str] = frozenset()) -> None:
    """Do it and print what came of it, a line each; what refuses it goes to stderr, with exit code 1."""
    try:
        told = asyncio.run(_done(database_url, actor, act, scopes))
    except Problem as refused:
        refuse(refused.detail, refused.errors)
    except ValidationError as wrong:
        refuse("What was given is not right.", faults_of(wrong.errors()))
    except MissingKey as missing:
        refuse(str(missing))
    except SQLAlchemyError:
        refuse("the database is away or not migrated")
    for line in told if isinstance(told, list) else [told]:
        typer.echo(line.model_dump_json(by_alias=True, exclude_none=True))


def refuse(why: str, faults: Sequence[Fault] = ()) -> NoReturn:
    """Say why nothing was done, and end."""
    typer.echo(
        "\n".join([f"not done: {why}", *(f"  {fault.pointer} {fault.detail}" for fault in faults)]), err=True
    )
    raise typer.Exit(1) from None


async def _done(database_url: str, actor: str, act: Act, scopes: frozenset[str]) -> Any:
    if not ACTOR_FORM.match(actor):
        raise Invalid(
            errors=[Fault("--actor", "wrong-form", "4–64 of letters, digits, dot, underscore, dash.")]
        )
    database = Database(database_url, pool_size=1)
    caller = Caller(NO_CLIENT, NO_CLIENT, "administrator", scopes, (), actor)
    try:
        async with database.writing() as session:
            return await act(session, caller)
    finally:
        await database.close()
