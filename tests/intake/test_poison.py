"""A group in which one item cannot be stored: it fails alone, and everybody else is registered."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from service.access.models import Client
from service.caller import Caller
from service.events.models import Event
from service.intake import actions
from service.intake.models import Submission, SubmittedSignal
from service.intake.registration import Registration, submission_of
from service.referrals.models import Referral
from service.routing.models import SignalDecision
from service.signals.models import Signal, SignalPerson
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.register import Register

GROUP = 64
Spoil = Callable[[Registration], Registration]


def _of_nobody(registration: Registration) -> Registration:
    return replace(registration, signal=registration.signal | {"organisation_id": uuid.uuid4()})


def _without_a_place(registration: Registration) -> Registration:
    return replace(registration, referral=registration.referral | {"municipality": None})


def _naive(registration: Registration) -> Registration:
    moment = datetime(2026, 11, 1)
    return replace(registration, audit=registration.audit | {"at": moment})


SPOILS = {
    "the database refuses a reference": _of_nobody,
    "the database misses a value in the middle of the statements": _without_a_place,
    "the driver never gets it": _naive,
}


@pytest.fixture
def poison(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> uuid.UUID:
    """A key whose rows are spoiled on their way from the real `register` to the database."""
    spoil: Spoil = request.param
    key, register = uuid.uuid4(), actions.register

    def register_and_spoil(submission: Any, *rest: Any, **more: Any) -> Registration:
        registration = register(submission, *rest, **more)
        return spoil(registration) if submission.key == key else registration

    monkeypatch.setattr(actions, "register", register_and_spoil)
    return key


async def assert_only_the_others_are_stored(register: Register, poison: uuid.UUID) -> None:
    signals = {row.id for row in await register.rows(Signal)}
    assert len(signals) == GROUP - 1
    for model in (Referral, SignalDecision, Submission, SignalPerson):
        rows = await register.rows(model)
        assert len(rows) == GROUP - 1
        assert {row.signal_id for row in rows} == signals
    assert poison not in {row.key for row in await register.rows(Submission)}
    entries = [row for row in await register.rows(AuditEntry) if row.act == "signal.register"]
    assert sorted(row.object_id for row in entries) == sorted(map(str, signals))
    received = [row for row in await register.rows(Event) if row.type == "signal.received"]
    assert len(received) == GROUP - 1


@pytest.mark.parametrize("poison", SPOILS.values(), ids=SPOILS.keys(), indirect=True)
async def test_an_item_that_cannot_be_stored_fails_alone_in_its_group(
    register: Register, poison: uuid.UUID
) -> None:
    client_id = uuid.UUID(register.loaded.credentials["jpt-helmond"].client_id)
    (client,) = [row for row in await register.rows(Client) if row.id == client_id]
    caller = Caller(client.id, client.organisation_id, client.role, frozenset(), tuple(client.municipalities))
    keys = [uuid.uuid4() for _ in range(GROUP)]
    keys[41] = poison
    root: Any = register.app
    queue = root.app.state.intake.queue
    body = SubmittedSignal.model_validate(signal())
    # Submitted in one breath, before the flusher wakes: one group.
    answers = await asyncio.gather(
        *(queue.submit(submission_of(caller, key, body)) for key in keys), return_exceptions=True
    )

    failed = [place for place, answer in enumerate(answers) if isinstance(answer, BaseException)]
    assert failed == [41]
    assert len(set(answers)) == GROUP
    await assert_only_the_others_are_stored(register, poison)


@pytest.mark.parametrize("poison", [_of_nobody], ids=["over HTTP"], indirect=True)
async def test_the_poison_is_told_as_a_problem_and_its_key_stays_free(
    register: Register, poison: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [str(uuid.uuid4()) for _ in range(GROUP - 1)] + [str(poison)]
    await register.token("jpt-helmond")
    answers = await asyncio.gather(*(register.post_signal(signal(), key=key) for key in keys))
    assert [answer.status_code for answer in answers] == [201] * (GROUP - 1) + [500]
    refused = answers[-1]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json() == {
        "type": "urn:signal-register:problem:failed",
        "title": "Something failed on our side",
        "status": 500,
        "detail": refused.json()["detail"],
        "traceId": refused.json()["traceId"],
    }
    await assert_only_the_others_are_stored(register, poison)

    monkeypatch.undo()
    assert (await register.post_signal(signal(), key=str(poison))).status_code == 201
    assert len(await register.rows(Signal)) == GROUP
