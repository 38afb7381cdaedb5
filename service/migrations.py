"""Running the migrations of `alembic/` from code: the command line, the demo and the tests use this."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.config import Config
from sqlalchemy import Connection, MetaData

from alembic import command
from service.database import Database

ALEMBIC_INI = Path(__file__).resolve().parent.parent / "alembic.ini"


REGISTER, KEY_SERVICE = "alembic", "keyservice"  # the sections of alembic.ini


def alembic_config(database_url: str, section: str = REGISTER) -> Config:
    """Alembic's configuration for a database of the register, or of the key service."""
    config = Config(str(ALEMBIC_INI), ini_section=section)
    config.attributes["database_url"] = database_url
    return config


def migrate_database(database_url: str, revision: str = "head", section: str = REGISTER) -> None:
    """Bring a database up to a revision; must not be called where an event loop runs."""
    command.upgrade(alembic_config(database_url, section), revision)


def run_migrations(context: Any, metadata: MetaData, otherwise: Callable[[], str]) -> None:
    """What an `env.py` does, given its Alembic context: on the URL of the configuration, else of the settings."""

    def run(connection: Connection) -> None:
        on_sqlite = connection.dialect.name == "sqlite"
        if on_sqlite:
            _rest_foreign_keys(connection)
        with connection.begin():
            context.configure(
                connection=connection,
                target_metadata=metadata,
                render_as_batch=on_sqlite,
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
            if on_sqlite:
                _check_foreign_keys(connection)

    async def migrate() -> None:
        database = Database(context.config.attributes.get("database_url") or otherwise(), pool_size=1)
        try:
            async with database.engine.connect() as connection:
                await connection.run_sync(run)
        finally:
            await database.close()

    asyncio.run(migrate())


def _rest_foreign_keys(connection: Connection) -> None:
    """SQLite changes a table by making it anew, and would not drop the old one while other rows point to it.

    Only outside a transaction does it listen to this; the connection is closed afterwards.
    """
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()


def _check_foreign_keys(connection: Connection) -> None:
    """Raise before the commit where a row points to nothing."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({row[0] for row in broken}))
        raise RuntimeError(f"not migrated: rows of these tables point to nothing: {tables}")
