"""Many at a time, in two processes: one key is one signal, one referral has one holder, nothing deadlocks."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from service.access.models import Client
from service.caller import Caller
from service.intake.models import Submission, SubmittedSignal
from service.intake.registration import submission_of
from service.referrals.models import Referral, ReferralStep
from service.routing.models import SignalDecision
from service.signals.models import Signal
from tests.support.bodies import signal
from tests.support.register import Register, Templates, calling, in_process, server

CONTACT_POINT = "contact-point-helmond"
REFERRALS = 1000
CLAIMERS = 16


@asynccontextmanager
async def processes(
    count: int, engine: str, database_url: str, templates: Templates, folder: Path
) -> AsyncIterator[list[Register]]:
    """So many server processes on one database, and callers to each that share their tokens."""
    tokens: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        registers = []
        for _ in range(count):
            running = stack.enter_context(server(database_url, folder))
            register = await stack.enter_async_context(
                calling(running.url, database_url, templates.loaded[engine])
            )
            register.tokens = tokens
            registers.append(register)
        yield registers


async def caller_of(register: Register, name: str) -> Caller:
    client_id = uuid.UUID(register.loaded.credentials[name].client_id)
    (client,) = [row for row in await register.rows(Client) if row.id == client_id]
    return Caller(client.id, client.organisation_id, client.role, frozenset(), tuple(client.municipalities))


async def fill(register: Register, count: int) -> None:
    """Register signals through intake itself, without the wire."""
    root: Any = register.app
    caller = await caller_of(register, "jpt-helmond")
    body = SubmittedSignal.model_validate(signal())
    for _ in range(0, count, 250):
        answers = await root.app.state.intake.receive(
            [submission_of(caller, uuid.uuid4(), body) for _ in range(250)]
        )
        assert all(isinstance(answer, bytes) for answer in answers)


async def test_one_key_in_two_processes_makes_one_signal(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    key = str(uuid.uuid4())
    async with processes(2, engine, database_url, templates, tmp_path) as registers:
        await registers[0].token("jpt-helmond")
        answers = await asyncio.gather(
            *(registers[place % 2].post_signal(signal(), key=key) for place in range(64))
        )
        assert Counter(answer.status_code for answer in answers) == {201: 64}
        assert len({answer.content for answer in answers}) == 1
        assert len({answer.headers["Location"] for answer in answers}) == 1
        for model in (Signal, Referral, Submission, SignalDecision):
            assert len(await registers[0].rows(model)) == 1


@pytest.mark.parametrize("count", [1, 2], ids=["one process", "two processes"])
async def test_every_referral_is_handed_out_exactly_once(
    engine: str, database_url: str, templates: Templates, tmp_path: Path, count: int
) -> None:
    async with in_process(database_url, templates.loaded[engine], tmp_path) as filling:
        await fill(filling, REFERRALS)
    async with processes(count, engine, database_url, templates, tmp_path) as registers:
        await registers[0].token(CONTACT_POINT)

        async def claim_all(register: Register) -> list[str]:
            got: list[str] = []
            for _ in range(REFERRALS):
                answer = await register.claim(limit=20)
                assert answer.status_code == 201, answer.text
                items = answer.json()["items"]
                if not items:
                    return got
                got += [item["id"] for item in items]
            raise AssertionError("more was handed out than there is")

        shares = await asyncio.gather(*(claim_all(registers[place % count]) for place in range(CLAIMERS)))
        handed_out = [id_ for share in shares for id_ in share]
        assert len(handed_out) == len(set(handed_out)) == REFERRALS
        assert sum(bool(share) for share in shares) > CLAIMERS / 2
        async with registers[0].database.reading() as session:
            steps = await session.execute(
                select(func.count(), func.count(ReferralStep.referral_id.distinct()))
            )
            assert tuple(steps.one()) == (REFERRALS, REFERRALS)
            versions = await session.execute(select(Referral.status, Referral.version).distinct())
            assert [tuple(row) for row in versions] == [("CLAIMED", 2)]


async def test_groups_with_the_same_keys_in_opposite_order_do_not_deadlock(register: Register) -> None:
    root: Any = register.app
    intake = root.app.state.intake
    caller = await caller_of(register, "jpt-helmond")
    body = SubmittedSignal.model_validate(signal())
    rounds, size = 15, 60
    for _ in range(rounds):
        group = [submission_of(caller, uuid.uuid4(), body) for _ in range(size)]
        first, second = await asyncio.gather(intake.receive(group), intake.receive([*reversed(group)]))
        assert first == [*reversed(second)]
        assert all(isinstance(answer, bytes) for answer in first)
    assert len(await register.rows(Signal)) == rounds * size


async def test_equal_keys_within_one_group_are_one_signal(register: Register) -> None:
    root: Any = register.app
    caller = await caller_of(register, "jpt-helmond")
    key, other = uuid.uuid4(), uuid.uuid4()
    same, different = (SubmittedSignal.model_validate(signal(urgency=code)) for code in ("CONCERN", "ACUTE"))
    answers = await root.app.state.intake.receive(
        [
            submission_of(caller, key, same),
            submission_of(caller, other, different),
            submission_of(caller, key, same),
            submission_of(caller, key, different),
        ]
    )
    assert answers[0] == answers[2] != answers[1]
    assert type(answers[3]).__name__ == "KeyReused"
    assert len(await register.rows(Signal)) == 2
