"""What a request costs with many signals against few: two registers, filled over HTTP, measured by turns."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.demo.loading import Loaded
from tests.bench.batching import LINES, Batcher
from tests.bench.posting import CLIENT, Load
from tests.bench.reading import write_paths
from tests.bench.windows import Pairs, Window, interleaved
from tests.support.postgres import Postgres
from tests.support.register import ServerProcess, prepared, server

POINT, ACTOR = "contact-point-helmond", "staff.one"
FEW = 10_000


@dataclass(frozen=True)
class Filled:
    """A register with so many signals, and the memory of its server before and after, in MB."""

    server: ServerProcess
    loaded: Loaded
    folder: Path
    memory: list[float]


@contextmanager
def filled(postgres: Postgres, folder: Path, bodies: Path, count: int) -> Iterator[Filled]:
    """A register of its own, filled in batches; memory is looked at ten times on the way."""
    name = f"register_{count}"
    folder = folder / name
    folder.mkdir()
    postgres.create_database(name)
    url = postgres.url(name)
    loaded = prepared(url, folder)
    with server(url, folder, log_level="INFO") as running:
        batcher = Batcher(running, loaded.credentials[CLIENT], bodies)
        memory = []
        for part in range(10):
            batcher.window(count // LINES // 10, lambda: 0.0)
            memory.append(batcher.memory_mb())
            print(f"  {(part + 1) * count // 10:,} signals, {memory[-1]:.0f} MB", flush=True)
        yield Filled(running, loaded, folder, memory)


def measures(one: Filled, bodies: Path) -> dict[str, Load]:
    """What is asked of each register."""
    claims, pages = one.folder / "claims", one.folder / "pages"
    claims.write_text('{"limit": 10}\n')
    pages.write_text("/v1/referrals?limit=50\n")
    reporter, point = one.loaded.credentials[CLIENT], one.loaded.credentials[POINT]
    paths = write_paths(Load(one.server, reporter, bodies).post_sample(), one.folder)
    return {
        "POST": Load(one.server, reporter, bodies),
        "own signal by id": Load(one.server, reporter, paths, path="GET"),
        "claim of 10": Load(
            one.server, point, claims, path="/v1/referral-claims", actor=ACTOR, connections=16
        ),
        "queue page of 50": Load(one.server, point, pages, path="GET", actor=ACTOR, connections=16),
    }


def grown(
    postgres: Postgres,
    folder: Path,
    bodies: Path,
    *,
    many: int,
    seconds: float,
    windows: int,
    settle: Callable[[], None],
) -> tuple[dict[str, Pairs], list[float]]:
    """The windows of each measure, many signals against few; and the memory while many came in."""
    with filled(postgres, folder, bodies, many) as large, filled(postgres, folder, bodies, FEW) as small:
        found = {}
        of_small = measures(small, bodies)
        for name, load in measures(large, bodies).items():
            settle()  # as autovacuum would: what the measure before wrote is known to the planner
            print(f"{name}: {many:,} : {FEW:,} signals")
            other = of_small[name]
            found[name] = interleaved(
                _window(load, seconds, postgres), _window(other, seconds, postgres), lambda: None, windows
            )
        return found, large.memory


def _window(load: Load, seconds: float, postgres: Postgres) -> Callable[[], Window]:
    return lambda: load.window(seconds, postgres.cpu_seconds)
