"""The anchor on SQLite: a loop in one process that inserts the same rows, one signal per commit, WAL, FULL."""

import os
import sqlite3
import time
import uuid
from pathlib import Path
from typing import Any

from service.columns import new_id
from service.database import SQLITE_PRAGMAS
from tests.bench.typical import Place, typical_of
from tests.bench.windows import Window

# SQLite keeps an id without its dashes, a link has them.
DASHED = " || '-' || ".join(
    f"substr(id, {at}, {n})" for at, n in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
)


class Loop:
    """Runs windows of the anchor on one file."""

    command = "in process, sqlite3: BEGIN IMMEDIATE, one INSERT per row, COMMIT; WAL, synchronous=FULL"

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for pragma in SQLITE_PRAGMAS:
            self._connection.execute(pragma)
        self.typical = typical_of(self.fetch, DASHED, lambda id_: id_.hex)
        self._statements = [
            (f'INSERT INTO "{table.name}" ({", ".join(row)}) VALUES ({", ".join("?" * len(row))})', row)
            for table, row in self.typical.rows
        ]

    def fetch(self, query: str) -> list[dict[str, Any]]:
        """Rows as SQLite keeps them."""
        return [dict(row) for row in self._connection.execute(query)]

    def window(self, seconds: float) -> Window:
        before, began, done = os.times(), time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            self._insert_one()
            done += 1
        took, after = time.perf_counter() - began, os.times()
        return Window(done, took, after.user + after.system - before.user - before.system, 0.0)

    def settle(self) -> None:
        """Fold the log into the file, so that neither side pays for the rows of the other."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._connection.close()

    def _insert_one(self) -> None:
        ids = [uuid.uuid4(), *(new_id() for _ in range(1, self.typical.ids))]
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for statement, row in self._statements:
            execute(statement, [_value(name, value, ids) for name, value in row.items()])
        execute("COMMIT")


def _value(name: str, value: Any, ids: list[uuid.UUID]) -> Any:
    if not isinstance(value, Place):
        return value
    if value.number < 0:
        return uuid.UUID(value.before).hex
    # Texts that name a signal have the id with its dashes, columns of ids have it without.
    return (
        value.before + str(ids[value.number]) if name in ("object_id", "subject") else ids[value.number].hex
    )
