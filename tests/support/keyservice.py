"""A key service to test against, in process or as a real server; each has a database of its own."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import Table, select

from service.access.actions import add_client, add_secret
from service.access.roles import PARTNER
from service.database import Database
from service.http import HttpLayer
from service.keyservice.app import create_key_service
from service.keyservice.settings import KeyServiceSettings
from service.migrations import KEY_SERVICE, migrate_database
from service.trail import NOBODY
from tests.support.applications import forget_applications
from tests.support.register import ServerProcess, apart, free_port, started

PARTNER_ID = UUID(int=7)
UNLIMITED = {
    "evaluations_per_minute": 10**9,
    "evaluations_per_day": 10**9,
    "limit_requests": 10**6,
    "limit_tokens": 10**6,
}


@dataclass
class KeyService:
    """A running key service and how to call it, as one of its clients."""

    http: httpx.AsyncClient
    database: Database
    credentials: dict[str, tuple[str, str]]
    app: HttpLayer | None = None

    async def token(self, name: str = "one") -> str:
        form = {"grant_type": "client_credentials"}
        answer = await self.http.post("/oauth/token", data=form, auth=self.credentials[name])
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def headers(self, name: str = "one") -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.token(name)}"}

    async def evaluate(self, body: Any, name: str = "one") -> httpx.Response:
        return await self.http.post("/v1/evaluations", json=body, headers=await self.headers(name))

    async def rows(self, model: Any) -> list[Any]:
        """All rows of a table."""
        table: Table = model.__table__
        async with self.database.reading() as session:
            return list(await session.execute(select(table)))


def prepare_key_service(url: str) -> None:
    """Migrate its database."""
    apart(lambda: migrate_database(url, section=KEY_SERVICE))


async def add_partners(database: Database, *names: str) -> dict[str, tuple[str, str]]:
    """Clients of the key service with a secret each, by name: their id and secret."""
    credentials = {}
    async with database.writing() as session:
        for name in names:
            client = await add_client(session, NOBODY, organisation_id=PARTNER_ID, name=name, role=PARTNER)
            _, secret = await add_secret(session, NOBODY, client)
            credentials[name] = (str(client.id), secret)
    return credentials


@asynccontextmanager
async def key_service_in_process(
    url: str, folder: Path, *, partners: tuple[str, ...] = ("one", "two"), **more: Any
) -> AsyncIterator[KeyService]:
    """The key service in this process, on a migrated database, with a client for each partner."""
    values = {"database_url": url, "key_dir": folder / "keyservice", "log_level": "ERROR", **UNLIMITED}
    app = create_key_service(KeyServiceSettings(**{**values, **more}))
    root: Any = app.app
    async with root.router.lifespan_context(root):
        credentials = await add_partners(root.state.database, *partners)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8100") as http:
            yield KeyService(http, root.state.database, credentials, app)
    forget_applications()


@contextmanager
def key_service_server(
    url: str, folder: Path, *, port: int | None = None, **more: Any
) -> Iterator[ServerProcess]:
    """A key service as a process of its own, on a migrated database."""
    values = {"database_url": url, "key_dir": folder / "keyservice", "log_level": "ERROR", **UNLIMITED}
    environment = {
        **os.environ,
        **{f"SIGNAL_KEYSERVICE_{name.upper()}": str(value) for name, value in {**values, **more}.items()},
    }
    with started(["service", "keyservice", "serve"], environment, port or free_port()) as running:
        yield running
