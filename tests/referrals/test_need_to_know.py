"""What a referral shows once things have moved on: nothing that is for somebody else now, and nobody else's persons."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from service import clock
from service.events.models import Event
from service.referrals.gathering import Gathering
from service.referrals.models import Referral
from service.signals.models import Signal
from tests.support.bodies import person, signal
from tests.support.register import Register
from tests.support.talking import (
    HALT,
    HELP,
    LOCAL,
    OBSERVED,
    POLICE,
    REGION,
    REPORTER,
    Talk,
    police_talk,
    talk,
)

VICTIM = person("victim", gender="F", ageBand="A00_11")
SUSPECT = person("suspect", role="SUSPECT", gender="M")
SHAME_SEXTING = {"primaryType": "SHAME_SEXTING", "types": ["SHAME_SEXTING"]}


async def correct(
    register: Register, signal_id: str, *, client: str = REPORTER, version: int = 1, **body: Any
) -> None:
    headers = await register.headers(client, if_match=f'"{version}"')
    path, told = f"/v1/signals/{signal_id}/corrections", signal(**OBSERVED | body)
    answer = await register.http.post(path, json=told, headers=headers)
    assert answer.status_code == 201, answer.text


async def read(register: Register, client: str, referral_id: str) -> dict[str, Any]:
    headers = await register.headers(client)
    answer = await register.http.get(f"/v1/referrals/{referral_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def shared_with_halt(register: Register) -> tuple[Talk, dict[str, Any]]:
    """A suspect, in the second place, that Halt has accepted."""
    one = await talk(register, **SHAME_SEXTING, persons=[VICTIM, SUSPECT])
    await one.accept()
    await one.forward(HALT)
    (child,) = (await register.claim(client=HALT)).json()["items"]
    accepted = await register.step(child, "acceptance", client=HALT)
    return one, dict(accepted.json())


def is_silent(referral: dict[str, Any]) -> bool:
    return not {"signal", "partnerReference", "decision"} & referral.keys() and referral["questions"] == []


async def test_a_closed_child_does_not_show_who_stands_in_its_place_now(register: Register) -> None:
    one, child = await shared_with_halt(register)
    assert [shown["role"] for shown in child["signal"]["persons"]] == ["SUSPECT"]
    closed = await register.step(child, "closure", {"outcome": "HALT_PROGRAMME"}, client=HALT)
    assert [shown["role"] for shown in closed.json()["signal"]["persons"]] == ["SUSPECT"]
    await correct(register, one.signal_id, **SHAME_SEXTING, persons=[SUSPECT, VICTIM])
    assert is_silent(await read(register, HALT, child["id"]))


async def test_who_closed_it_does_not_read_what_is_for_another_contact_point_now(register: Register) -> None:
    one = await talk(register, partnerReference="dossier-7")
    await one.accept()
    await one.answer(await one.ask())
    await one.read()
    closed = await one.step("closure", {"outcome": "ADVICE_ONLY"})
    assert closed["partnerReference"] == "dossier-7"
    elsewhere = {
        "persons": [person("other", municipality="GM0772")],
        "municipalities": {"incident": "GM0772"},
    }
    await correct(register, one.signal_id, **elsewhere)
    (theirs,) = (await register.claim(client=REGION)).json()["items"]
    question = {"kind": "INFORMATION", "text": "Is er nog contact?"}
    asked = (await register.step(theirs, "questions", question, client=REGION)).json()
    assert [one["text"] for one in asked["questions"]][-1] == question["text"]
    assert is_silent(await read(register, LOCAL, one.referral["id"]))


@pytest.mark.parametrize("why", ["withdrawn", "past its last day"])
async def test_a_closed_referral_is_silent_when_its_signal_is_over(register: Register, why: str) -> None:
    one, child = await shared_with_halt(register)
    await register.step(child, "closure", {"outcome": "HALT_PROGRAMME"}, client=HALT)
    await one.read()
    await one.step("closure", {"outcome": "ADVICE_ONLY"})
    if why == "withdrawn":
        headers = await register.headers(REPORTER, if_match='"1"')
        path, body = f"/v1/signals/{one.signal_id}/withdrawal", {"reason": "UNJUSTIFIED"}
        assert (await register.http.post(path, json=body, headers=headers)).is_success
    else:
        async with register.database.writing() as session:
            yesterday = clock.local_day(clock.now()) - timedelta(1)
            await session.execute(update(Signal).values(remove_by=yesterday))
    assert is_silent(await read(register, HALT, child["id"]))
    assert is_silent(await read(register, LOCAL, one.referral["id"]))


async def test_nothing_is_forwarded_after_the_last_day(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    async with register.database.writing() as session:
        yesterday = clock.local_day(clock.now()) - timedelta(1)
        await session.execute(update(Signal).values(remove_by=yesterday))
    await one.forward(HELP, refused=(409, "not-possible-now"))


async def test_a_handling_code_that_came_later_takes_back_what_was_forwarded(register: Register) -> None:
    """H2 stops it for everybody, H1 for those who prosecute; whoever it does not stop goes on."""
    persons = [person("victim"), person("suspect", role="SUSPECT", gender="M")]
    one = await police_talk(register)
    await one.forward(HELP)
    (child,) = (await register.claim(client=HELP)).json()["items"]
    body = {"legalBasis": "WPG_20", "persons": persons}
    await correct(register, one.signal_id, client=POLICE, **body, handlingCodes=["H1"], settings=["ONLINE"])
    still = await read(register, HELP, child["id"])
    assert (still["status"], still["signal"]["settings"]) == ("CLAIMED", ["ONLINE"])

    await correct(register, one.signal_id, client=POLICE, version=2, **body, handlingCodes=["H2"])
    gone, parent = await read(register, HELP, child["id"]), await one.read()
    assert (gone["status"], is_silent(gone)) == ("WITHDRAWN", True)
    assert (parent["status"], parent["history"][-1]["move"]) == ("ACCEPTED", "resume")
    await one.forward(HELP, refused=(409, "handling-code-forbids"))


async def test_a_referral_and_its_persons_are_of_one_moment(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction that comes between the statements of a reader does not put another person in somebody's place."""
    one, child = await shared_with_halt(register)
    gather, came = Gathering.of, []

    async def after_a_correction(*arguments: Any) -> Any:
        if not came:
            came.append(True)
            await correct(register, one.signal_id, **SHAME_SEXTING, persons=[SUSPECT, VICTIM])
        return await gather(*arguments)

    await register.token(HALT)
    await register.token(REPORTER)
    monkeypatch.setattr(Gathering, "of", after_a_correction)
    shown = await read(register, HALT, child["id"])
    monkeypatch.undo()
    assert came
    assert [person["role"] for person in shown["signal"]["persons"]] == ["SUSPECT"]
    assert [person["role"] for person in (await read(register, HALT, child["id"]))["signal"]["persons"]] == [
        "SUSPECT"
    ]


async def test_who_had_it_hears_that_a_correction_took_it_out_of_its_territory(register: Register) -> None:
    one = await talk(register, persons=[person(municipality="GM0772")], municipalities={"incident": "GM0772"})
    await one.claim(REGION)
    elsewhere = {"persons": [person(municipality="GM0861")], "municipalities": {"incident": "GM0861"}}
    await correct(register, one.signal_id, **elsewhere)
    (row,) = await register.rows(Referral)
    told = [row.municipality for row in await register.rows(Event) if row.type == "referral.correct"]
    assert (row.municipality, sorted(told)) == ("GM0861", ["GM0772", "GM0861"])
