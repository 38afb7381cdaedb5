"""The demo: one signal's whole way, and half a year of them, over HTTP against a server of its own.

Plays what the Helmond council letters describe: partners post, the rules refer, the central contact point
claims, accepts, forwards and closes, and the analyst reads a regional table from which nobody can be found.
Every step goes through the public API; the first one that fails ends the demo with its problem.
"""

import asyncio
import json
import signal as signals_of_the_system
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
from rich.progress import Progress

from service.client.connection import Connection, Refused
from service.demo import keyservice
from service.demo.changes import partners_change_their_minds
from service.demo.keyservice import DemoKeyService
from service.demo.morning import the_coordinators_morning
from service.demo.newcomer import a_school_joins
from service.demo.processes import free_port
from service.demo.region import the_region_is_counted
from service.demo.rules import a_rule_changes
from service.demo.scenes import refused_body, scenes
from service.demo.screen import Screen
from service.demo.server import DemoServer, running
from service.demo.tokens import tokens_are_made, with_tokens
from service.synthesis.generate import Generated, generate
from service.synthesis.models import Pack
from service.synthesis.pack import load_pack

SEED = 20260101
FIRST, LAST = date(2026, 1, 1), date(2026, 6, 30)
PREPARED_ON = datetime(2025, 12, 15, 12, tzinfo=UTC)
AT_ONCE = 32
INTERRUPTED = 130
OUTCOMES = ("SUPPORT_STARTED", "INVESTIGATION", "ADVICE_ONLY", "NO_CONTACT")


def play(
    *, keep_serving: bool, port: int, key_service_port: int, credentials: Path | None, signals: int
) -> int:
    """Play the demo; the exit code. With `keep_serving` only the data is loaded and the servers stay."""
    screen, pack = Screen(), load_pack()
    key_service_port = key_service_port or free_port()
    key_service_url = f"http://127.0.0.1:{key_service_port}"
    # Whoever ends the demo ends its server too.
    signals_of_the_system.signal(signals_of_the_system.SIGTERM, signals_of_the_system.default_int_handler)
    try:
        with (
            running(pack, port=port, key_service_url=key_service_url, prepared_on=PREPARED_ON) as server,
            keyservice.running(
                server.loaded, _of_role(pack, "reporter"), port=key_service_port
            ) as key_service,
        ):
            asyncio.run(_fill(server, pack, screen, signals))
            if not keep_serving:
                asyncio.run(_tell(server, key_service, screen))
                return 0
            if credentials is not None:
                _write_credentials(server, key_service, credentials)
            screen.say(
                f"Serving on {server.url} until interrupted, with the key service on {key_service.url} beside it, "
                "which production refuses; the clients are those of the demo pack."
            )
            return server.process.wait()
    except KeyboardInterrupt:
        return 0 if keep_serving else INTERRUPTED
    except Refused as refused:
        screen.say(f"The register refused: {json.dumps(refused.problem, indent=2)}")
        return 1


def _write_credentials(server: DemoServer, key_service: DemoKeyService, file: Path) -> None:
    """Those of the register by name, and beside them those at the key service."""
    clients = {name: one.as_json() for name, one in server.loaded.credentials.items()}
    clients |= {f"key-service/{name}": one.as_json() for name, one in key_service.credentials.items()}
    file.touch(mode=0o600)
    file.write_text(json.dumps(clients, indent=2) + "\n", encoding="utf-8")


@asynccontextmanager
async def _calling(server: DemoServer) -> AsyncIterator[dict[str, Connection]]:
    """A connection for each client of the pack, by name."""
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=120) as http:
        yield {
            name: Connection(
                http,
                one.client_id,
                one.client_secret,
                actor=None if one.role == "reporter" else f"{one.role}.{name}"[:64],
            )
            for name, one in server.loaded.credentials.items()
        }


