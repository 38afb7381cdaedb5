"""Many at a time, in two processes: one key is one signal, one referral has one holder, nothing deadlocks."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from service.access.models import Client
from service.caller import Caller
from service.demo.loading import Loaded
from service.intake.models import Submission, SubmittedSignal
from service.intake.registration import submission_of
from service.referrals.models import Referral, ReferralStep
from service.routing.models import SignalDecision
from service.signals.models import Signal
from tests.conftest import ENGINES
from tests.support.bodies import signal
from tests.support.register import Register, Templates, calling, in_process, server

CONTACT_POINT = "contact-point-helmond"
REFERRALS = 1000
CLAIMERS = 16
# So few that it takes a while: SQLite lets a process that waits for another's lock try only now and then.
AT_ONCE = 5


@dataclass(frozen=True)
class TwoProcesses:
    """Two server processes on one database."""

    database_url: str
    servers: tuple[str, str]
    loaded: Loaded
    folder: Path

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[list[Register]]:
        """Callers to both, which share their tokens."""
        one, other = self.servers
        async with (
            calling(one, self.database_url, self.loaded) as first,
            calling(other, self.database_url, self.loaded) as second,
        ):
            second.tokens = first.tokens
            yield [first, second]


@pytest.fixture(scope="module", params=ENGINES)
def two_processes(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoProcesses]:
    folder = tmp_path_factory.mktemp("two")
    with (
        templates.copy(request.param) as url,
        server(url, folder) as one,
        server(url, folder) as other,
    ):
        yield TwoProcesses(url, (one.url, other.url), templates.loaded[request.param], folder)


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


async def test_one_key_in_two_processes_makes_one_signal(two_processes: TwoProcesses) -> None:
    key = str(uuid.uuid4())
    async with two_processes.calling() as registers:
        await registers[0].token("jpt-helmond")
        answers = await asyncio.gather(
            *(registers[place % 2].post_signal(signal(), key=key) for place in range(64))
        )
        assert Counter(answer.status_code for answer in answers) == {201: 64}
        assert len({answer.content for answer in answers}) == 1
        assert len({answer.headers["Location"] for answer in answers}) == 1
        received_at = {row.received_at for row in await registers[0].rows(Submission) if str(row.key) == key}
        assert len(received_at) == 1
        for model in (Signal, Referral, Submission):
            rows = await registers[0].rows(model)
            assert sum(row.received_at in received_at for row in rows) == 1, model
        wholes = [len(await registers[0].rows(model)) for model in (Signal, Referral, SignalDecision)]
        assert len(set(wholes)) == 1


async def claim_everything(registers: Sequence[Register]) -> list[str]:
    """Sixteen claimers take what waits, and accept some of it; the ids that they were handed."""
    await registers[0].token(CONTACT_POINT)

    async def claim_all(register: Register) -> list[str]:
        got: list[str] = []
        for _ in range(REFERRALS):
            answer = await register.claim(limit=AT_ONCE)
            assert answer.status_code == 201, answer.text
            items = answer.json()["items"]
            if not items:
                return got
            got += [item["id"] for item in items]
        raise AssertionError("more was handed out than there is")

    callers = [registers[place % len(registers)] for place in range(CLAIMERS)]
    shares = await asyncio.gather(*map(claim_all, callers))
    assert sum(bool(share) for share in shares) > CLAIMERS / 2
    return [id_ for share in shares for id_ in share]


async def assert_handed_out_once(register: Register, handed_out: list[str], waiting: int) -> None:
    assert len(handed_out) == len(set(handed_out)) == waiting
    async with register.database.reading() as session:
        counted = select(func.count(), func.count(ReferralStep.referral_id.distinct()))
        assert tuple((await session.execute(counted)).one()) == (waiting, waiting)
        versions = await session.execute(select(Referral.status, Referral.version).distinct())
        assert [tuple(row) for row in versions] == [("CLAIMED", 2)]


async def test_every_referral_is_handed_out_exactly_once(register: Register) -> None:
    await fill(register, REFERRALS)
    handed_out = await claim_everything([register])
    await assert_handed_out_once(register, handed_out, REFERRALS)


async def test_every_referral_is_handed_out_exactly_once_by_two_processes(
    two_processes: TwoProcesses,
) -> None:
    at = two_processes
    async with in_process(at.database_url, at.loaded, at.folder) as filling:
        await fill(filling, REFERRALS)
    async with at.calling() as registers:
        waiting = len(await registers[0].rows(Referral))
        assert waiting >= REFERRALS
        handed_out = await claim_everything(registers)
        await assert_handed_out_once(registers[0], handed_out, waiting)

        # The client holds them all: every one that it accepts is accepted, whichever process is asked.
        answers = await asyncio.gather(
            *(
                registers[place % 2].step({"id": id_, "version": 2}, "acceptance")
                for place, id_ in enumerate(handed_out[:60])
            )
        )
        assert Counter(answer.status_code for answer in answers) == {200: 60}


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
