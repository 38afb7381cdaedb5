"""The anchor on PostgreSQL: pgbench, one CTE statement per transaction that inserts the same rows.

Everything that a client would have to send goes as a parameter of a prepared statement; ids are in order of
time as ours are, the key is random as a partner's is.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from tests.bench.typical import Place, Typical, typical_of
from tests.bench.windows import Window
from tests.support.postgres import Postgres

CONNECTIONS = 64
DIALECT = postgresql.dialect()
# 12 hexadecimal digits of milliseconds and 18 at random; the last two of an id are its number.
BASE = """
WITH base AS (
  SELECT lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
         || right(replace(gen_random_uuid()::text, '-', ''), 18) AS half
), fresh AS MATERIALIZED (SELECT gen_random_uuid() AS i0, {ids} FROM base)
"""


class Pgbench:
    """Runs windows of the anchor on one database."""

    def __init__(self, server: Postgres, database: str, folder: Path) -> None:
        self._server = server
        self._environment = server.psql_environment(database)
        self._file = folder / "anchor.sql"
        self._parameters: list[str] = []
        self.typical = typical_of(self.fetch, "id::text", str)
        self._file.write_text(self._statement(self.typical))

    @staticmethod
    def command(seconds: float) -> list[str]:
        """The command without its parameters, as told in the results."""
        width = str(CONNECTIONS)
        return ["pgbench", "-n", "-c", width, "-j", "2", "-M", "prepared", "-T", f"{seconds:.0f}"]

    def fetch(self, query: str) -> list[dict[str, Any]]:
        """Rows as PostgreSQL writes them in JSON."""
        answer = self._run("psql", "-XqAtc", f"SELECT to_jsonb(found) FROM ({query}) AS found")
        return [json.loads(line) for line in answer.splitlines()]

    def settle(self) -> None:
        """Vacuum and analyse outside the windows: autovacuum is off, or one side would pay for the other's rows."""
        self._run("psql", "-Xqc", "VACUUM (ANALYZE)")

    def window(self, seconds: float) -> Window:
        before = self._server.cpu_seconds()
        defined = [f"-Dv{number}={value}" for number, value in enumerate(self._parameters)]
        answer = self._run(*self.command(seconds), "-f", str(self._file), *defined)
        return _window_of(answer, self._server.cpu_seconds() - before)

    def _run(self, program: str, *arguments: str) -> str:
        return _run(self._environment, program, *arguments)

    def _statement(self, typical: Typical) -> str:
        ids = ", ".join(f"(half || '{number:02x}')::uuid AS i{number}" for number in range(1, typical.ids))
        inserts = [
            f'INSERT INTO "{table.name}" ({", ".join(row)}) '
            f"SELECT {', '.join(self._value(table.c[name], value) for name, value in row.items())} FROM fresh"
            for table, row in typical.rows
        ]
        *others, last = inserts
        named = "".join(f",\nt{number} AS ({insert})" for number, insert in enumerate(others))
        return re.sub(r"\s*\n\s*", " ", BASE.format(ids=ids) + named + "\n" + last).strip() + ";\n"

    def _value(self, column: "Column[Any]", value: Any) -> str:
        kind = column.type.compile(DIALECT)
        match value:
            case None:
                return f"NULL::{kind}"
            case int():
                return str(value)
            case Place(before, -1):
                return f"'{before}'::uuid"
            case Place("", number):
                return f"i{number}::{kind}"
            case Place(before, number):
                return f"'{before}' || i{number}"
            case _:
                self._parameters.append(value)
                return f":v{len(self._parameters) - 1}::{kind}"


def run_pgbench(
    server: Postgres, database: str, script: Path, values: dict[str, str], seconds: float, clients: int
) -> Window:
    """A window of a script of one's own, with its variables."""
    before = server.cpu_seconds()
    defined = [f"-D{name}={value}" for name, value in values.items()]
    width = ["-n", "-c", str(clients), "-j", "2", "-M", "prepared", "-T", f"{seconds:.0f}"]
    answer = _run(server.psql_environment(database), "pgbench", *width, "-f", str(script), *defined)
    return _window_of(answer, server.cpu_seconds() - before)


def _run(environment: dict[str, str], program: str, *arguments: str) -> str:
    found = shutil.which(program, path=environment["PATH"]) or program
    answer = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True)
    if answer.returncode:
        raise RuntimeError(f"{program} failed: {answer.stderr[-2000:]}")
    return answer.stdout


def _window_of(answer: str, database_cpu: float) -> Window:
    done = int(_found(r"number of transactions actually processed: (\d+)", answer))
    if int(_found(r"number of failed transactions: (\d+)", answer)):
        raise RuntimeError(f"the anchor failed:\n{answer}")
    rate = float(_found(r"tps = ([0-9.]+)", answer))
    return Window(done, done / rate, 0.0, database_cpu)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"pgbench did not say {pattern!r}:\n{text}")
    return match[1]
