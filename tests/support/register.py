"""A register to test against: databases made from a migrated template, and callers with tokens.

Keeps what every test needs once: template databases with the demo pack loaded (SQLite file, PostgreSQL
template), the application in process, and the same application as a real server process on a free port.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Table, select

from service import clock
from service.app import create_app
from service.database import Database
from service.demo.loading import Loaded, load_demo
from service.http import HttpLayer
from service.migrations import migrate_database
from service.settings import Settings
from service.synthesis.pack import load_pack
from tests.support.applications import forget_applications
from tests.support.postgres import Postgres
from tests.support.processes import start

ROOT = Path(__file__).parents[2]
BASE_URL = "http://127.0.0.1:8000"
UNLIMITED = dict.fromkeys(("limit_reading", "limit_writing", "limit_batches", "limit_tokens"), 10**6)


def apart(function: Any, *arguments: Any) -> Any:
    """Run something that starts an event loop of its own, outside the loop of the tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def prepared(url: str, folder: Path) -> Loaded:
    """Migrate a database and load the demo pack, with the areas set before their year began."""

    def prepare() -> Loaded:
        migrate_database(url)
        moment = folder / "moment"
        moment.write_text("2025-12-15T12:00:00Z")
        clock.follow(moment)
        try:
            return asyncio.run(_load(url))
        finally:
            clock.follow(None)

    return apart(prepare)


async def _load(url: str) -> Loaded:
    database = Database(url, pool_size=1)
    try:
        return await load_demo(database, load_pack(), with_areas=True)
    finally:
        await database.close()


@dataclass
class Templates:
    """Prepared databases, one for each engine; each test gets a copy."""

    folder: Path
    postgres: Postgres
    loaded: dict[str, Loaded] = field(default_factory=dict)

    def prepare(self) -> None:
        self.loaded["sqlite"] = prepared(self._sqlite_url(self.folder / "template.db"), self.folder)
        self.postgres.create_database("template_register")
        self.loaded["postgresql"] = prepared(self.postgres.url("template_register"), self.folder)

    @contextmanager
    def copy(self, engine: str) -> Iterator[str]:
        """The URL of a fresh copy, dropped afterwards."""
        name = f"register_{uuid.uuid4().hex[:12]}"
        if engine == "sqlite":
            file = self.folder / f"{name}.db"
            shutil.copyfile(self.folder / "template.db", file)
            yield self._sqlite_url(file)
            for leftover in self.folder.glob(f"{name}.db*"):
                leftover.unlink()
        else:
            self.postgres.create_database(name, template="template_register")
            yield self.postgres.url(name)
            self.postgres.drop_database(name)

    @staticmethod
    def _sqlite_url(file: Path) -> str:
        return f"sqlite+aiosqlite:///{file}"