async def _fill(server: DemoServer, pack: Pack, screen: Screen, count: int) -> None:
    """Half a year of signals through the same intake, and the contact points' work on them."""
    screen.chapter(
        "Half a year of signals",
        f"{count} synthetic signals, calibrated on published Dutch figures, are posted by "
        f"{len(_of_role(pack, 'reporter'))} partner systems in Helmond and De Peel, Ede and Utrecht, dated "
        f"{FIRST} to {LAST}.",
    )
    async with _calling(server) as clients:
        with Progress(console=screen.console, disable=not screen.console.is_terminal) as progress:
            posting = progress.add_task("posting", total=count)
            for day, posts in _by_day(generate(pack, count, SEED, FIRST, LAST)):
                server.set_clock(datetime.combine(day, time(12), UTC))
                await _all_at_once(clients[one.client].post_signal(one.body) for one in posts)
                progress.advance(posting, len(posts))
            working = progress.add_task("working the queues", total=count)
            for name in _of_role(pack, "coordinator"):
                async for done in _work_off(clients[name]):
                    progress.advance(working, done)
        server.run_on()
    screen.say(
        f"{count} signals registered, decided and referred; the contact points dealt with their queues."
    )


def _of_role(pack: Pack, role: str) -> list[str]:
    return [client.name for client in pack.clients if client.role == role]


def _by_day(generated: Iterator[Generated]) -> Iterator[tuple[date, list[Generated]]]:
    for day, posts in groupby(generated, key=lambda one: one.on):
        yield day, list(posts)


async def _all_at_once(calls: Any) -> None:
    """All calls, a bounded number at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(call: Any) -> None:
        async with places:
            await call

    await asyncio.gather(*(one(call) for call in calls))


async def _work_off(contact_point: Connection) -> AsyncIterator[int]:
    """Claim, accept and close until the queue is empty; tells how many each time."""
    while claimed := await contact_point.claim(limit=50):
        await _all_at_once(_deal_with(contact_point, one, place) for place, one in enumerate(claimed))
        yield len(claimed)


async def _deal_with(contact_point: Connection, referral: dict[str, Any], place: int) -> None:
    accepted = await contact_point.step(referral, "acceptance")
    await contact_point.step(accepted, "closure", {"outcome": OUTCOMES[place % len(OUTCOMES)]})


async def _tell(server: DemoServer, key_service: DemoKeyService, screen: Screen) -> None:
    """Today in Helmond, then the regional table."""
    async with (
        _calling(server) as clients,
        httpx.AsyncClient(base_url=key_service.url, timeout=120) as http,
    ):
        there = {
            name: Connection(http, one.client_id, one.client_secret)
            for name, one in key_service.credentials.items()
        }
        await tokens_are_made(there, key_service.written_down, screen)
        bodies = {
            one.client: await with_tokens(there[one.client], one.record)
            for one in scenes(datetime.now(UTC).date())
        }
        signals = await _partners_post(server, clients, bodies, screen)
        await the_coordinators_morning(clients, server.loaded.organisations, signals, screen)
        await partners_change_their_minds(clients, bodies, screen)
        await a_rule_changes(clients, screen)
        await a_school_joins(clients, screen)
        await the_region_is_counted(clients, screen)


async def _partners_post(
    server: DemoServer, clients: dict[str, Connection], bodies: dict[str, dict[str, Any]], screen: Screen
) -> dict[str, str]:
    """The posts of today; the ids of their signals by client."""
    signals = {}
    today = datetime.now(UTC).date()
    screen.chapter(
        "Today in Helmond",
        "Three partners each see a part. They send tokens, never a name or a number, and hear at once "
        "where their signal went.",
    )
    for scene in scenes(today):
        receipt = await clients[scene.client].post_signal(bodies[scene.client])
        signals[scene.client] = str(receipt["id"])
        screen.receipt(server.loaded.credentials[scene.client].organisation, scene.told, receipt)
    screen.say(
        "A body with faults is refused whole; every fault is named, nothing is stored, nothing repeated:"
    )
    try:
        await clients["jpt-helmond"].post_signal(refused_body(today))
    except Refused as refused:
        screen.faults(dict(refused.problem))
    return signals
