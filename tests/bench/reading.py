"""One's own signal by id, audited, against the same server that records no reads."""

from collections.abc import Sequence
from pathlib import Path

from service.demo.loading import Loaded
from tests.bench.posting import CLIENT, Load
from tests.bench.windows import Pairs, interleaved
from tests.support.postgres import Postgres
from tests.support.register import ServerProcess, server


def write_paths(paths: Sequence[str], folder: Path) -> Path:
    """A file with the paths of some of the client's own signals."""
    file = folder / "paths"
    file.write_text("".join(f"{path}\n" for path in paths))
    return file


def own_by_id(
    running: ServerProcess,
    loaded: Loaded,
    folder: Path,
    postgres: Postgres,
    url: str,
    own: Sequence[str],
    seconds: float,
    windows: int,
) -> tuple[Pairs, Load]:
    """Windows of both by turns."""
    paths = write_paths(own, folder)
    audited = Load(running, loaded.credentials[CLIENT], paths, path="GET")
    with server(url, folder, module="tests.bench.unaudited", log_level="INFO") as other:
        unaudited = Load(other, loaded.credentials[CLIENT], paths, path="GET")
        pairs = interleaved(
            lambda: audited.window(seconds, postgres.cpu_seconds),
            lambda: unaudited.window(seconds, postgres.cpu_seconds),
            lambda: None,
            windows,
        )
    return pairs, audited