@dataclass
class Register:
    """A running register and how to call it."""

    http: httpx.AsyncClient
    loaded: Loaded
    database: Database
    app: HttpLayer | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, client: str, scope: str | None = None) -> str:
        """A token of a demo client, asked for once."""
        known = self.tokens.get(f"{client} {scope}")
        if known is None:
            credential = self.loaded.credentials[client]
            form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
            answer = await self.http.post(
                "/oauth/token", data=form, auth=(credential.client_id, credential.client_secret)
            )
            assert answer.status_code == 200, answer.text
            known = self.tokens[f"{client} {scope}"] = answer.json()["access_token"]
        return known

    async def headers(self, client: str, **more: str) -> dict[str, str]:
        """Authorization of a demo client, an actor where its role needs one, and more headers."""
        headers = {"Authorization": f"Bearer {await self.token(client)}"}
        if self.loaded.credentials[client].role != "reporter":
            headers["Actor"] = "staff.one"
        return headers | {name.replace("_", "-"): value for name, value in more.items()}

    async def post_signal(
        self, body: Any, *, client: str = "jpt-helmond", key: str | None = None
    ) -> httpx.Response:
        headers = await self.headers(client, idempotency_key=key or str(uuid.uuid4()))
        return await self.http.post("/v1/signals", json=body, headers=headers)

    async def claim(
        self, *, client: str = "contact-point-helmond", key: str | None = None, **wanted: Any
    ) -> httpx.Response:
        headers = await self.headers(client, idempotency_key=key or str(uuid.uuid4()))
        return await self.http.post("/v1/referral-claims", json=wanted, headers=headers)

    async def step(
        self, referral: dict[str, Any], step: str, body: Any = None, *, client: str = "contact-point-helmond"
    ) -> httpx.Response:
        """Take a step on the version of a referral that was read."""
        headers = await self.headers(client, if_match=f'"{referral["version"]}"')
        return await self.http.post(f"/v1/referrals/{referral['id']}/{step}", json=body, headers=headers)

    async def run_job(self, name: str) -> None:
        """Let a job do its work once, in this process."""
        assert self.app is not None
        root: Any = self.app.app
        (job,) = [one for one in root.state.every_job if one.name == name]
        await job.run(self.database)

    async def released(
        self, period: str, *, client: str = "administrator", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Have a period compiled, by the job: the release, the compilation that failed, or the refusal."""
        headers = headers or await self.headers(client)
        asked = await self.http.post("/v1/statistics/releases", json={"period": period}, headers=headers)
        if asked.status_code != 202:
            return asked
        compilation = await self._compiled(asked.headers["Location"], headers)
        release = compilation.json().get("release")
        if release is None:
            return compilation
        return await self.http.get(f"/v1/statistics/releases/{release}", headers=headers)

    async def _compiled(self, path: str, headers: dict[str, str]) -> httpx.Response:
        """The compilation after its job: of this process, else of the server's, which is waited for."""
        if self.app is not None:
            await self.run_job("compile-releases")
            return await self.http.get(path, headers=headers)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            compilation = await self.http.get(path, headers=headers)
            if "endedAt" in compilation.json():
                return compilation
            await asyncio.sleep(0.1)
        raise TimeoutError("the compilation did not end")

    async def rows(self, model: Any) -> list[Any]:
        """All rows of a table."""
        table: Table = model.__table__
        async with self.database.reading() as session:
            return list(await session.execute(select(table)))


def settings_for(url: str, folder: Path, **more: Any) -> Settings:
    """Settings of a test register; its jobs are run by the tests that are about them."""
    values: dict[str, Any] = {
        "database_url": url,
        "key_dir": folder / "keys",
        "log_level": "ERROR",
        "jobs": False,
    }
    return Settings(**{**values, **UNLIMITED, **more})


@asynccontextmanager
async def in_process(url: str, loaded: Loaded, folder: Path, **more: Any) -> AsyncIterator[Register]:
    """The application in this process, with its queues running, called over ASGI."""
    app = create_app(settings_for(url, folder, **more))
    root: Any = app.app
    async with root.router.lifespan_context(root):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            yield Register(http, loaded, root.state.database, app)
    forget_applications()


@dataclass
class ServerProcess:
    """A real server: `python -m service serve` on a port of the loopback."""

    url: str
    process: Any

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def server(
    database_url: str, folder: Path, *, port: int | None = None, module: str = "service", **more: Any
) -> Iterator[ServerProcess]:
    """Start a server process and wait until it is ready; it is ended with the block."""
    port = port or free_port()
    environment = {
        **os.environ,
        "SIGNAL_DATABASE_URL": database_url,
        "SIGNAL_KEY_DIR": str(folder / "keys"),
        "SIGNAL_LOG_LEVEL": "ERROR",
        **{f"SIGNAL_{name.upper()}": str(value) for name, value in {**UNLIMITED, **more}.items()},
    }
    with started([module, "serve"], environment, port) as running:
        yield running


@contextmanager
def started(command: list[str], environment: dict[str, str], port: int) -> Iterator[ServerProcess]:
    """Start a process that serves on a port, by `python -m`, and wait until it is ready; ended with the block."""
    process = start([*command, "--port", str(port)], environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process)
        yield ServerProcess(url, process)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


@asynccontextmanager
async def calling(server_url: str, database_url: str, loaded: Loaded) -> AsyncIterator[Register]:
    """Calls to a server process, with a look at its database."""
    database = Database(database_url, pool_size=2)
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=server_url, limits=limits, timeout=60) as http:
        yield Register(http, loaded, database)
    await database.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: Any) -> None:
    deadline = time.monotonic() + 30
    with httpx.Client(timeout=2, verify=False) as http:  # one for all: a client's TLS costs more than asking
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode} before it was ready")
            try:
                if http.get(f"{url}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
    raise RuntimeError("the server did not get ready in 30 s")
