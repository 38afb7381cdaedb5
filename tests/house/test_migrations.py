"""The migrations: up, down and up again on both databases, and no difference to the models afterwards."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

import service.tables  # noqa: F401  (every table is known)
from alembic import command
from service.database import Database
from service.migrations import alembic_config, migrate_database
from tests.support.postgres import Postgres
from tests.support.register import apart


@pytest.fixture
def empty_url(engine: str, postgres: Postgres, tmp_path: Path) -> Iterator[str]:
    """An empty database, nothing migrated."""
    if engine == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    name = f"empty_{uuid.uuid4().hex[:12]}"
    postgres.create_database(name)
    yield postgres.url(name)
    postgres.drop_database(name)


def seen(url: str, look: Callable[[Connection], Any]) -> Any:
    """What a look at the database tells."""

    async def connect() -> Any:
        database = Database(url, pool_size=1)
        try:
            async with database.engine.connect() as connection:
                return await connection.run_sync(look)
        finally:
            await database.close()

    return apart(asyncio.run, connect())


def downgraded(url: str) -> None:
    apart(command.downgrade, alembic_config(url), "base")


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "target_metadata": SQLModel.metadata}
    )
    return list(compare_metadata(context, SQLModel.metadata))


def reference_versions(connection: Connection) -> list[Any]:
    return [tuple(row) for row in connection.execute(text("SELECT id, version FROM reference_version"))]


def test_up_down_and_up_again(empty_url: str) -> None:
    known = set(SQLModel.metadata.tables) | {"alembic_version"}
    assert seen(empty_url, tables) == set()
    apart(migrate_database, empty_url)
    assert seen(empty_url, tables) == known
    downgraded(empty_url)
    assert seen(empty_url, tables) == {"alembic_version"}
    apart(migrate_database, empty_url)
    assert seen(empty_url, tables) == known
    apart(migrate_database, empty_url)

    assert seen(empty_url, differences) == []
    assert seen(empty_url, reference_versions) == [(1, 1)]


def test_what_a_migration_forgot_is_seen(empty_url: str) -> None:
    apart(migrate_database, empty_url)

    def spoil(connection: Connection) -> None:
        connection.execute(text("DROP INDEX ix_signal_received_at"))
        connection.execute(text("ALTER TABLE signal ADD COLUMN forgotten VARCHAR(3)"))
        connection.commit()

    seen(empty_url, spoil)
    assert {difference[0] for difference in seen(empty_url, differences)} == {"add_index", "remove_column"}
