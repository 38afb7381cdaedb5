"""A register with releases to report on: two regions full of signals, one with a few, all others empty.

Keeps how a test comes by a release: `release_of` compiles and publishes. Called by the tests of the report. What
became of the signals is written beside the doors: the same through the queue would take a minute.
"""

import json
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import delete, select, update

from service import clock
from service.columns import new_id
from service.demo.loading import Loaded
from service.referrals.models import Feedback, Referral
from service.synthesis.generate import Generated, generate
from service.synthesis.pack import load_pack
from tests.support.bodies import person, signal
from tests.support.register import Register, in_process

RICH, POOR, EMPTY = "VR22", "VR10", "VR01"
BEFORE, PERIOD, AFTER = "2025-H2", "2026-H1", "2026-H2"
OUTCOMES = ("ADVICE_ONLY", "SUPPORT_STARTED", "HALT_PROGRAMME", "INVESTIGATION", "NO_CONTACT")


@dataclass
class Releases:
    """A database with releases: their ids by period. The last of them is not published."""

    database_url: str
    loaded: Loaded
    ids: dict[str, str]

    def path(self, region: str = RICH, period: str = PERIOD) -> str:
        return f"/v1/statistics/releases/{self.ids[period]}/regions/{region}/report"


async def release_of(register: Register, period: str, *, published: bool = True) -> str:
    """Compile a closed period, have somebody else publish it, and tell its id."""
    headers = await register.headers("administrator")
    made = await register.released(period)
    assert made.status_code == 200, made.text
    release = str(made.json()["id"])
    if published:
        done = await register.http.post(
            f"/v1/statistics/releases/{release}/publication", headers=headers | {"Actor": "staff.two"}
        )
        assert done.status_code == 200, done.text
    return release


@asynccontextmanager
async def with_releases(url: str, loaded: Loaded, folder: Path) -> AsyncIterator[Releases]:
    """Fill a database with three half-years and release them."""
    moment = folder / "moment"
    moment.write_text("2025-12-01T10:00:00Z")
    try:
        async with in_process(url, loaded, folder, clock_file=moment) as register:
            ids = await _fill(register, moment)
    finally:
        clock.follow(None)
    yield Releases(url, loaded, ids)


async def _fill(register: Register, moment: Path) -> dict[str, str]:
    pack, ids = load_pack(), {}
    for period, first, last, count, closes in (
        (BEFORE, date(2025, 7, 3), date(2025, 12, 20), 240, "2026-02-01"),
        (PERIOD, date(2026, 1, 5), date(2026, 6, 25), 1000, "2026-08-01"),
    ):
        await _post(register, moment, last, _mostly_here(generate(pack, count, count, first, last)))
        await _post(register, moment, last, _few(first))
        await _let_them_run(register, count)
        _stand_at(moment, closes)
        ids[period] = await release_of(register, period)
    _stand_at(moment, "2027-02-01")
    return ids | {AFTER: await release_of(register, AFTER, published=False)}


async def _post(register: Register, moment: Path, day: date, signals: Iterable[Generated]) -> None:
    """All of a client in one batch, on a day on which everything has been seen."""
    _stand_at(moment, day)
    lines: dict[str, list[str]] = {}
    for one in signals:
        line = {"idempotencyKey": str(uuid.uuid4()), "signal": one.body}
        lines.setdefault(one.client, []).append(json.dumps(line))
    for client, its in lines.items():
        headers = await register.headers(client) | {"Content-Type": "application/x-ndjson"}
        answer = await register.http.post("/v1/signals/_batch", content="\n".join(its), headers=headers)
        assert answer.text.count('"status":201') == len(its), answer.text[-2000:]


def _stand_at(moment: Path, day: object) -> None:
    moment.write_text(f"{day}T10:00:00Z")


def _mostly_here(generated: Iterable[Generated]) -> Iterable[Generated]:
    """All signals of the rich region, and every fifth of the others."""
    for number, one in enumerate(generated):
        if one.client.endswith(("helmond", "oost-brabant")) or number % 5 == 0:
            yield one


def _few(first: date) -> Iterable[Generated]:
    """Three persons who live in a region from which nobody reports."""
    for number in range(3):
        somebody = person(f"few {first} {number}", municipality="GM0361")
        yield Generated("police-oost-brabant", first + timedelta(7), _body(somebody, first))


def _body(somebody: dict[str, Any], day: date) -> dict[str, Any]:
    body = signal(observedFrom=day.isoformat(), persons=[somebody], legalBasis="WPG_20")
    del body["observedUntil"]
    return body


async def _let_them_run(register: Register, seed: int) -> None:
    """Some referrals are decided, some closed, and most reporters hear of it in time."""
    random, table, heard = Random(seed), _any(Referral), _any(Feedback)
    async with register.database.writing() as session:
        await session.execute(delete(heard))
        for row in (await session.execute(select(table.id, table.signal_id, table.received_at))).all():
            luck, at = random.random(), row.received_at + timedelta(days=9)
            decided = {"decided_at": at, "status": "ACCEPTED"} if luck > 0.12 else {}
            closed = {"ended_at": at, "outcome": random.choice(OUTCOMES), "status": "CLOSED"}
            values = decided | (closed if luck > 0.35 else {})
            if values:
                await session.execute(update(table).where(table.id == row.id).values(**values))
            if luck > 0.3:
                session.add(_feedback(row.signal_id, at, within=luck > 0.45))


def _any(model: Any) -> Any:
    return model


def _feedback(signal_id: Any, at: datetime, *, within: bool) -> Feedback:
    return Feedback(
        id=new_id(),
        signal_id=signal_id,
        code="CLOSED",
        at=at.astimezone(UTC),
        reason=None,
        organisation_type=None,
        question_id=None,
        within_term=within,
    )
