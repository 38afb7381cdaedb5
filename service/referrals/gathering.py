"""Rows that belong to several things, in one statement, gathered by whose they are. Called by what reads referrals."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Row, Select, Text, Uuid, any_, bindparam, literal_column
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from service.rows import on_postgresql


class Gathering:
    """A statement for the rows whose `column` is one of some ids; made once, for building it costs as much as running.

    PostgreSQL gets the ids as one array: a parameter for each of them costs the compiler a second look each time.
    """

    def __init__(
        self, column: ColumnElement[Any], chosen: Select[Any], *, order: Sequence[ColumnElement[Any]]
    ) -> None:
        chosen = chosen.order_by(*order)
        self._by = str(column.key)
        self._on_postgresql = chosen.where(column == any_(bindparam("ids", type_=ARRAY(Uuid))))
        self._on_sqlite = chosen.where(column.in_(bindparam("ids", expanding=True)))

    async def of(self, session: AsyncSession, ids: Iterable[UUID]) -> Mapping[UUID, list[Row[Any]]]:
        """The rows by the id that they belong to."""
        found: dict[UUID, list[Row[Any]]] = defaultdict(list)
        for row in await self.rows(session, ids):
            found[getattr(row, self._by)].append(row)
        return found

    async def rows(self, session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        """The rows in their order; no statement for no ids."""
        wanted = list(ids)
        if not wanted:
            return []
        statement = self._on_postgresql if on_postgresql(session) else self._on_sqlite
        rows: Sequence[Row[Any]] = (await session.execute(statement, {"ids": wanted})).all()
        return rows


class _Objects(FunctionElement[str]):
    """Rows as one JSON array of objects, as text, without what is nothing; None, or an empty array, for no rows."""

    type = Text()
    inherit_cache = True


def as_objects(columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[str]:
    """The columns of rows by their names on the wire, for a subquery."""
    return _Objects(
        *(one for name, column in columns.items() for one in (literal_column(f"'{name}'"), column))
    )


@compiles(_Objects, "postgresql")
def _on_postgresql(element: _Objects, compiler: SQLCompiler, **options: Any) -> str:
    columns = compiler.process(element.clauses, **options)
    return f"CAST(json_agg(json_strip_nulls(json_build_object({columns}))) AS text)"


@compiles(_Objects, "sqlite")
def _on_sqlite(element: _Objects, compiler: SQLCompiler, **options: Any) -> str:
    columns = compiler.process(element.clauses, **options)
    return f"json_group_array(json(json_patch('{{}}', json_object({columns}))))"


def without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    """The same without what is None: on the wire that is left out."""
    return {name: value for name, value in values.items() if value is not None}


def joined(values: dict[str, Any], stored: str) -> orjson.Fragment:
    """One JSON object of values and what is stored as one, which is not read only to be written again."""
    begin = orjson.dumps(values).removesuffix(b"}")
    rest = stored.lstrip().removeprefix("{").encode()
    empty = rest.strip() == b"}"
    return orjson.Fragment(begin + (b"" if empty else b",") + rest)
