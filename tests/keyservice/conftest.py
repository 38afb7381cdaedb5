"""A key service on SQLite and on PostgreSQL, on a database of its own."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.keyservice import KeyService, key_service_in_process, prepare_key_service
from tests.support.postgres import Postgres


@pytest.fixture
def key_database_url(engine: str, postgres: Postgres, tmp_path: Path) -> Iterator[str]:
    """A fresh database of the key service, migrated."""
    name = f"keys_{uuid.uuid4().hex[:12]}"
    if engine == "postgresql":
        postgres.create_database(name)
    url = postgres.url(name) if engine == "postgresql" else f"sqlite+aiosqlite:///{tmp_path / name}.db"
    prepare_key_service(url)
    yield url
    if engine == "postgresql":
        postgres.drop_database(name)


@pytest.fixture
async def key_service(key_database_url: str, tmp_path: Path) -> AsyncIterator[KeyService]:
    """The key service in process."""
    async with key_service_in_process(key_database_url, tmp_path) as running:
        yield running
