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
from sqlalchemy import Connection, event
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


class _Writer:
    """The one writer of a process on SQLite: a lock, and a connection that readers cannot take away.

    From a shared pool it could wait, with the lock, for readers who wait for their entry in the trail, which
    waits for the lock.
    """

    def __init__(self, url: str) -> None:
        self.lock = asyncio.Lock()
        self.engine = _engine(url, 1)


class Database:
    """One pool of connections to the register's database; on SQLite it is for reading."""

    def __init__(self, url: str, *, pool_size: int, writer: _Writer | None = None) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _engine(url, pool_size)
        # On PostgreSQL each statement sees a moment of its own in any case: BEGIN and ROLLBACK around reads only cost.
        self._reader = (
            self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        self._writer = writer or (_Writer(url) if self.is_sqlite else None)
        self._siblings: list[Database] = []

    def sibling(self, pool_size: int) -> "Database":
        """A pool of its own to the same database; on SQLite it shares the one writer of this process."""
        sibling = Database(self.url, pool_size=pool_size, writer=self._writer)
        self._siblings.append(sibling)
        return sibling

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that changes nothing; on SQLite it sees one moment, on PostgreSQL each statement one of its own."""
        async with AsyncSession(self._reader, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is committed when the block ends, and rolled back when it raises.

        On SQLite a connection whose commit failed, or whose statement was cut off, may still be in its transaction
        and hold the lock: it is thrown away.
        """
        if self._writer is None:
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
            return
        async with self._writer.lock, AsyncSession(self._writer.engine, expire_on_commit=False) as session:
            await session.connection(execution_options={"begin": "BEGIN IMMEDIATE"})
            try:
                yield session
            except asyncio.CancelledError:
                await session.invalidate()
                raise
            try:
                await session.commit()
            except BaseException:
                await session.invalidate()
                raise

    async def close(self) -> None:
        """Close the connections of this pool and of its siblings."""
        for pool in (*self._siblings, self):
            await pool.engine.dispose()
        if self._writer is not None:
            await self._writer.engine.dispose()


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
