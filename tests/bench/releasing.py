"""What a release costs: compiling many signals over many municipalities in a real server, and reading a table of it."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

import httpx
import psutil

from service import clock
from service.database import Database
from service.demo.loading import LOADER, Loaded, load_demo
from service.migrations import migrate_database
from service.statistics.actions import set_areas
from service.statistics.areas import regions_only, standing_alone
from service.synthesis.generate import generate
from service.synthesis.pack import load_pack
from service.vocabulary.municipalities import municipalities
from tests.bench.batching import LINES, Batcher
from tests.bench.posting import CLIENT, Load
from tests.bench.results import Row, Section
from tests.bench.windows import Pairs, Window
from tests.support.postgres import Postgres
from tests.support.register import ServerProcess, apart, server

# How many municipalities stand alone: as in the reference figures of the method, and all of them for the most.
ALONE = {3_000: 60, 20_000: 150, 100_000: 342}
MUST = {3_000: 10, 20_000: 120, 100_000: 120}  # seconds on one core
PERIOD, RECEIVED, CLOSED = "2026-H1", "2026-03-10T10:00:00Z", "2026-08-01T10:00:00Z"
TABLE = "victims-by-municipality-and-form"
RELEASES = "/v1/statistics/releases"


@dataclass(frozen=True)
class Compiled:
    """How a compilation went: seconds, CPU seconds of the server, its largest memory in MB, how the numbers held."""

    signals: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    cubes: list[str]


def released(
    postgres: Postgres, folder: Path, sizes: list[int], seconds: float
) -> Iterator[tuple[Compiled, Window]]:
    """Each size in a register of its own: people live where inhabitants do, the largest municipalities stand alone."""
    for signals in sizes:
        name = f"released_{signals}"
        place = folder / name
        place.mkdir()
        postgres.create_database(name)
        url = postgres.url(name)
        moment = place / "moment"
        loaded = _prepared(url, moment, ALONE[signals])
        moment.write_text(RECEIVED)
        bodies = place / "bodies.ndjson"
        bodies.write_text("".join(f"{line}\n" for line in _bodies(signals)))
        with server(url, place, clock_file=moment) as running:
            Batcher(running, loaded.credentials[CLIENT], bodies).window(signals // LINES, lambda: 0.0)
        postgres.vacuum(name)
        moment.write_text(CLOSED)
        with server(url, place, clock_file=moment) as running:
            compiled, path = _compile(running, loaded, signals)
            print(f"  {compiled}", flush=True)
        # Without jobs: to them half a year has passed at once, and they have much to do.
        with server(url, place, clock_file=moment, jobs=False) as running:
            yield compiled, _read(running, loaded, place, path, seconds, postgres.cpu_seconds)


def _prepared(url: str, moment: Path, alone: int) -> Loaded:
    """The demo pack, and a plan in which so many municipalities stand alone."""

    async def load() -> Loaded:
        database = Database(url, pool_size=1)
        try:
            loaded = await load_demo(database, load_pack())
            async with database.writing() as session:
                areas = standing_alone(_largest(alone), 2026)
                await set_areas(session, LOADER, year=2026, areas=areas)
        finally:
            await database.close()
        return loaded

    def prepare() -> Loaded:
        migrate_database(url)
        moment.write_text("2025-12-15T12:00:00Z")
        clock.follow(moment)
        try:
            return asyncio.run(load())
        finally:
            clock.follow(None)

    return apart(prepare)


def _largest(alone: int) -> list[str]:
    """The largest municipalities, and whoever would be left over alone in a region."""
    everybody = sorted(municipalities().values(), key=lambda one: -one.inhabitants)
    chosen = {one.code for one in everybody[:alone]}
    for area in regions_only(2026):
        left = set(area.municipalities) - chosen
        chosen |= left if len(left) == 1 else set()
    return sorted(chosen)


def _bodies(signals: int) -> Iterator[str]:
    random = Random(1)
    places = list(municipalities())
    weights = [one.inhabitants for one in municipalities().values()]
    for one in generate(load_pack(), signals, 1, date(2026, 1, 1), date(2026, 3, 1), CLIENT):
        (place,) = random.choices(places, weights)
        persons = [person | {"municipality": place} for person in one.body["persons"]]
        yield json.dumps(one.body | {"persons": persons})


def _compile(running: ServerProcess, loaded: Loaded, signals: int) -> tuple[Compiled, str]:
    process = psutil.Process(running.process.pid)
    with _as(running, loaded, "administrator") as http:
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        asked = http.post(RELEASES, json={"period": PERIOD}).raise_for_status()
        told = _ended(http, asked.headers["Location"])
        seconds, cpu = time.monotonic() - began, sum(process.cpu_times()[:2]) - before
        if told["status"] != "DONE":
            raise RuntimeError(f"the release was not compiled: {told}")
        path = f"{RELEASES}/{told['release']}"
        release = http.get(path).json()
    with _as(running, loaded, "administrator-deputy", "staff.two") as http:
        http.post(f"{path}/publication").raise_for_status()
    peak = _peak_mb(process.pid)
    cubes = [one["cube"] for one in release["certificate"]]
    return Compiled(signals, seconds, cpu, peak, cubes), path


def _ended(http: httpx.Client, path: str) -> dict[str, str]:
    deadline = time.monotonic() + 1800
    while time.monotonic() < deadline:
        told: dict[str, str] = http.get(path).raise_for_status().json()
        if "endedAt" in told:
            return told
        time.sleep(0.5)
    raise TimeoutError("the compilation did not end within half an hour")


def _read(
    running: ServerProcess,
    loaded: Loaded,
    folder: Path,
    path: str,
    seconds: float,
    database_cpu: Callable[[], float],
) -> Window:
    paths = folder / "tables"
    paths.write_text(f"{path}/tables/{TABLE}\n")
    load = Load(running, loaded.credentials["analyst"], paths, path="GET", actor="staff.one", connections=16)
    load.window(1, database_cpu)
    return load.window(seconds, database_cpu)


def _as(running: ServerProcess, loaded: Loaded, name: str, actor: str = "staff.one") -> httpx.Client:
    credential = loaded.credentials[name]
    who = (credential.client_id, credential.client_secret)
    form = {"grant_type": "client_credentials"}
    token = httpx.post(f"{running.url}/oauth/token", data=form, auth=who).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Actor": actor}
    return httpx.Client(base_url=running.url, headers=headers, timeout=60)


def _peak_mb(pid: int) -> float:
    """The most memory that the process has had (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [one for one in status if one.startswith("VmHWM")]
    return int(line.split()[1]) / 1000


def what_releases_cost(postgres: Postgres, folder: Path, seconds: float, *, quick: bool) -> Section:
    """The section of the results: each size compiled once, a table of it read for some seconds."""
    print("compiling releases, reading a table")
    rows, notes = [], []
    for compiled, window in released(postgres, folder, list(ALONE)[: 1 if quick else None], seconds):
        signals, most = f"{compiled.signals:,} signals", MUST[compiled.signals]
        rows += [
            Row(
                f"compiling {signals}: CPU of the server",
                f"**{compiled.cpu_seconds:.0f}** s",
                f"≤ {most} s",
                "",
            ),
            Row(f"compiling {signals}: its most memory", f"**{compiled.peak_mb:.0f}** MB", "≤ 2,000 MB", ""),
            Row(f"a released table of {signals}, CPU", f"**{window.cpu_ms:.2f}** ms", "≤ 2 ms", ""),
        ]
        notes.append(
            f"{signals}, {ALONE[compiled.signals]} municipalities alone: {compiled.seconds:.0f} s from asking to the "
            f"frozen release; numbers held: {', '.join(compiled.cubes)}."
        )
    commands = ["POST /v1/statistics/releases, one server with its jobs  # tests/bench/releasing.py"]
    return Section("Releases: compiling, and reading a table", commands, rows, Pairs([], []), notes)
