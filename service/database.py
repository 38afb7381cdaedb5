"""Where transactions begin and end.

Keeps the engine and gives out transactions: `reading` and `writing`. Rooms flush or execute inside them and
never commit; the commit happens here, when the block ends without an error. On SQLite all writers of a
process queue up behind one lock and begin with `BEGIN IMMEDIATE`; WAL with `synchronous=FULL` makes a commit
durable. Statements and bound values are in no log (`hide_parameters`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, FromClause, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

SQLITE_PRAGMAS = (
    "PRAGMA busy_timeout = 30000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)
# SQLSTATE classes of PostgreSQL: connection, rollback (deadlock), resources, operator (shutdown, start).
PASSING_STATES = frozenset({"08", "40", "53", "57"})


def _dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()


class Database:
    """One pool of connections to the register's database."""

    def __init__(self, url: str, *, pool_size: int, writer: asyncio.Lock | None = None) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _engine(url, pool_size)
        self._writer = writer or asyncio.Lock()

    def sibling(self, pool_size: int) -> "Database":
        """A pool of its own to the same database; on SQLite it shares the one writer of this process."""
        return Database(self.url, pool_size=pool_size, writer=self._writer)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A transaction that sees one moment and changes nothing."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is committed when the block ends, and rolled back when it raises."""
        if not self.is_sqlite:
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
            return
        async with self._writer, AsyncSession(self.engine, expire_on_commit=False) as session:
            await session.connection(execution_options={"begin": "BEGIN IMMEDIATE"})
            yield session
            await session.commit()

    async def close(self) -> None:
        await self.engine.dispose()


def insert_unless_known(session: AsyncSession, table: FromClause) -> Any:
    """An INSERT that leaves out rows whose key exists; add `.returning(…)` to hear which went in."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def is_passing(error: Exception) -> bool:
    """Whether the fault lies with the connection or the server, not with what was asked of it."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    if state[:2] in PASSING_STATES:
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
    return isinstance(error, (OSError, TimeoutError, PoolTimeout))


def _engine(url: str, pool_size: int) -> AsyncEngine:
    options: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": 0,
        "hide_parameters": True,
        "json_serializer": _dump_json,
        "json_deserializer": orjson.loads,
    }
    if url.startswith("sqlite"):
        _make_folder(url)
        engine = create_async_engine(url, **options)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    return create_async_engine(
        url,
        pool_pre_ping=False,
        connect_args={"server_settings": {"application_name": "signal-register", "jit": "off"}},
        **options,
    )


def _make_folder(url: str) -> None:
    file = make_url(url).database
    if file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver must not begin by itself: we say BEGIN below
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
