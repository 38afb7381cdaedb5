"""A register that was filled with signals and released, and the truth about it.

Keeps the days on which signals are received and the two people who compile and publish. Called by the tests; never
tells an attack anything that `reading` does not tell.
"""

import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from service import clock
from service.files import write_whole
from service.synthesis.generate import generate
from service.synthesis.pack import load_pack
from service.vocabulary.municipalities import municipalities, region_of
from tests.attacks.insiders import DAYS, INSIDER, made_up
from tests.attacks.reading import Release, compiled, published, read_everything
from tests.attacks.truth import Posted, Truth
from tests.support.register import Register, Templates, in_process

PERIODS = ("2026-H1", "2026-H2", "2027-H1")
BEGINS, ENDS = date(2026, 6, 1), date(2027, 6, 30)
CLOSED_ON = {"2026-H1": "2026-08-01", "2026-H2": "2027-02-01", "2027-H1": "2027-08-01"}
DAYS_OF_A_PERIOD = 182
MOVED_AWAY = 0.5  # more small numbers than the demo's few municipalities would give
MOST_LINES = 1000
SEED = 20
ROUNDING = b"the rounding of attacked numbers"


@dataclass
class World:
    """A register, everything that was posted to it, and (once released) everything that anybody can read."""

    register: Register
    moment: Path
    posted: list[Posted] = field(default_factory=list)
    made_up: list[Posted] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    truth: Truth = field(default_factory=lambda: Truth([], []))

    def stand_at(self, day: date | str) -> None:
        self.moment.write_text(f"{day}T10:00:00Z")

    async def post(self, client: str, day: date | str, bodies: Sequence[dict[str, Any]]) -> list[Posted]:
        """Post signals as one client on a day; all of them are registered."""
        self.stand_at(day)
        headers = await self.register.headers(client) | {"Content-Type": "application/x-ndjson"}
        organisation = self.register.loaded.credentials[client].organisation
        posted = []
        for start in range(0, len(bodies), MOST_LINES):
            part = bodies[start : start + MOST_LINES]
            lines = [json.dumps({"idempotencyKey": str(uuid.uuid4()), "signal": body}) for body in part]
            answer = await self.register.http.post(
                "/v1/signals/_batch", content="\n".join(lines), headers=headers
            )
            told = [json.loads(line) for line in answer.text.splitlines()]
            assert [one["status"] for one in told] == [201] * len(part), answer.text[:2000]
            posted += [
                Posted(one["receipt"]["receivedAt"], one["receipt"]["id"], organisation, body)
                for one, body in zip(told, part, strict=True)
            ]
        self.posted += posted
        return posted

    async def fill(self, size: int) -> None:
        """`size` signals in each whole period, a sixth of that at the end of the first, and those of the insider."""
        days = (ENDS - BEGINS).days + 1
        made = generate(load_pack(), size * days // DAYS_OF_A_PERIOD, SEED, BEGINS, ENDS)
        for last, of_quarter in groupby(made, lambda one: last_of_quarter(one.on)):
            by_client: dict[str, list[dict[str, Any]]] = {}
            for one in of_quarter:
                by_client.setdefault(one.client, []).append(placed(one.body, self._home(one.client)))
            for client, bodies in by_client.items():
                await self.post(client, last, bodies)
        for period, day in DAYS.items():
            self.made_up += await self.post(INSIDER, day, made_up(period))

    async def release(self, periods: Sequence[str] = PERIODS) -> None:
        """Compile and publish periods, then read all that can be read."""
        for period in periods:
            self.stand_at(CLOSED_ON[period])
            await published(self.register, await compiled(self.register, period))
        self.releases = await read_everything(self.register)
        self.truth = Truth(list(self.posted), self.releases)

    def _home(self, client: str) -> str:
        return next(one.municipalities[0] for one in load_pack().clients if one.name == client)


@asynccontextmanager
async def world(templates: Templates, engine: str, folder: Path) -> AsyncIterator[World]:
    """An empty register of its own, with a clock that the test moves."""
    moment = folder / "moment"
    moment.write_text("2026-06-01T10:00:00Z")
    (folder / "keys").mkdir(mode=0o700)
    # The same rounding in every run: an attack that wins has to win again.
    write_whole(folder / "keys" / "release.key", ROUNDING, replace=False)
    with templates.copy(engine) as url:
        try:
            async with in_process(
                url, templates.loaded[engine], folder, clock_file=moment, metrics_token="m" * 20
            ) as register:
                yield World(register, moment)
        finally:
            clock.follow(None)


def last_of_quarter(day: date) -> date:
    """The day on which what was seen in a quarter is posted."""
    return date(day.year + (day.month > 9), (day.month + 2) // 3 * 3 % 12 + 1, 1) - timedelta(1)


def placed(body: dict[str, Any], home: str) -> dict[str, Any]:
    """The same signal with a place that is known, and half of its persons living anywhere in the region."""
    incident = body["municipalities"]["incident"]
    place = home if incident == "UNKNOWN" else incident
    persons = [_moved(person, home) for person in body.get("persons", ())]
    changed = {"municipalities": {"incident": place}} | ({"persons": persons} if persons else {})
    return body | changed


def _moved(person: dict[str, Any], home: str) -> dict[str, Any]:
    drawn = hashlib.sha256(person["pseudonym"].encode()).digest()
    if person["pseudonym"] == "UNKNOWN" or drawn[0] >= 256 * MOVED_AWAY or "municipality" not in person:
        return person
    around = sorted(code for code in municipalities() if region_of(code) == region_of(home))
    return person | {"municipality": around[drawn[1] % len(around)]}
