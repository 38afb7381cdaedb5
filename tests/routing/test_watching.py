"""Rules in force that cannot reach somebody any more do not go on in silence."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.engine import Engine

from service.agreements.models import Agreement
from service.clock import local_day
from service.jobs import register_jobs
from service.organisations.models import ContactPoint
from service.routing.watching import RulesInTrouble, watch_rules
from service.snapshot import reference_changed
from tests.support.bodies import signal
from tests.support.register import Register

TODAY = local_day(datetime.now(UTC))


async def change(register: Register, statement: Any) -> None:
    async with register.database.writing() as session:
        await session.execute(statement)
        await reference_changed(session)


async def test_all_is_well_with_the_demo_pack(register: Register) -> None:
    await watch_rules(register.database)
    assert watch_rules in [job.run for job in register_jobs(b"")]


async def test_the_last_day_of_a_contact_point_is_seen(register: Register) -> None:
    ended = update(ContactPoint).where(ContactPoint.level == "LOCAL").values(valid_until=date(2026, 1, 31))  # type: ignore[arg-type]
    await change(register, ended)
    await watch_rules(register.database)  # a regional one stands in
    await change(register, update(ContactPoint).values(valid_until=date(2026, 1, 31)))
    with pytest.raises(RulesInTrouble):
        await watch_rules(register.database)


async def test_an_end_to_come_is_no_trouble_yet(register: Register) -> None:
    await change(register, update(ContactPoint).values(valid_until=date(2099, 12, 31)))
    await watch_rules(register.database)


async def test_an_agreement_without_a_party_that_is_suggested_is_seen(register: Register) -> None:
    headers = await register.headers("administrator")
    listed = (await register.http.get("/v1/agreements?limit=200", headers=headers)).json()["items"]
    halt = str(register.loaded.organisations["halt-oost-brabant"])
    (known,) = [one for one in listed if halt in one["content"]["parties"]]
    content = known["content"]
    parties = [party for party in content["parties"] if party != halt]
    draft = {
        "title": "Zonder Halt",
        "content": content | {"parties": parties},
        "validFrom": TODAY.isoformat(),
        "succeeds": known["id"],
    }
    drafted = await register.http.post("/v1/agreements", json=draft, headers=headers)
    path = f"/v1/agreements/{drafted.json()['id']}/activation"
    activated = await register.http.post(path, headers=headers | {"Actor": "staff.two", "If-Match": '"1"'})
    assert activated.status_code == 200, activated.text
    with pytest.raises(RulesInTrouble):
        await watch_rules(register.database)


async def test_a_post_asks_nothing_of_the_rules(register: Register) -> None:
    """They are in memory: read again when something changed, or the day."""
    await register.post_signal(signal())
    statements: list[str] = []

    def keep(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        answers = [await register.post_signal(signal()) for _ in range(3)]
    finally:
        event.remove(Engine, "before_cursor_execute", keep)
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert any("decision" in statement for statement in statements)
    assert not [statement for statement in statements if "FROM rule_set" in statement]
    await change(register, update(Agreement).values(title="Andere titel"))
    event.listen(Engine, "before_cursor_execute", keep)
    await register.post_signal(signal())
    event.remove(Engine, "before_cursor_execute", keep)
    assert [statement for statement in statements if "FROM rule_set_turn" in statement]
