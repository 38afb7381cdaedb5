"""`make bench`: measure against the anchors and write RESULTS.md."""

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

from tests.bench.anchor_postgres import Pgbench
from tests.bench.anchor_sqlite import Loop
from tests.bench.batching import Batcher, Copy
from tests.bench.books import check_books
from tests.bench.growth import FEW, grown
from tests.bench.known import known_and_unknown
from tests.bench.machine import INSTALL, lacking, machine
from tests.bench.partner import client_posts, evaluations
from tests.bench.posting import CLIENT, Load, log_into, write_bodies
from tests.bench.queue import CONSUMERS, POLLERS, coordinators_day
from tests.bench.reading import own_by_id
from tests.bench.releasing import what_releases_cost
from tests.bench.results import Row, Section, replace_section, write_results, written
from tests.bench.rules import what_rules_cost
from tests.bench.windows import Pairs, interleaved
from tests.support.postgres import Postgres, roomy
from tests.support.register import prepared, server

SERVE = "python -m service serve  # one process, settings by default"
BATCHES = 8


def main() -> None:
    quick, alone = "--quick" in sys.argv[1:], "--releases" in sys.argv[1:]
    windows, seconds, many = (3, 2.0, 20_000) if quick else (7, 10.0, 1_000_000)
    load = os.getloadavg()[0]
    if "wrk" in lacking():
        sys.exit(f"Nothing measured: {INSTALL['wrk']}.")
    # On disk, as production: a temporary file system may be memory.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=roomy("/var/tmp", "/tmp")) as name:
        folder = Path(name)
        if alone:
            releases_alone(folder, load)
            return
        write_bodies(folder / "bodies.ndjson")
        sections, version = [], None
        with Postgres(durable=True, settings={"autovacuum": "off"}) as postgres:
            if "pgbench" in lacking(str(postgres.binaries)):
                print(f"Left out PostgreSQL: {INSTALL['pgbench']}.")
            else:
                version = _version(postgres)
                sections += on_postgres(postgres, folder, windows, seconds)
                sections.append(
                    the_queue(postgres, folder, windows, seconds / 2, 40_000 if quick else 200_000)
                )
                sections += with_many(
                    postgres, folder, windows=2 if quick else 5, seconds=seconds / 2, many=many
                )
                sections.append(what_releases_cost(postgres, folder, seconds / 2, quick=quick))
        sections.append(on_sqlite(folder, windows, seconds))
        sections.append(what_rules_cost(windows))
    write_results(machine(version, load), sections, quick)
    print("Written: tests/bench/RESULTS.md")


def releases_alone(folder: Path, load: float) -> None:
    """The section of releases, put in its place among the other results."""
    with Postgres(durable=True, settings={"autovacuum": "off"}) as postgres:
        section = what_releases_cost(postgres, folder, 5.0, quick=False)
        replace_section(machine(_version(postgres), load), section, "make bench ONLY=releases")


def on_postgres(postgres: Postgres, folder: Path, windows: int, seconds: float) -> Iterator[Section]:
    """POST, batch and own signal by id on a durable PostgreSQL, each against its anchor on the same database."""
    postgres.create_database("register")
    url = postgres.url("register")
    loaded = prepared(url, folder)
    bodies = folder / "bodies.ndjson"
    with log_into(folder / "log"), server(url, folder, log_level="INFO") as running:
        poster = Load(running, loaded.credentials[CLIENT], bodies)
        sample = poster.post_sample()
        pgbench = Pgbench(postgres, "register", folder)
        print("POST on PostgreSQL : pgbench with one CTE statement per transaction")
        posting = interleaved(
            lambda: poster.window(seconds, postgres.cpu_seconds),
            lambda: pgbench.window(seconds),
            pgbench.settle,
            windows,
        )
        memory = poster.memory_mb()
        print("batch : COPY of the same rows")
        batcher = Batcher(running, loaded.credentials[CLIENT], bodies)
        copy = Copy(postgres, "register", pgbench.typical)
        batches = interleaved(
            lambda: batcher.window(BATCHES, postgres.cpu_seconds),
            lambda: copy.window(BATCHES),
            pgbench.settle,
            windows,
        )
        counts = [pairs.total() for pairs in (posting, batches)]
        posted, anchored = (sum(count) for count in zip(*counts, strict=True))
        books = check_books(pgbench.fetch, pgbench.typical, len(sample) + posted, anchored)
        print("own signal by id, audited : not audited")
        reading, reader = own_by_id(running, loaded, folder, postgres, url, sample, seconds, windows)
        known = known_and_unknown(running, loaded, folder)
        print("client post : the same lines sent bare")
        lines = 10_000 if windows > 3 else 3_000
        sent = client_posts(
            running, loaded.credentials[CLIENT], bodies, folder, lines=lines, windows=min(windows, 5)
        )
    print("evaluations : multiplications in the group")
    postgres.create_database("keys")
    requests = 400 if windows > 3 else 100
    evaluated = evaluations(
        postgres.url("keys"), folder, postgres.cpu_seconds, batches=requests, windows=windows
    )
    yield _posting(
        posting, pgbench, poster.command(seconds), pgbench.command(seconds), memory, [*books, known]
    )
    yield _batches(batches)
    yield _reading(reading, reader.command(seconds))
    yield _evaluations(evaluated)
    yield _sent(sent)


