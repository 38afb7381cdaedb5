"""What a partner meets: evaluations of the key service, and the shipped client posting a file.

The anchor of an evaluation is the bare multiplication in the group, in a loop of one process; that of the client is a
program that only sends the same lines, made before.
"""

import asyncio
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import rbcl

from service import oprf
from service.database import Database
from service.demo.loading import Credential
from tests.bench.windows import Pairs, Window, interleaved
from tests.support.keyservice import KeyService, add_partners, key_service_server, prepare_key_service
from tests.support.register import ROOT, ServerProcess, apart

ELEMENTS, AT_ONCE = 50, 8
BARE = """
import sys, httpx
url, token, file = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
lines = open(file, "rb").read().splitlines(keepends=True)
with httpx.Client(base_url=url, timeout=120) as http:
    for first in range(0, len(lines), 500):
        answer = http.post("/v1/signals/_batch", content=b"".join(lines[first : first + 500]), headers=headers)
        assert answer.content.count(b'"status":201') == len(lines[first : first + 500]), answer.text[-500:]
"""


def evaluations(
    url: str, folder: Path, database_cpu: Callable[[], float], *, batches: int, windows: int
) -> Pairs:
    """Batches of 50 over HTTP, eight at a time, against multiplications alone."""
    prepare_key_service(url)
    database = Database(url, pool_size=1)
    credentials = apart(asyncio.run, _added(database))
    with key_service_server(url, folder) as running:
        process = psutil.Process(running.process.pid)
        return interleaved(
            lambda: asyncio.run(_evaluate(running, database, credentials, process, database_cpu, batches)),
            lambda: _multiply(batches * ELEMENTS),
            lambda: None,
            windows,
        )


async def _added(database: Database) -> dict[str, tuple[str, str]]:
    try:
        return await add_partners(database, "bench")
    finally:
        await database.close()


async def _evaluate(
    running: ServerProcess,
    database: Database,
    credentials: dict[str, tuple[str, str]],
    process: psutil.Process,
    database_cpu: Callable[[], float],
    batches: int,
) -> Window:
    elements = [oprf.blind(os.urandom(16))[1] for _ in range(ELEMENTS)]
    body = {
        "epoch": 1,
        "elements": [base64.urlsafe_b64encode(one).decode().rstrip("=") for one in elements],
    }
    async with httpx.AsyncClient(base_url=running.url, timeout=60) as http:
        headers = await KeyService(http, database, credentials).headers("bench")

        async def ask(count: int) -> None:
            for _ in range(count):
                answer = await http.post("/v1/evaluations", json=body, headers=headers)
                if len(answer.raise_for_status().json()["elements"]) != ELEMENTS:
                    raise RuntimeError("not every element was evaluated")

        before, stored, began = sum(process.cpu_times()[:2]), database_cpu(), time.perf_counter()
        await asyncio.gather(*(ask(batches // AT_ONCE) for _ in range(AT_ONCE)))
        seconds = time.perf_counter() - began
    done = batches // AT_ONCE * AT_ONCE * ELEMENTS
    return Window(done, seconds, sum(process.cpu_times()[:2]) - before, database_cpu() - stored)


def _multiply(count: int) -> Window:
    scalar, element = rbcl.crypto_core_ristretto255_scalar_random(), rbcl.crypto_core_ristretto255_random()
    before, began = time.process_time(), time.perf_counter()
    for _ in range(count):
        rbcl.crypto_scalarmult_ristretto255(scalar, element)
    return Window(count, time.perf_counter() - began, time.process_time() - before, 0.0)


def client_posts(
    running: ServerProcess, credential: Credential, bodies: Path, folder: Path, *, lines: int, windows: int
) -> Pairs:
    """`client post` of signals whose tokens are made, by the CPU of its process, against bare sending."""
    known = bodies.read_text().splitlines()
    chosen = [known[number % len(known)] for number in range(lines)]
    file = folder / "posted.ndjson"
    file.write_text("".join(f"{one}\n" for one in chosen))

    def ours() -> Window:
        with tempfile.TemporaryDirectory(dir=folder) as state:
            environment = {
                **os.environ,
                "SIGNAL_CLIENT_REGISTER_URL": running.url,
                "SIGNAL_CLIENT_CLIENT_ID": credential.client_id,
                "SIGNAL_CLIENT_SECRET": credential.client_secret,
                "SIGNAL_CLIENT_STATE_DIR": state,
            }
            ended, window = _timed(["-m", "service", "client", "post", str(file)], environment, lines)
        if json.loads(ended)["registered"] != lines:
            raise RuntimeError(f"not every line was registered: {ended}")
        return window

    def bare() -> Window:
        encoded = folder / "encoded.ndjson"
        encoded.write_text(
            "".join(f'{{"idempotencyKey":"{uuid.uuid4()}","signal":{one}}}\n' for one in chosen)
        )
        with httpx.Client(base_url=running.url) as http:
            form, who = {"grant_type": "client_credentials"}, (credential.client_id, credential.client_secret)
            token = http.post("/oauth/token", data=form, auth=who).raise_for_status().json()["access_token"]
        return _timed(["-c", BARE, running.url, token, str(encoded)], dict(os.environ), lines)[1]

    return interleaved(ours, bare, lambda: None, windows)


def _timed(arguments: list[str], environment: dict[str, str], lines: int) -> tuple[str, Window]:
    """A Python process to its end: what it printed, and its CPU, its start included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"ended with {done.returncode}: {done.stderr[-2000:]}")
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, Window(lines, seconds, spent, 0.0)
