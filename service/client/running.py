"""What every command of the client does: settings, a connection, and how its end is told.

Exit codes: 0 all is done; 1 somebody has to look; 2 the command was wrong, nothing was done; 75 run it again later.
"""

import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import ValidationError

from service.client.columns import WrongColumns
from service.client.connection import Connection, Refused
from service.client.reading import Unreadable
from service.client.settings import ClientSettings, NotSet
from service.client.spool import Damaged
from service.client.state import NoState
from service.client.tokens import KeyServiceAway, KeyServiceRefuses, KeyServiceWrong

LOOK, WRONG, LATER = 1, 2, 75

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="A file of SIGNAL_CLIENT_… lines.", dir_okay=False)
]


@asynccontextmanager
async def connected(
    settings: ClientSettings, where: tuple[str, str, str], actor: str | None = None
) -> AsyncIterator[Connection]:
    """A connection by address, client id and secret."""
    url, client_id, secret = where
    async with httpx.AsyncClient(base_url=url, timeout=settings.timeout_seconds) as http:
        yield Connection(http, client_id, secret, actor)


@contextmanager
def told_briefly() -> Iterator[None]:
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
    tell(told)
    raise typer.Exit(code)


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def settings_of(file: Path | None) -> ClientSettings:
    """The settings of the environment, and of a file where one is named; raises `NotSet`."""
    if file is not None and not file.exists():
        raise NotSet(f"{file} is not there")
    return ClientSettings(_env_file=file)


def tell(line: str) -> None:
    """A line for a person."""
    typer.echo(line, err=True)
