"""Alembic's entry: the same migrations for SQLite and PostgreSQL, run through the service's own engine."""

import asyncio

from sqlalchemy import Connection
from sqlmodel import SQLModel

from alembic import context
from service import tables  # noqa: F401  (every table is known)
from service.database import Database
from service.settings import load_settings


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _migrate() -> None:
    url = context.config.attributes.get("database_url") or load_settings().database_url
    database = Database(url, pool_size=1)
    async with database.engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await database.close()


asyncio.run(_migrate())
