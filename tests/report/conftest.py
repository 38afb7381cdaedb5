"""Fixtures of the report: one database with releases for all of its tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.register import Register, Templates, in_process
from tests.support.released import Releases, with_releases


@pytest.fixture(scope="session")
async def releases(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Releases]:
    """A register with releases, on SQLite; nothing in it changes afterwards."""
    folder = tmp_path_factory.mktemp("releases")
    with templates.copy("sqlite") as url:
        async with with_releases(url, templates.loaded["sqlite"], folder) as made:
            yield made


@pytest.fixture
async def reported(releases: Releases, tmp_path: Path) -> AsyncIterator[Register]:
    """The application in process, on the database with releases."""
    async with in_process(releases.database_url, releases.loaded, tmp_path) as running:
        yield running
