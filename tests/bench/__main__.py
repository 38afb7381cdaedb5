"""`make bench`: measure posting against its anchors and write RESULTS.md."""

import os
import shlex
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.bench.anchor_postgres import Pgbench
from tests.bench.anchor_sqlite import Loop
from tests.bench.books import check_books
from tests.bench.machine import INSTALL, lacking, machine
from tests.bench.posting import CLIENT, Poster, log_into, write_bodies
from tests.bench.results import Row, Section, write_results, written
from tests.bench.windows import Pairs, interleaved
from tests.support.postgres import Postgres, roomy
from tests.support.register import prepared, server

SERVE = "python -m service serve  # one process, settings by default"


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    windows, seconds = (3, 5.0) if quick else (7, 10.0)
    load = os.getloadavg()[0]
    if "wrk" in lacking():
        sys.exit(f"Nothing measured: {INSTALL['wrk']}.")
    # On disk, as production: a temporary file system may be memory.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=roomy("/var/tmp", "/tmp")) as name:
        folder = Path(name)
        write_bodies(folder / "bodies.ndjson")
        sections, version = [], None
        with Postgres(durable=True, settings={"autovacuum": "off"}) as postgres:
            if "pgbench" in lacking(str(postgres.binaries)):
                print(f"Left out PostgreSQL: {INSTALL['pgbench']}.")
            else:
                section, version = on_postgres(postgres, folder, windows, seconds)
                sections.append(section)
        sections.append(on_sqlite(folder, windows, seconds))
    write_results(machine(version, load), sections, quick)
    print("Written: tests/bench/RESULTS.md")


def on_postgres(postgres: Postgres, folder: Path, windows: int, seconds: float) -> tuple[Section, str]:
    """POST on a durable PostgreSQL against pgbench on the same database."""
    print("POST on PostgreSQL : pgbench with one CTE statement per transaction")
    postgres.create_database("register")
    url = postgres.url("register")
    loaded = prepared(url, folder)
    with log_into(folder / "log"), server(url, folder, log_level="INFO") as running:
        poster = Poster(running, loaded.credentials[CLIENT], folder / "bodies.ndjson")
        sample = poster.post_sample()
        pgbench = Pgbench(postgres, "register", folder)
        pairs = interleaved(
            lambda: poster.window(seconds, postgres.cpu_seconds),
            lambda: pgbench.window(seconds),
            pgbench.settle,
            windows,
        )
        memory = poster.memory_mb()
    posted, anchored = pairs.total()
    typical = pgbench.typical
    notes = [
        *check_books(pgbench.fetch, typical, sample + posted, anchored),
        f"The anchor's signal has {typical.persons} person(s) with {typical.sealed} token(s), rows as wide as the "
        "register wrote them for a posted signal near the mean.",
        "Autovacuum is off; VACUUM (ANALYZE) runs between the windows, outside both sides' figures.",
        f"Memory of the API process after these POSTs: {memory:.0f} MB (must ≤ 200, aim ≤ 120).",
    ]
    version = pgbench.fetch("SELECT split_part(version(), ' on ', 1) AS version")[0]["version"]
    commands = [
        SERVE,
        f"{shlex.join(poster.command(seconds))} URL -- bodies.ndjson TOKEN {seconds:.0f} 64",
        f"{shlex.join(pgbench.command(seconds))} -f anchor.sql -D…  # fsync and synchronous_commit on",
    ]
    rows = [
        Row(
            "requests per second / pgbench CTE of our own tables",
            written(pairs.rate_ratio()),
            "≥ 0.30",
            "≥ 0.50",
        ),
        *_cpu_rows(pairs),
        Row("CPU per request / CPU of pgbench's PostgreSQL", written(pairs.cpu_ratio(), " ×"), "≤ 3 ×", ""),
    ]
    return Section("POST /v1/signals on PostgreSQL, everything on", commands, rows, pairs, notes), str(
        version
    )


def on_sqlite(folder: Path, windows: int, seconds: float) -> Section:
    """POST on SQLite with synchronous=FULL against a loop in process that commits one signal at a time."""
    print("POST on SQLite FULL : in-process loop, one signal per commit")
    file = folder / "register.db"
    url = f"sqlite+aiosqlite:///{file}"
    loaded = prepared(url, folder)
    with log_into(folder / "log"), server(url, folder, log_level="INFO") as running:
        poster = Poster(running, loaded.credentials[CLIENT], folder / "bodies.ndjson")
        sample = poster.post_sample()
        loop = Loop(file)
        pairs = interleaved(
            lambda: poster.window(seconds, lambda: 0.0), lambda: loop.window(seconds), loop.settle, windows
        )
    posted, anchored = pairs.total()
    notes = check_books(loop.fetch, loop.typical, sample + posted, anchored)
    loop.close()
    commands = [
        SERVE,
        f"{shlex.join(poster.command(seconds))} URL -- bodies.ndjson TOKEN {seconds:.0f} 64",
        loop.command,
    ]
    rows = [
        Row("requests per second / in-process loop", written(pairs.rate_ratio()), "≥ 0.5", "≥ 1.0"),
        *_cpu_rows(pairs),
    ]
    return Section("POST /v1/signals on SQLite FULL", commands, rows, pairs, notes)


def _cpu_rows(pairs: Pairs) -> list[Row]:
    cpu = written(pairs.of_ours(lambda window: window.cpu_ms), " ms")
    return [
        Row("CPU per request, application + database", cpu, "≤ 1.5 ms", "≤ 0.9 ms"),
        Row(
            "CPU per transaction of the anchor",
            written(pairs.of_anchors(lambda window: window.cpu_ms), " ms"),
            "",
            "",
        ),
    ]


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
