"""Fixtures: a register on SQLite and on PostgreSQL, both migrated by Alembic."""

import gc
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.place import Place, place_of
from tests.support.postgres import Postgres
from tests.support.register import Register, Templates, in_process

ENGINES = ("sqlite", "postgresql")

# Files of a minute or half of one go first: none is begun by one worker when the other has nothing left to do.
LONG = (
    "test_attacks",
    "test_schemathesis",
    "test_posting",
    "test_posting_gone_wrong",
    "test_demo",
    "test_sealing_keys",
)

processes.fork_from_now_on()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = dict(zip(LONG, range(-len(LONG), 0), strict=True))
    items.sort(key=lambda item: order.get(item.path.stem, 0))


def pytest_collection_finish() -> None:
    """What was imported and collected stays for good: without this the collector walks it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL; NoPostgres says what to install where there is none."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Templates:
    templates = Templates(tmp_path_factory.mktemp("databases"), postgres)
    templates.prepare()
    return templates


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs on both databases."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, templates: Templates) -> Iterator[str]:
    """A fresh database with the demo pack."""
    with templates.copy(engine) as url:
        yield url


@pytest.fixture
async def register(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> AsyncIterator[Register]:
    """The application in process, on a fresh database."""
    async with in_process(database_url, templates.loaded[engine], tmp_path) as running:
        yield running


@pytest.fixture
def key_database_url(engine: str, postgres: Postgres, tmp_path: Path) -> Iterator[str]:
    """A fresh database for the key service, empty."""
    name = f"keys_{uuid.uuid4().hex[:12]}"
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / name}.db"
        return
    postgres.create_database(name)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def place(
    engine: str, database_url: str, key_database_url: str, templates: Templates, tmp_path: Path
) -> Place:
    """Where a register, a key service and partners can be started, each as a process of its own."""
    return place_of(database_url, key_database_url, tmp_path, templates.loaded[engine])
