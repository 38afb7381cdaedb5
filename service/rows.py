"""Writing many rows with few statements, on both databases.

On PostgreSQL all rows of a table are one parameter. Called by the actions of the rooms.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import FromClause, Table, TextClause, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

# What goes into one table; all of them name the same columns.
Rows = tuple[Table, Sequence[Mapping[str, Any]]]


def insert_or_change(session: AsyncSession, table: FromClause) -> Any:
    """An INSERT of this database's own kind, for `.on_conflict_do_update(…)`."""
    dialect = postgresql if on_postgresql(session) else sqlite
    return dialect.insert(table)


def insert_unless_known(session: AsyncSession, table: FromClause) -> Any:
    """An INSERT that leaves out rows whose key exists; add `.returning(…)` to hear which went in."""
    return insert_or_change(session, table).on_conflict_do_nothing()


async def insert_rows(session: AsyncSession, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that name the same columns, in one statement."""
    await insert_together(session, (table, rows))


async def insert_together(session: AsyncSession, *parts: Rows) -> None:
    """Write rows of several tables, in one statement where the database has such."""
    filled = [(table, rows) for table, rows in parts if rows]
    if filled and on_postgresql(session):
        heads = tuple((table, tuple(rows[0])) for table, rows in filled)
        values = {f"rows_{place}": _as_json(rows) for place, (_, rows) in enumerate(filled)}
        await session.execute(_insert_together(heads), values)
    else:
        for table, rows in filled:
            await session.execute(insert(table), list(rows))


async def insert_new_rows(
    session: AsyncSession, table: Table, rows: Sequence[Mapping[str, Any]]
) -> set[tuple[Any, ...]]:
    """The same without the rows whose key exists; tells the primary keys of those that went in."""
    if not rows:
        return set()
    keys = tuple(table.primary_key)
    if on_postgresql(session):
        taken = await session.execute(_insert_new(table, tuple(rows[0])), {"rows": _as_json(rows)})
    else:
        taken = await session.execute(insert_unless_known(session, table).returning(*keys), list(rows))
    return {tuple(row) for row in taken}


def on_postgresql(session: AsyncSession) -> bool:
    """Which of the two databases it is."""
    return session.get_bind().dialect.name == "postgresql"


@cache
def _insert_new(table: Table, names: tuple[str, ...]) -> TextClause:
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    return text(f"{_inserting(table, names, 'rows')} ON CONFLICT DO NOTHING RETURNING {keys}")


@cache
def _insert_together(heads: tuple[tuple[Table, tuple[str, ...]], ...]) -> TextClause:
    *others, last = (_inserting(table, names, f"rows_{at}") for at, (table, names) in enumerate(heads))
    named = ", ".join(f"part_{at} AS ({one})" for at, one in enumerate(others))
    return text(f"WITH {named} {last}" if named else last)


def _inserting(table: Table, names: tuple[str, ...], parameter: str) -> str:
    """All rows as one parameter: binding every value of every row cost a quarter of the CPU of a group."""
    columns = ", ".join(f'"{name}"' for name in names)
    return (
        f'INSERT INTO "{table.name}" ({columns}) SELECT {columns} '  # noqa: S608  (names of our own models)
        f'FROM json_populate_recordset(NULL::"{table.name}", CAST(:{parameter} AS json))'
    )


def _as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(rows), default=_as_text, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _as_text(value: Any) -> str:
    """How PostgreSQL reads what JSON has no form for; like `columns.Moment` it refuses a naive moment."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):  # asyncpg's own subclass
        return str(value)
    raise TypeError(f"no form in JSON for {type(value).__name__}")
