"""What the clock ends: leases, signals past their last day, the memory of claims; and rows that a job fails on."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from service import clock
from service.agreements.models import Agreement
from service.referrals import lapsing
from service.referrals.escalation import escalate
from service.referrals.lapsing import expire_referrals, forget_claims, lapse_claims
from service.referrals.models import Referral, ReferralClaim, ReferralEscalation
from service.signals.models import Signal
from tests.support.bodies import person, signal
from tests.support.days import MovingClock
from tests.support.register import Register


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock(monkeypatch)


async def post(register: Register, client: str = "jpt-helmond", place: str = "GM0794") -> None:
    body = signal(persons=[person(str(uuid.uuid4()), municipality=place)], municipalities={"incident": place})
    answer = await register.post_signal(body, client=client)
    assert answer.status_code == 201, answer.text


async def statuses(register: Register) -> list[str]:
    return sorted(row.status for row in await register.rows(Referral))


async def test_a_lease_from_a_clock_that_was_ahead_holds_nothing_for_long(
    register: Register, time: MovingClock
) -> None:
    await post(register)
    time.now += timedelta(days=30)
    assert len((await register.claim(leaseSeconds=60)).json()["items"]) == 1
    time.now -= timedelta(days=30)
    await lapse_claims(register.database)
    assert await statuses(register) == ["WAITING"]


async def test_the_longest_lease_there_is_does_not_lapse(register: Register, time: MovingClock) -> None:
    await post(register)
    (one,) = (await register.claim(leaseSeconds=3600)).json()["items"]
    time.now -= timedelta(minutes=50)  # a clock that is behind
    await lapse_claims(register.database)
    assert (await register.step(one, "acceptance")).status_code == 200


async def test_claims_are_forgotten_a_day_after_their_lease(register: Register, time: MovingClock) -> None:
    await post(register)
    key = str(uuid.uuid4())
    first = await register.claim(key=key)
    time.now += timedelta(hours=24)
    await forget_claims(register.database)
    assert (await register.claim(key=key)).json()["leaseUntil"] == first.json()["leaseUntil"]
    time.now += timedelta(minutes=16)
    await forget_claims(register.database)
    assert await register.rows(ReferralClaim) == []


async def test_a_signal_that_cannot_be_ended_keeps_no_other_from_its_end(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await post(register)
    async with register.database.writing() as session:
        yesterday = clock.local_day(clock.now()) - timedelta(1)
        await session.execute(update(Signal).values(remove_by=yesterday))
    first = min(row.signal_id for row in await register.rows(Referral))
    end = lapsing.end_expired

    async def fail_on_the_first(session: Any, *, signal_id: uuid.UUID) -> None:
        if signal_id == first:
            raise ValueError("a row that cannot be handled")
        await end(session, signal_id=signal_id)

    monkeypatch.setattr(lapsing, "end_expired", fail_on_the_first)
    with pytest.raises(ValueError, match="cannot be handled"):  # health shall tell
        await expire_referrals(register.database)
    assert await statuses(register) == ["EXPIRED", "EXPIRED", "WAITING"]


async def test_an_agreement_that_cannot_be_read_keeps_no_other_from_escalating(register: Register) -> None:
    await post(register)
    await post(register, "jpt-ede", "GM0228")
    async with register.database.writing() as session:
        await session.execute(update(Referral).values(due_on=date(2026, 1, 2)))
        agreements = sorted({row.agreement_id for row in await register.rows(Signal)})
        assert len(agreements) == 2
        spoiled = await session.get_one(Agreement, agreements[0])
        spoiled.content = spoiled.content | {"escalation": [{"to": "NOBODY", "afterWorkingDays": 1}]}
    with pytest.raises(ValueError, match="escalation"):
        await escalate(register.database)
    climbed = {row.referral_id for row in await register.rows(ReferralEscalation)}
    by_signal = {row.id: row.agreement_id for row in await register.rows(Signal)}
    for referral in await register.rows(Referral):
        assert (referral.id in climbed) == (by_signal[referral.signal_id] == agreements[1])
