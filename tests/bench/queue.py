"""The coordinator's day: claims against the same SQL by pgbench, the lag of the feed, and what waiting costs."""

import asyncio
import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from sqlalchemy import text

from service.database import Database
from service.demo.loading import Credential, Loaded
from tests.bench.anchor_postgres import run_pgbench
from tests.bench.batching import LINES, Batcher
from tests.bench.growth import ACTOR, POINT
from tests.bench.posting import CLIENT, Load
from tests.bench.windows import Pairs, interleaved
from tests.support.postgres import Postgres
from tests.support.register import ServerProcess, prepared, server

CONSUMERS = 16
POLLERS = 200
BEFORE_POLLS = 5  # seconds until so many have begun to wait
# What a claim writes, in one statement: ten rows taken, with their history, trail and events.
CLAIM = """
WITH key AS (
  INSERT INTO referral_claim (id, client_id, key, digest, lease_until, created_at)
  SELECT gen_random_uuid(), :client::uuid, gen_random_uuid(), repeat('0', 60), now() + interval '15 minutes', now()
  RETURNING id
), picked AS (
  SELECT id FROM referral WHERE organisation_id = :organisation::uuid AND status = 'WAITING'
  ORDER BY priority, due_on, id LIMIT 10 FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE referral SET status = 'CLAIMED', version = version + 1, lease_until = now() + interval '15 minutes',
    held_by = :client::uuid, claim_id = (SELECT id FROM key), renewals = 0
  WHERE id IN (SELECT id FROM picked) RETURNING id, version, municipality
), steps AS (
  INSERT INTO referral_step (id, referral_id, version, move, status, at, organisation_id, actor)
  SELECT gen_random_uuid(), id, version, 'claim', 'CLAIMED', now(), :organisation::uuid, 'staff.one' FROM claimed
), entries AS (
  INSERT INTO audit_entry (id, at, trace_id, client_id, organisation_id, actor, role, act, activity, object_type,
    object_id, outcome, times)
  SELECT gen_random_uuid(), now(), repeat('0', 32), :client::uuid, :organisation::uuid, 'staff.one', 'coordinator',
    'referral.claim', 'referral', 'referral', id::text, 'done', 1 FROM claimed
)
INSERT INTO event (id, type, subject, at, organisation_id, audience, municipality)
SELECT gen_random_uuid(), 'referral.claim', '/v1/referrals/' || id, now(), :organisation::uuid, 'coordinator',
  municipality FROM claimed
"""


@dataclass(frozen=True)
class Day:
    """What was measured; lags in seconds, `polling` the share of a core that waiting costs."""

    claims: Pairs
    waiting: int
    lags: list[float]
    polling: float
    threads: tuple[int, int]


