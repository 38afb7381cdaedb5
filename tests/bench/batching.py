"""Batches of 1,000 lines as a partner sends them, and their anchor: COPY of the same rows, encoded beforehand."""

import asyncio
import io
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import psutil

from service.columns import new_id
from service.demo.loading import Credential
from tests.bench.typical import Place, Typical
from tests.bench.windows import Window
from tests.support.postgres import Postgres
from tests.support.register import ServerProcess

LINES = 1000


class Batcher:
    """Sends batches to one server as one client, one after the other."""

    command = "httpx: POST /v1/signals/_batch, 1,000 lines each, one after the other"

    def __init__(self, server: ServerProcess, credential: Credential, bodies: Path) -> None:
        self._server, self._credential = server, credential
        self._process = psutil.Process(server.process.pid)
        self._bodies = bodies.read_text().splitlines()

    def window(self, batches: int, database_cpu: Callable[[], float]) -> Window:
        """So many batches; raises when a line got anything but a 201."""
        with httpx.Client(base_url=self._server.url, timeout=120) as http:
            headers = {"Authorization": f"Bearer {self._token(http)}", "Content-Type": "application/x-ndjson"}
            before, database_before, began = self._cpu(), database_cpu(), time.perf_counter()
            for number in range(batches):
                answer = http.post("/v1/signals/_batch", content=self._content(number), headers=headers)
                if answer.content.count(b'"status":201') != LINES:
                    raise RuntimeError(f"not every line was registered: {answer.text[-2000:]}")
            seconds = time.perf_counter() - began
        return Window(
            done=batches * LINES,
            seconds=seconds,
            application_cpu=self._cpu() - before,
            database_cpu=database_cpu() - database_before,
        )

    def memory_mb(self) -> float:
        return float(self._process.memory_info().rss / 1e6)

    def _content(self, number: int) -> str:
        bodies = self._bodies
        return "".join(
            f'{{"idempotencyKey":"{uuid.uuid4()}","signal":{bodies[(number * LINES + place) % len(bodies)]}}}\n'
            for place in range(LINES)
        )

    def _token(self, http: httpx.Client) -> str:
        who = (self._credential.client_id, self._credential.client_secret)
        answer = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=who)
        return str(answer.raise_for_status().json()["access_token"])

    def _cpu(self) -> float:
        return float(sum(self._process.cpu_times()[:2]))


class Copy:
    """The anchor: the rows of a typical signal, 1,000 signals a transaction, one COPY a table."""

    command = "asyncpg: COPY … FROM STDIN (FORMAT csv), encoded beforehand, one transaction for 1,000 signals"

    def __init__(self, server: Postgres, database: str, typical: Typical) -> None:
        self._server, self._typical = server, typical
        self._address = {"host": str(server.folder), "user": "postgres", "database": database}

    def window(self, batches: int) -> Window:
        encoded = [self._encoded() for _ in range(batches)]
        before, (seconds,) = self._server.cpu_seconds(), [asyncio.run(self._copy(encoded))]
        return Window(batches * LINES, seconds, 0.0, self._server.cpu_seconds() - before)

    async def _copy(self, encoded: list[list[tuple[str, list[str], bytes]]]) -> float:
        connection = await asyncpg.connect(**self._address)
        began = time.perf_counter()
        for tables in encoded:
            async with connection.transaction():
                for table, columns, content in tables:
                    await connection.copy_to_table(
                        table, source=io.BytesIO(content), columns=columns, format="csv"
                    )
        seconds = time.perf_counter() - began
        await connection.close()
        return seconds

    def _encoded(self) -> list[tuple[str, list[str], bytes]]:
        fresh = [[uuid.uuid4(), *(new_id() for _ in range(1, self._typical.ids))] for _ in range(LINES)]
        by_table: dict[str, tuple[list[str], list[str]]] = {}
        for table, row in self._typical.rows:
            _, lines = by_table.setdefault(table.name, (list(row), []))
            lines += [",".join(_field(value, ids) for value in row.values()) for ids in fresh]
        return [
            (name, columns, "\n".join([*lines, ""]).encode()) for name, (columns, lines) in by_table.items()
        ]


def _field(value: Any, ids: list[uuid.UUID]) -> str:
    if value is None:
        return ""
    if isinstance(value, Place):
        value = value.before if value.number < 0 else f"{value.before}{ids[value.number]}"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return '"' + text.replace('"', '""') + '"'
