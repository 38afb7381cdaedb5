"""A server of the demo's own: a throw-away database and keys in a temporary folder, a process on a port.

The demo's clock is a file in that folder; the server puts its moment on what it receives.
"""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service import clock
from service.database import Database
from service.demo.loading import Loaded, load_demo
from service.demo.processes import free_port, started
from service.migrations import migrate_database
from service.synthesis.models import Pack


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
def running(pack: Pack, *, port: int, key_service_url: str, prepared_on: datetime) -> Iterator[DemoServer]:
    """A server with the pack loaded on a day (before the areas' year begins), ended with the block."""
    with tempfile.TemporaryDirectory(prefix="signal-register-") as name:
        folder = Path(name)
        moment = folder / "clock"
        moment.write_text(prepared_on.isoformat(), encoding="ascii")
        database_url = f"sqlite+aiosqlite:///{folder}/register.db"
        migrate_database(database_url)
        clock.follow(moment)
        loaded = asyncio.run(_load(database_url, pack))
        port = port or free_port()
        url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "SIGNAL_ENV": "development",
            "SIGNAL_DATABASE_URL": database_url,
            "SIGNAL_KEY_DIR": str(folder / "keys"),
            "SIGNAL_CLOCK_FILE": str(moment),
            "SIGNAL_PUBLIC_URL": url,
            "SIGNAL_KEY_SERVICE_URL": key_service_url,
            "SIGNAL_LOG_LEVEL": "WARNING",
            # Half a year passes in a minute here.
            **{f"SIGNAL_LIMIT_{kind}": "1000000" for kind in ("READING", "WRITING", "TOKENS")},
        }
        with started(["serve", "--port", str(port)], environment, url) as process:
            yield DemoServer(url, loaded, moment, process)


async def _load(url: str, pack: Pack) -> Loaded:
    database = Database(url, pool_size=1)
    try:
        return await load_demo(database, pack, with_areas=True)
    finally:
        await database.close()
