"""Rule sets that succeed each other while two processes register: each signal is decided by the one of its moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.routing.models import RuleSetTurn, SignalDecision
from service.routing.validity import Calendar, Turn
from service.signals.models import Signal
from tests.support.bodies import signal
from tests.support.register import Register, Templates, calling, server
from tests.support.rules import HELMOND, Rules, rule_set, slug

POSTERS, CHANGES = 6, 4
PLACE = "GM0794"


async def post_until(register: Register, done: asyncio.Event) -> int:
    posted = 0
    while not done.is_set():
        answer = await register.post_signal(signal())
        assert answer.status_code == 201, answer.text
        posted += 1
    return posted


async def activate(rules: Rules, version: int, *, planned: bool) -> None:
    """At once, or from a moment that is near; further away where the machine did not get there in time."""
    for seconds in (1, 2, 4, 8):
        soon = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
        answer = await rules.activate(version, {"activeFrom": soon.replace("+00:00", "Z")} if planned else {})
        if answer.status_code == 200:
            break
        assert slug(answer) == (409, "begins-in-the-past"), answer.text
    await asyncio.sleep(seconds if planned else 0.2)


async def change_rules(rules: Rules, others: Rules) -> list[int]:
    """Each version succeeds the one before."""
    versions = [HELMOND]
    for number in range(CHANGES):
        version = await rules.drafted(rule_set(title=f"Regels {number}", succeeds=[versions[-1]]))
        await activate(others, version, planned=number % 2 == 0)
        versions.append(version)
    return versions


async def test_each_signal_is_decided_by_the_rules_of_its_moment(
    templates: Templates, engine: str, tmp_path: Path
) -> None:
    loaded, done = templates.loaded[engine], asyncio.Event()
    with (
        templates.copy(engine) as url,
        server(url, tmp_path) as one,
        server(url, tmp_path) as other,
    ):
        async with calling(one.url, url, loaded) as first, calling(other.url, url, loaded) as second:
            posting = [
                asyncio.create_task(post_until(register, done))
                for register in (first, second)
                for _ in range(POSTERS // 2)
            ]
            versions = await change_rules(Rules(first), Rules(second))
            done.set()
            posted = await asyncio.gather(*posting)
            received = {row.id: row.received_at for row in await first.rows(Signal)}
            decisions = await first.rows(SignalDecision)
            calendar = Calendar(
                Turn(row.since, row.municipality, row.version) for row in await first.rows(RuleSetTurn)
            )
    assert len(decisions) == len(received) == sum(posted)
    assert {decision.rule_set for decision in decisions} == set(versions)
    for decision in decisions:
        assert decision.rule_set == calendar.at(PLACE, received[decision.signal_id])