def _posting(
    pairs: Pairs, pgbench: Pgbench, ours: list[str], anchors: list[str], memory: float, books: list[str]
) -> Section:
    typical = pgbench.typical
    notes = [
        *books,
        f"The anchor's signal has {typical.persons} person(s) with {typical.sealed} token(s), rows as wide as the "
        "register wrote them for a posted signal near the mean.",
        "The reporter's agreement opens the note: a quarter of the bodies hold one, which the guard reads.",
        "The server's job numbers the events of both sides as they come, in both sides' windows.",
        "Autovacuum is off; VACUUM (ANALYZE) runs between the windows, outside both sides' figures.",
        f"Memory of the API process after these POSTs: {memory:.0f} MB (must ≤ 200, aim ≤ 120).",
    ]
    seconds = anchors[-1]
    commands = [
        SERVE,
        f"{shlex.join(ours)} URL -- bodies.ndjson TOKEN {seconds} 64 /v1/signals",
        f"{shlex.join(anchors)} -f anchor.sql -D…  # fsync and synchronous_commit on",
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
    return Section("POST /v1/signals on PostgreSQL, everything on", commands, rows, pairs, notes)


def _batches(pairs: Pairs) -> Section:
    rows = [
        Row("signals per second / COPY of the same rows", written(pairs.rate_ratio()), "≥ 0.30", "≥ 0.55"),
        Row(
            "CPU per signal, application + database",
            written(pairs.of_ours(lambda one: one.cpu_ms), " ms"),
            "",
            "",
        ),
        Row("CPU per signal of the anchor", written(pairs.of_anchors(lambda one: one.cpu_ms), " ms"), "", ""),
    ]
    notes = ["Every line was answered with a 201, and stands in the books of the section above."]
    return Section(
        "POST /v1/signals/_batch on PostgreSQL", [Batcher.command, Copy.command], rows, pairs, notes
    )


def _reading(pairs: Pairs, command: list[str]) -> Section:
    cpu = written(pairs.of_ours(lambda one: one.cpu_ms), " ms")
    rows = [
        Row("CPU per request, application + database", cpu, "≤ 2.0 ms", "≤ 1.2 ms"),
        Row(
            "requests per second / the same server without its trail",
            written(pairs.rate_ratio()),
            "≥ 0.6",
            "≥ 0.75",
        ),
    ]
    commands = [
        f"{shlex.join(command)} URL -- paths TOKEN SECONDS 64 GET",
        "the same against python -m tests.bench.unaudited serve",
    ]
    return Section("GET /v1/signals/{id}, one's own, on PostgreSQL", commands, rows, pairs, [])


def _evaluations(pairs: Pairs) -> Section:
    per_second = written(pairs.of_ours(lambda one: 1000 / one.cpu_ms), " /s", 0)
    rows = [
        Row("evaluations per second of CPU, application + database", per_second, "≥ 5,000 /s", ""),
        Row("CPU / the multiplication alone", written(pairs.cpu_ratio(), " ×"), "", ""),
    ]
    notes = ["Token check, quota and trail are in it: each batch of 50 is one durable transaction."]
    commands = [
        "python -m service keyservice serve  # one process; quotas raised",
        "httpx: POST /v1/evaluations, 50 elements each, 8 at a time",
    ]
    return Section("Key service: evaluations in batches, on PostgreSQL", commands, rows, pairs, notes)


def _sent(pairs: Pairs) -> Section:
    per_second = written(pairs.of_ours(lambda one: 1000 / one.application_ms), " /s", 0)
    rows = [
        Row("signals per second of the client's CPU, its start included", per_second, "≥ 1,000 /s", ""),
        Row("CPU / sending the same lines bare", written(pairs.cpu_ratio(), " ×"), "", ""),
    ]
    commands = ["python -m service client post posted.ndjson", "httpx: the same lines, made before"]
    notes = ["The lines hold their tokens already. CPU is that of the client's process alone."]
    return Section("The shipped client: client post into _batch", commands, rows, pairs, notes)


def the_queue(postgres: Postgres, folder: Path, windows: int, seconds: float, waiting: int) -> Section:
    """Claims of 10 by 16 consumers against the same SQL by pgbench; the feed; what waiting costs."""
    print("claim of 10 : the same SQL by pgbench")
    with log_into(folder / "log of the queue"):
        day = coordinators_day(
            postgres,
            folder,
            folder / "bodies.ndjson",
            waiting=waiting,
            seconds=seconds,
            windows=min(windows, 5),
        )
    lags = sorted(day.lags)
    rows = [
        Row(
            "claims per second / the same SQL by pgbench", written(day.claims.rate_ratio()), "≥ 0.15", "≥ 0.4"
        ),
        Row(
            "CPU per claim, application + database",
            written(day.claims.of_ours(lambda one: one.cpu_ms), " ms"),
            "",
            "",
        ),
        Row("CPU of the anchor", written(day.claims.of_anchors(lambda one: one.cpu_ms), " ms"), "", ""),
        Row(
            "seconds until a reader of the feed sees an event, at the POST rate",
            f"**{median(lags):.1f}** (99 %: {lags[int(len(lags) * 0.99)]:.1f}, longest {lags[-1]:.1f})",
            "≤ 2 s",
            "",
        ),
        Row(f"share of a core for {POLLERS} long polls", f"**{day.polling:.1%}**", "≤ 2 %", ""),
        Row(
            "threads of the server without and with them",
            f"{day.threads[0]}, {day.threads[1]}",
            "as many",
            "",
        ),
    ]
    notes = [
        f"{day.waiting:,} referrals wait in one queue at first; {len(lags):,} events were seen. The time of an event "
        "is told in whole seconds, so that up to one second of each lag is rounding."
    ]
    commands = [
        f"wrk: POST /v1/referral-claims, limit 10, {CONSUMERS} connections",
        f"pgbench -n -c {CONSUMERS} -j 2 -M prepared -f claim.sql  # tests/bench/queue.py",
    ]
    return Section("POST /v1/referral-claims on PostgreSQL, and the feed", commands, rows, day.claims, notes)


def with_many(
    postgres: Postgres, folder: Path, *, windows: int, seconds: float, many: int
) -> Iterator[Section]:
    """What each request costs with many signals against few."""
    with log_into(folder / "log of many"):
        found, memory = grown(
            postgres,
            folder,
            folder / "bodies.ndjson",
            many=many,
            seconds=seconds,
            windows=windows,
            settle=lambda: postgres.vacuum(f"register_{many}", f"register_{FEW}"),
        )
    for name, pairs in found.items():
        rows = [
            Row(
                f"CPU, {many:,} : {FEW:,} signals",
                written(pairs.cpu_ratio(), " ×"),
                "≤ 1.5 ×",
                "≤ 1.15 ×",
            ),
            Row(
                "CPU per request with many",
                written(pairs.of_ours(lambda one: one.cpu_ms), " ms"),
                *(("≤ 5 ms", "≤ 2.5 ms") if "page" in name else ("", "")),
            ),
        ]
        notes = []
        if name == "POST":
            told = ", ".join(f"{one:.0f}" for one in memory)
            notes = [f"Memory of the API process after each tenth of {many:,} lines in batches: {told} MB."]
        yield Section(
            f"Growth: {name}", ["two registers on one PostgreSQL, filled in batches"], rows, pairs, notes
        )


def on_sqlite(folder: Path, windows: int, seconds: float) -> Section:
    """POST on SQLite with synchronous=FULL against a loop in process that commits one signal at a time."""
    print("POST on SQLite FULL : in-process loop, one signal per commit")
    file = folder / "register.db"
    url = f"sqlite+aiosqlite:///{file}"
    loaded = prepared(url, folder)
    with log_into(folder / "log"), server(url, folder, log_level="INFO") as running:
        poster = Load(running, loaded.credentials[CLIENT], folder / "bodies.ndjson")
        sample = poster.post_sample()
        loop = Loop(file)
        pairs = interleaved(
            lambda: poster.window(seconds, lambda: 0.0), lambda: loop.window(seconds), loop.settle, windows
        )
    posted, anchored = pairs.total()
    notes = check_books(loop.fetch, loop.typical, len(sample) + posted, anchored)
    loop.close()
    commands = [
        SERVE,
        f"{shlex.join(poster.command(seconds))} URL -- bodies.ndjson TOKEN {seconds:.0f} 64 /v1/signals",
        loop.command,
    ]
    rows = [
        Row("requests per second / in-process loop", written(pairs.rate_ratio()), "≥ 0.5", "≥ 1.0"),
        *_cpu_rows(pairs),
    ]
    return Section("POST /v1/signals on SQLite FULL", commands, rows, pairs, notes)


def _cpu_rows(pairs: Pairs) -> list[Row]:
    cpu = written(pairs.of_ours(lambda window: window.cpu_ms), " ms")
    anchors = written(pairs.of_anchors(lambda window: window.cpu_ms), " ms")
    return [
        Row("CPU per request, application + database", cpu, "≤ 1.5 ms", "≤ 0.9 ms"),
        Row("CPU per transaction of the anchor", anchors, "", ""),
    ]


def _version(postgres: Postgres) -> str:
    query = "SELECT split_part(version(), ' on ', 1)"
    return postgres.fetch_value(query)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
