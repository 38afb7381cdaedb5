"""A key service on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.keyservice import KeyService, key_service_in_process, prepare_key_service


@pytest.fixture
async def key_service(key_database_url: str, tmp_path: Path) -> AsyncIterator[KeyService]:
    """The key service in process."""
    prepare_key_service(key_database_url)
    async with key_service_in_process(key_database_url, tmp_path) as running:
        yield running
