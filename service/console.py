"""Acts on the machine's own console: one transaction, told as JSON.

Whoever works there is an administrator without a client; `--actor` says who, for the trail. Called by the
commands of the register's administration and of the key service.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn, Protocol

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from service.caller import ACTOR_FORM, NO_CLIENT, Caller
from service.database import Database
from service.errors import Fault, Invalid, Problem, faults_of
from service.keys import MissingKey


class HasDatabase(Protocol):
    """Settings of either application."""

    @property
    def database_url(self) -> str: ...


Act = Callable[[AsyncSession, Caller], Awaitable[Any]]
Actor = Annotated[str, typer.Option(help="Your staff id, for the trail.")]


def tell(
    load_settings: Callable[[], HasDatabase], actor: str, act: Act, scopes: frozenset[str] = frozenset()
) -> None:
    """Do it in one transaction and print what came of it, a line each: a text as it is, all else as JSON."""
    with refusals_told():
        told = asyncio.run(_done(load_settings().database_url, administrator(actor, scopes), act))
    for line in told if isinstance(told, list) else [told]:
        typer.echo(line if isinstance(line, str) else line.model_dump_json(by_alias=True, exclude_none=True))


def administrator(actor: str, scopes: frozenset[str] = frozenset()) -> Caller:
    """Who works at this console; raises `Invalid` where that is not said in its form."""
    if not ACTOR_FORM.match(actor):
        told = "4–64 of letters, digits, dot, underscore, dash."
        raise Invalid(errors=[Fault("--actor", "wrong-form", told)])
    return Caller(NO_CLIENT, NO_CLIENT, "administrator", scopes, (), actor)


@contextmanager
def refusals_told() -> Iterator[None]:
    """What refuses an act goes to stderr, with exit code 1."""
    try:
        yield
    except Problem as refused:
        refuse(refused.detail, refused.errors)
    except ValidationError as wrong:
        refuse("What was given is not right.", faults_of(wrong.errors()))
    except SQLAlchemyError:
        refuse("the database is away or not migrated")
    except (ValueError, OSError, MissingKey) as refused:
        refuse(str(refused))


def refuse(why: str, faults: Sequence[Fault] = ()) -> NoReturn:
    """Say why nothing was done, and end."""
    typer.echo(
        "\n".join([f"not done: {why}", *(f"  {fault.pointer} {fault.detail}" for fault in faults)]), err=True
    )
    raise typer.Exit(1) from None


async def _done(database_url: str, caller: Caller, act: Act) -> Any:
    database = Database(database_url, pool_size=1)
    try:
        async with database.writing() as session:
            return await act(session, caller)
    finally:
        await database.close()
