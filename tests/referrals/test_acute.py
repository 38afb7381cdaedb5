"""What is most urgent stands out in the feed of whoever has it now: when it comes, is placed, or becomes so."""

from datetime import timedelta

from sqlalchemy import update

from service import clock
from service.events.models import Event
from service.referrals.models import Referral
from service.signals.models import Signal
from tests.referrals.test_returning import CARE, another_point, in_nobodys_queue, place, posted, returned
from tests.support.bodies import signal
from tests.support.register import Register
from tests.support.talking import REGION, REPORTER, refusal


async def told(register: Register, type: str = "referral.waiting-acute") -> list[str]:
    """To whom, in the order of the events."""
    names = {id_: name for name, id_ in register.loaded.organisations.items()}
    rows = sorted(await register.rows(Event), key=lambda row: row.id)
    return [names[row.organisation_id] for row in rows if row.type == type]


async def correct(register: Register, signal_id: str, version: int, urgency: str) -> tuple[int, str]:
    headers = await register.headers(REPORTER, if_match=f'"{version}"')
    path = f"/v1/signals/{signal_id}/corrections"
    answer = await register.http.post(path, json=signal(urgency=urgency), headers=headers)
    return (201, "") if answer.status_code == 201 else refusal(answer)


async def test_what_is_placed_stands_out_where_it_is_now(register: Register) -> None:
    await posted(register, urgency="ACUTE")
    await returned(register)
    await returned(register, REGION)
    (one,) = await in_nobodys_queue(register)
    assert (await place(register, one, await another_point(register))).status_code == 204
    assert await told(register) == ["contact-point-helmond", REGION, CARE]


async def test_what_becomes_most_urgent_while_it_waits_stands_out_once(register: Register) -> None:
    signal_id = await posted(register)
    assert await told(register) == []
    for version, urgency in enumerate(("ACUTE", "ACUTE", "CONCERN"), start=1):
        assert await correct(register, signal_id, version, urgency) == (201, "")
    assert await told(register) == ["contact-point-helmond"]
    (claimed,) = (await register.claim()).json()["items"]
    assert await correct(register, signal_id, 4, "ACUTE") == (201, "")
    assert await told(register) == ["contact-point-helmond"], "whoever holds it hears of the correction"
    assert claimed["priority"] == "NORMAL"


async def test_nothing_new_comes_of_a_signal_past_its_last_day(register: Register) -> None:
    signal_id = await posted(register)
    async with register.database.writing() as session:
        yesterday = clock.local_day(clock.now()) - timedelta(1)
        await session.execute(update(Signal).values(remove_by=yesterday))
    assert await correct(register, signal_id, 1, "ACUTE") == (409, "not-active")
    (row,) = await register.rows(Referral)
    assert (row.version, row.signal_version) == (1, 1)
