"""Where a register, a key service and partners stand: each a process of its own on the loopback."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from service.database import Database
from service.demo.loading import Loaded
from tests.support.keyservice import add_partners, key_service_server, prepare_key_service
from tests.support.partner import Partner
from tests.support.register import ServerProcess, apart, free_port, server


@dataclass
class Place:
    """Where everything is, and how to start it; `partner` makes the machine of a demo client."""

    url: str
    key_url: str
    folder: Path
    loaded: Loaded
    credentials: dict[str, tuple[str, str]]
    port: int = field(default_factory=free_port)
    key_port: int = field(default_factory=free_port)

    @contextmanager
    def register(self, **more: Any) -> Iterator[ServerProcess]:
        with server(self.url, self.folder, port=self.port, **more) as running:
            yield running

    @contextmanager
    def key_service(self, **more: Any) -> Iterator[ServerProcess]:
        with key_service_server(self.key_url, self.folder, port=self.key_port, **more) as running:
            yield running

    def partner(self, client: str = "jpt-helmond", **more: str) -> Partner:
        known, folder = self.loaded.credentials[client], self.folder / client
        folder.mkdir(exist_ok=True)
        at_key_service = self.credentials.get(client)
        return Partner(
            folder,
            (f"http://127.0.0.1:{self.port}", known.client_id, known.client_secret),
            at_key_service and (f"http://127.0.0.1:{self.key_port}", *at_key_service),
            dict(more),
        )

    def rows(self, model: Any) -> list[Any]:
        """All rows of a table of the register."""
        return list(apart(asyncio.run, _rows(self.url, model)))


PARTNERS = ("jpt-helmond", "police-oost-brabant")


def place_of(url: str, key_url: str, folder: Path, loaded: Loaded) -> Place:
    """A place on these databases, of which that of the key service is empty."""
    prepare_key_service(key_url)
    return Place(url, key_url, folder, loaded, apart(asyncio.run, _partners(key_url)))


async def _partners(url: str) -> dict[str, tuple[str, str]]:
    database = Database(url, pool_size=1)
    try:
        return await add_partners(database, *PARTNERS)
    finally:
        await database.close()


async def _rows(url: str, model: Any) -> list[Any]:
    database = Database(url, pool_size=1)
    try:
        async with database.reading() as session:
            return list(await session.execute(select(model.__table__)))
    finally:
        await database.close()
