"""One's own signal by id, audited, against the same server that records no reads."""

from pathlib import Path

import httpx

from service.demo.loading import Loaded
from tests.bench.posting import CLIENT, Load
from tests.bench.windows import Pairs, interleaved
from tests.support.postgres import Postgres
from tests.support.register import ServerProcess, server


def write_paths(running: ServerProcess, loaded: Loaded, folder: Path) -> Path:
    """A file with the paths of a few hundred of the client's own signals."""
    token = Load(running, loaded.credentials[CLIENT], folder).token()
    headers = {"Authorization": f"Bearer {token}"}
    page = httpx.get(f"{running.url}/v1/signals?limit=200", headers=headers, timeout=60).raise_for_status()
    file = folder / "paths"
    file.write_text("".join(f"/v1/signals/{one['id']}\n" for one in page.json()["items"]))
    return file


def own_by_id(
    running: ServerProcess,
    loaded: Loaded,
    folder: Path,
    postgres: Postgres,
    url: str,
    seconds: float,
    windows: int,
) -> tuple[Pairs, Load]:
    """Windows of both by turns."""
    paths = write_paths(running, loaded, folder)
    audited = Load(running, loaded.credentials[CLIENT], paths, script="get.lua")
    with server(url, folder, module="tests.bench.unaudited", log_level="INFO") as other:
        unaudited = Load(other, loaded.credentials[CLIENT], paths, script="get.lua")
        pairs = interleaved(
            lambda: audited.window(seconds, postgres.cpu_seconds),
            lambda: unaudited.window(seconds, postgres.cpu_seconds),
            lambda: None,
            windows,
        )
    return pairs, audited
