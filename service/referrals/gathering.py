"""Rows that belong to several things, in one statement, gathered by whose they are. Called by what reads referrals."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Row, Uuid, any_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession


class Gathering:
    """A statement for the rows whose `column` is one of some ids; made once, for building it costs as much as running.

    PostgreSQL gets the ids as one array: a parameter for each of them costs the compiler a second look each time.
    """

    def __init__(
        self, column: ColumnElement[Any], *columns: Any, order: Sequence[Any], joined: Any = None
    ) -> None:
        chosen = select(*columns).order_by(*order)
        if joined is not None:
            chosen = chosen.select_from(joined)
        self._by = str(column.key)
        self._on_postgresql = chosen.where(column == any_(bindparam("ids", type_=ARRAY(Uuid))))
        self._on_sqlite = chosen.where(column.in_(bindparam("ids", expanding=True)))

    async def of(self, session: AsyncSession, ids: Iterable[UUID]) -> Mapping[UUID, list[Row[Any]]]:
        """The rows by the id that they belong to; no statement for no ids."""
        found: dict[UUID, list[Row[Any]]] = defaultdict(list)
        wanted = list(ids)
        if not wanted:
            return found
        on_sqlite = session.get_bind().dialect.name == "sqlite"
        statement = self._on_sqlite if on_sqlite else self._on_postgresql
        for row in await session.execute(statement, {"ids": wanted}):
            found[getattr(row, self._by)].append(row)
        return found


def without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    """The same without what is None: on the wire that is left out."""
    return {name: value for name, value in values.items() if value is not None}


def joined(values: dict[str, Any], stored: str) -> orjson.Fragment:
    """One JSON object of values and what is stored as one, which is not read only to be written again."""
    begin = orjson.dumps(values).removesuffix(b"}")
    rest = stored.lstrip().removeprefix("{").encode()
    empty = rest.strip() == b"}"
    return orjson.Fragment(begin + (b"" if empty else b",") + rest)
