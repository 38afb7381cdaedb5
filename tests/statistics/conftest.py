"""Fixtures: a register whose clock the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.register import Templates
from tests.support.years import Years, standing_in_years


@pytest.fixture
async def years(engine: str, database_url: str, templates: Templates, tmp_path: Path) -> AsyncIterator[Years]:
    async with standing_in_years(database_url, templates.loaded[engine], tmp_path) as running:
        yield running
