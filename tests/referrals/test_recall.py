"""Recalling: what was forwarded is taken back, and is one's own to go on with when no other has it."""

import uuid
from typing import Any

from service.events.models import Event
from service.referrals.models import Referral
from service.trail import AuditEntry
from tests.support.register import Register
from tests.support.talking import HALT, HELP, Talk, faults, police_talk, talk


async def forwarded(register: Register, *recipients: str) -> tuple[Talk, list[str]]:
    """An accepted referral that these have, and the ids of theirs."""
    one = await police_talk(register) if HALT in recipients else await talk(register)
    if HALT not in recipients:
        await one.accept()
    for recipient in recipients:
        await one.forward(recipient)
    return one, [child["id"] for child in one.referral["children"]]


async def everything(register: Register) -> list[list[Any]]:
    return [sorted(map(str, await register.rows(model))) for model in (Referral, Event)]


async def test_what_is_recalled_is_accepted_again_and_over_for_the_recipient(register: Register) -> None:
    one, (child,) = await forwarded(register, HELP)
    (claimed,) = (await register.claim(client=HELP)).json()["items"]
    told = await one.step("recall", {"child": child})
    assert (told["status"], [step["move"] for step in told["history"][-2:]]) == (
        "ACCEPTED",
        ["recall", "resume"],
    )
    assert [(one["id"], one["status"]) for one in told["children"]] == [(child, "WITHDRAWN")]

    headers = await register.headers(HELP)
    theirs = (await register.http.get(f"/v1/referrals/{child}", headers=headers)).json()
    assert theirs["status"] == "WITHDRAWN"
    assert "signal" not in theirs
    assert "actor" not in theirs["history"][-1]
    assert (await register.step(claimed, "acceptance", client=HELP)).status_code == 412

    events = {(row.type, row.audience) for row in await register.rows(Event)}
    assert {("referral.recall", "coordinator"), ("referral.withdraw", "recipient")} <= events
    acts = [
        row.act for row in await register.rows(AuditEntry) if row.object_id in (child, one.referral["id"])
    ]
    assert {"referral.recall", "referral.withdraw", "referral.resume"} <= set(acts)
    await one.forward(HELP)


async def test_the_other_recipient_keeps_what_it_has(register: Register) -> None:
    one, children = await forwarded(register, HALT, HELP)
    told = await one.step("recall", {"child": children[0]})
    assert told["status"] == "FORWARDED"
    assert sorted(child["status"] for child in told["children"]) == ["WAITING", "WITHDRAWN"]
    assert (await one.step("recall", {"child": children[1]}))["status"] == "ACCEPTED"


async def test_what_nobody_can_pull_any_more_comes_back(register: Register) -> None:
    one, (child,) = await forwarded(register, HELP)
    path = f"/v1/clients/{register.loaded.credentials[HELP].client_id}/termination"
    ended = await register.http.post(path, headers=await register.headers("administrator"))
    assert ended.status_code == 200, ended.text
    assert (await one.step("recall", {"child": child}))["status"] == "ACCEPTED"


async def test_only_an_open_child_of_ones_own_is_recalled(register: Register) -> None:
    one, (child,) = await forwarded(register, HELP)
    other, (theirs,) = await forwarded(register, HALT)
    before = await everything(register)
    for unknown in (theirs, str(uuid.uuid4()), one.referral["id"]):
        await one.step("recall", {"child": unknown}, refused=(409, "no-such-child"))
    answer = await register.step(one.referral, "recall", {"child": "the one at Veilig Thuis"})
    assert faults(answer) == [("/child", "wrong-form")]
    stranger = await register.step(one.referral, "recall", {"child": child}, client=HELP)
    assert stranger.status_code == 404
    late = await register.step(one.referral | {"version": 2}, "recall", {"child": child})
    assert late.status_code == 412
    assert await everything(register) == before

    (claimed,) = (await register.claim(client=HELP)).json()["items"]
    returned = await register.step(claimed, "return", {"reason": "NO_CAPACITY"}, client=HELP)
    assert returned.status_code == 200
    told = await one.read()
    assert [(one["status"], one["reason"]) for one in told["children"]] == [("RETURNED", "NO_CAPACITY")]
    await one.step("recall", {"child": child}, refused=(409, "not-possible-now"))
    await other.step("recall", {"child": child}, refused=(409, "no-such-child"))
