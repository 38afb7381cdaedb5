"""Rows that belong to several things, in one statement, gathered by whose they are. Called by what reads referrals."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Row, Select, Uuid, any_, bindparam
from sqlalchemy.ext.asyncio import AsyncSession


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
        on_sqlite = session.get_bind().dialect.name == "sqlite"
        statement = self._on_sqlite if on_sqlite else self._on_postgresql
        rows: Sequence[Row[Any]] = (await session.execute(statement, {"ids": wanted})).all()
        return rows


def without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    """The same without what is None: on the wire that is left out."""
    return {name: value for name, value in values.items() if value is not None}


def joined(values: dict[str, Any], stored: str) -> orjson.Fragment:
    """One JSON object of values and what is stored as one, which is not read only to be written again."""
    begin = orjson.dumps(values).removesuffix(b"}")
    rest = stored.lstrip().removeprefix("{").encode()
    empty = rest.strip() == b"}"
    return orjson.Fragment(begin + (b"" if empty else b",") + rest)