def coordinators_day(
    postgres: Postgres, folder: Path, bodies: Path, *, waiting: int, seconds: float, windows: int
) -> Day:
    """A register of its own with so many waiting referrals in one queue; polls are looked at for twice a window."""
    postgres.create_database("queue")
    url = postgres.url("queue")
    folder = folder / "queue"
    folder.mkdir()
    loaded = prepared(url, folder)
    with server(url, folder, log_level="INFO", jobs="true") as running:
        polling, threads = _polled(running, loaded.credentials[POINT], 2 * seconds)
        lags = _lags(running, loaded, bodies, seconds)
        Batcher(running, loaded.credentials[CLIENT], bodies).window(waiting // LINES, lambda: 0.0)
        claims = _claimed(postgres, folder, running, loaded, seconds, windows)
    return Day(claims, waiting, lags, polling, threads)


def _claimed(
    postgres: Postgres, folder: Path, running: ServerProcess, loaded: Loaded, seconds: float, windows: int
) -> Pairs:
    point = loaded.credentials[POINT]
    body, script = folder / "claims", folder / "claim.sql"
    body.write_text('{"limit": 10}\n')
    script.write_text(" ".join(CLAIM.split()) + ";\n")
    load = Load(running, point, body, path="/v1/referral-claims", actor=ACTOR, connections=CONSUMERS)
    values = {"organisation": str(point.organisation_id), "client": point.client_id}
    return interleaved(
        lambda: load.window(seconds, postgres.cpu_seconds),
        lambda: run_pgbench(postgres, "queue", script, values, seconds, CONSUMERS),
        lambda: asyncio.run(_put_back(postgres, point)),
        windows,
    )


async def _put_back(postgres: Postgres, point: Credential) -> None:
    """Let everything wait again, outside the windows; raises when a window has left nothing to claim."""
    database = Database(postgres.url("queue"), pool_size=1)
    async with database.writing() as session:
        waiting = "SELECT count(*) FROM referral WHERE status = 'WAITING' AND organisation_id = :organisation"
        left = await session.scalar(text(waiting), {"organisation": point.organisation_id})
        if left < 10 * CONSUMERS:
            raise RuntimeError("the queue ran empty: more has to wait in it")
        back = "status = 'WAITING', lease_until = NULL, held_by = NULL, claim_id = NULL"
        await session.execute(text(f"UPDATE referral SET {back} WHERE status = 'CLAIMED'"))  # noqa: S608
    await database.close()
    postgres.vacuum("queue")


def _lags(running: ServerProcess, loaded: Loaded, bodies: Path, seconds: float) -> list[float]:
    """How long after it happened a reader saw each event, while signals come in as fast as they can.

    Before anything else, for a reader begins with the oldest event.
    """
    lags: list[float] = []
    caught_up, ended = threading.Event(), threading.Event()
    given = (running, loaded.credentials[POINT], lags, caught_up, ended)
    reader = threading.Thread(target=_follow, args=given)
    reader.start()
    if not caught_up.wait(60):
        raise RuntimeError("the reader did not come to the end of the feed")
    try:
        Load(running, loaded.credentials[CLIENT], bodies).window(seconds, lambda: 0.0)
    finally:
        ended.set()
        reader.join()
    return lags


def _follow(
    running: ServerProcess,
    point: Credential,
    lags: list[float],
    caught_up: threading.Event,
    ended: threading.Event,
) -> None:
    """Read the feed to its end, then go on reading what comes."""
    with httpx.Client(base_url=running.url, headers=_headers(running, point), timeout=60) as http:
        query = {"limit": "200"}
        while not ended.is_set():
            page = http.get("/v1/events", params=query).raise_for_status().json()
            seen = datetime.now(UTC)
            if caught_up.is_set():
                lags += [
                    (seen - datetime.fromisoformat(one["time"])).total_seconds() for one in page["items"]
                ]
            elif not page["items"]:
                caught_up.set()
            query["after"] = page["after"]


def _polled(running: ServerProcess, point: Credential, seconds: float) -> tuple[float, tuple[int, int]]:
    """The share of a core and the threads of the server while so many wait, against none."""
    process = psutil.Process(running.process.pid)
    idle, before = _busy(process, seconds), process.num_threads()

    async def wait() -> tuple[float, int]:
        headers = _headers(running, point) | {"Prefer": f"wait={BEFORE_POLLS + seconds + 2:.0f}"}
        limits = httpx.Limits(max_connections=POLLERS)
        async with httpx.AsyncClient(
            base_url=running.url, headers=headers, limits=limits, timeout=60
        ) as http:
            waiting = [asyncio.create_task(_claim(http)) for _ in range(POLLERS)]
            await asyncio.sleep(BEFORE_POLLS)
            busy = await asyncio.to_thread(_busy, process, seconds)
            threads = process.num_threads()
            answers = await asyncio.gather(*waiting)
        if any(json.loads(answer)["items"] for answer in answers):
            raise RuntimeError("there was something to claim")
        return busy, threads

    busy, threads = asyncio.run(wait())
    return busy - idle, (before, threads)


async def _claim(http: httpx.AsyncClient) -> str:
    headers = {"Idempotency-Key": str(uuid4())}
    return (await http.post("/v1/referral-claims", json={}, headers=headers)).raise_for_status().text


def _busy(process: psutil.Process, seconds: float) -> float:
    """The share of a core that a process takes for so many seconds."""
    before, began = process.cpu_times(), time.monotonic()
    time.sleep(seconds)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return float(used / (time.monotonic() - began))


def _headers(running: ServerProcess, point: Credential) -> dict[str, str]:
    who = (point.client_id, point.client_secret)
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{running.url}/oauth/token", data=form, auth=who).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}", "Actor": ACTOR}
