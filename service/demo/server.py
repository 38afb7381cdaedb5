"""A server of the demo's own: a throw-away database and keys in a temporary folder, a process on a port.

The demo's clock is a file in that folder; the server puts its moment on what it receives.
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from service import clock
from service.database import Database
from service.demo.loading import Loaded, load_demo
from service.demo.models import Pack
from service.migrations import migrate_database

READY_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class DemoServer:
    """A running register with the demo pack; `moment` is the file that its clock follows."""

    url: str
    loaded: Loaded
    moment: Path
    process: subprocess.Popen[bytes]

    def set_clock(self, moment: datetime) -> None:
        """Let what comes in from now on be received at this moment."""
        draft = self.moment.with_suffix(".new")
        draft.write_text(moment.astimezone(UTC).isoformat(), encoding="ascii")
        draft.replace(self.moment)

    def run_on(self) -> None:
        """Let the real time be the clock again."""
        self.moment.unlink()


@contextmanager
def running(pack: Pack, *, port: int, prepared_on: datetime) -> Iterator[DemoServer]:
    """A server with the pack loaded on a day (before the areas' year begins), ended with the block."""
    with tempfile.TemporaryDirectory(prefix="signal-register-") as name:
        folder = Path(name)
        moment = folder / "clock"
        moment.write_text(prepared_on.isoformat(), encoding="ascii")
        url = f"sqlite+aiosqlite:///{folder}/register.db"
        migrate_database(url)
        clock.follow(moment)
        loaded = asyncio.run(_load(url, pack))
        port = port or _free_port()
        process = _start(url, folder, moment, port)
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", process)
            yield DemoServer(f"http://127.0.0.1:{port}", loaded, moment, process)
        finally:
            process.terminate()
            process.wait(20)


async def _load(url: str, pack: Pack) -> Loaded:
    database = Database(url, pool_size=1)
    try:
        return await load_demo(database, pack, with_areas=True)
    finally:
        await database.close()


def _start(url: str, folder: Path, moment: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SIGNAL_ENV": "development",
        "SIGNAL_DATABASE_URL": url,
        "SIGNAL_KEY_DIR": str(folder / "keys"),
        "SIGNAL_CLOCK_FILE": str(moment),
        "SIGNAL_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SIGNAL_LOG_LEVEL": "WARNING",
        # Half a year passes in a minute here.
        **{f"SIGNAL_LIMIT_{kind}": "1000000" for kind in ("READING", "WRITING", "TOKENS")},
    }
    command = [sys.executable, "-m", "service", "serve", "--port", str(port)]
    return subprocess.Popen(command, env=environment)  # noqa: S603


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            if httpx.get(f"{url}/health/ready", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the server did not get ready")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
