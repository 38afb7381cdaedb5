"""Two at the same moment: one returns or forwards a referral while the reporter, or the administration, changes things.

The first is held up just before its commit, so that the second waits for its lock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.administration import needs
from service.organisations.models import Organisation
from service.referrals import forwarding, returning
from service.referrals.models import Referral
from service.referrals.states import OPEN
from service.signals.models import Signal
from tests.support.bodies import person, signal
from tests.support.register import Register
from tests.support.talking import HELP, OBSERVED, REGION, talk

Act = Callable[[], Awaitable[Any]]


async def while_held_up(
    monkeypatch: pytest.MonkeyPatch, module: Any, first: Act, second: Act
) -> tuple[Any, Any]:
    """What both answer, when the second begins while the first has written its rows and not committed yet."""
    write, wrote = module.refer, asyncio.Event()

    async def slowly(*arguments: Any) -> None:
        await write(*arguments)
        wrote.set()
        await asyncio.sleep(0.4)

    monkeypatch.setattr(module, "refer", slowly)
    begun = asyncio.ensure_future(first())
    await wrote.wait()
    answer = await second()
    return await begun, answer


@pytest.mark.parametrize("act", ["withdrawal", "correction", "correction-to-elsewhere"])
async def test_a_return_and_what_the_reporter_does(
    register: Register, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """One referral is open for a signal that stands, none for one that was withdrawn."""
    one = await talk(register)
    await one.claim()
    path, body = "corrections", signal(**OBSERVED | {"urgency": "STRUCTURAL"})
    if act == "withdrawal":
        path, body = "withdrawal", {"reason": "DUPLICATE"}
    if act == "correction-to-elsewhere":
        body = signal(**OBSERVED | {"persons": [person(municipality="GM0762")]})
    headers = await register.headers(one.reporter, if_match='"1"')

    returned, changed = await while_held_up(
        monkeypatch,
        returning,
        lambda: register.step(one.referral, "return", {"reason": "INVOLVED"}),
        lambda: register.http.post(f"/v1/signals/{one.signal_id}/{path}", json=body, headers=headers),
    )
    assert (returned.status_code, changed.is_success) == (200, True), changed.text
    (its,) = await register.rows(Signal)
    open_now = [row for row in await register.rows(Referral) if row.status in OPEN]
    assert [row.signal_version for row in open_now] == ([] if act == "withdrawal" else [its.version])


async def test_a_return_and_an_answer(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer goes with the referral, to whoever has it now."""
    one = await talk(register)
    await one.accept()
    question = await one.ask()
    await register.token(one.reporter)
    returned, answered = await while_held_up(
        monkeypatch,
        returning,
        lambda: register.step(one.referral, "return", {"reason": "INVOLVED"}),
        lambda: one.answer(question),
    )
    assert (returned.status_code, answered.status_code) == (200, 201), answered.text
    (taken_over,) = (await register.claim(client=REGION)).json()["items"]
    assert [asked["answer"] for asked in taken_over["questions"]] == [answered.json()["answer"]]


@pytest.mark.parametrize("step", ["return", "forwarding"])
async def test_an_organisation_does_not_end_while_it_is_given_a_referral(
    register: Register, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def nothing(*arguments: Any) -> list[Any]:
        return []

    monkeypatch.setattr(needs, "_lost", nothing)  # what rule sets need is told elsewhere
    one = await talk(register)
    await (one.claim() if step == "return" else one.accept())
    to = str(register.loaded.organisations[REGION if step == "return" else HELP])
    body = {"reason": "INVOLVED"} if step == "return" else {"organisation": to}
    headers = await register.headers("administrator")
    given, ended = await while_held_up(
        monkeypatch,
        returning if step == "return" else forwarding,
        lambda: register.step(one.referral, step, body),
        lambda: register.http.post(f"/v1/organisations/{to}/termination", headers=headers),
    )
    assert (given.status_code, ended.status_code) == (200, 409), ended.text
    (organisation,) = [row for row in await register.rows(Organisation) if str(row.id) == to]
    assert organisation.ended_at is None
