"""Migrating a register that is in use: nothing is lost on the way down and up again, on both databases."""

import uuid
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import text, update

from alembic import command
from service.access.models import Client
from service.database import Database
from service.events.models import Event
from service.migrations import alembic_config, migrate_database
from service.referrals.models import Referral, ReferralStep
from service.statistics.models import AreaPlan
from tests.support.bodies import person, signal
from tests.support.register import Register, Templates, apart, in_process
from tests.support.rules import Rules, in_days, rule_set

KEPT = ("victims-by-municipality-and-form", "victims-by-municipality-and-age")
POINT, REGIONAL, HALT = "contact-point-helmond", "contact-point-brabant-zuidoost", "halt-oost-brabant"


async def used(register: Register) -> None:
    """A referral that was forwarded, and one that nobody wanted."""
    for _ in range(2):
        assert (await register.post_signal(signal(persons=[person(role="SUSPECT")]))).status_code == 201
    one, other = (await register.claim(limit=2)).json()["items"]
    accepted = (await register.step(one, "acceptance")).json()
    recipient = str(register.loaded.organisations[HALT])
    forwarded = await register.step(accepted, "forwarding", {"organisation": recipient})
    assert forwarded.status_code == 200, forwarded.text
    assert (await register.step(other, "return", {"reason": "INVOLVED"})).status_code == 200
    (again,) = (await register.claim(client=REGIONAL)).json()["items"]
    returned = await register.step(again, "return", {"reason": "OTHER"}, client=REGIONAL)
    assert returned.status_code == 200, returned.text


async def told(register: Register) -> dict[str, Any]:
    """What the migration of the coordinator's day moves about."""
    async with register.database.reading() as session:
        unplaced = await session.scalar(text("SELECT count(*) FROM referral WHERE organisation_id IS NULL"))
    return {
        "events": sorted(
            (one.subject, one.type, one.audience, one.municipality or "")
            for one in await register.rows(Event)
        ),
        "scopes": sorted((str(one.id), sorted(one.scopes)) for one in await register.rows(Client)),
        "referrals": sorted(str(one.id) for one in await register.rows(Referral)),
        "steps": len(await register.rows(ReferralStep)),
        "unplaced": unplaced,
    }


async def test_the_coordinators_day_goes_down_and_up(
    engine: str, templates: Templates, tmp_path: Path
) -> None:
    loaded = templates.loaded[engine]
    with templates.copy(engine) as url:
        async with in_process(url, loaded, tmp_path) as register:
            await used(register)
            before = await told(register)
        apart(command.downgrade, alembic_config(url), "0004")
        apart(migrate_database, url)
        async with in_process(url, loaded, tmp_path) as register:
            after = await told(register)
            listed = await register.http.get("/v1/referrals", headers=await register.headers(POINT))

    assert before["unplaced"] == 1
    assert {audience for _, _, audience, _ in before["events"]} == {"reporter", "coordinator", "recipient"}
    assert after == before | {"unplaced": 0}
    assert [one["status"] for one in listed.json()["items"]] == ["FORWARDED", "RETURNED"]


async def test_what_was_accepted_before_gets_the_term_for_handling(
    engine: str, templates: Templates, tmp_path: Path
) -> None:
    """Before there was one, an accepted referral kept the term for deciding: nobody may be told that it is overdue."""
    loaded = templates.loaded[engine]
    with templates.copy(engine) as url:
        async with in_process(url, loaded, tmp_path) as register:
            await used(register)
            before = {one.id: one.due_on for one in await register.rows(Referral)}
            async with register.database.writing() as session:
                await session.execute(update(Referral).values(due_on=date(2026, 1, 2)))
        apart(command.downgrade, alembic_config(url), "0004")
        apart(migrate_database, url)
        async with in_process(url, loaded, tmp_path) as register:
            after = {one.id: (one.status, one.due_on) for one in await register.rows(Referral)}

    handled = {id_: due for id_, (status, due) in after.items() if status in ("ACCEPTED", "FORWARDED")}
    assert handled
    assert handled == {id_: before[id_] for id_ in handled}
    assert {due for id_, (_, due) in after.items() if id_ not in handled} == {date(2026, 1, 2)}


async def test_what_a_claim_holds_goes_down_and_up(engine: str, templates: Templates, tmp_path: Path) -> None:
    loaded, key = templates.loaded[engine], str(uuid.uuid4())
    with templates.copy(engine) as url:
        async with in_process(url, loaded, tmp_path) as register:
            for _ in range(3):
                assert (await register.post_signal(signal())).status_code == 201
            before = (await register.claim(key=key, limit=2)).json()
            assert len((await register.claim(limit=1)).json()["items"]) == 1
        apart(command.downgrade, alembic_config(url), "0005")
        apart(migrate_database, url)
        async with in_process(url, loaded, tmp_path) as register:
            again = (await register.claim(key=key, limit=2)).json()
            (renewed, released) = again["items"]
            assert (await register.step(renewed, "renewal", {"leaseSeconds": 900})).status_code == 200
            assert (await register.step(released, "release")).status_code == 200
            held = (await register.claim(key=key, limit=2)).json()

    assert again == before
    assert [one["id"] for one in held["items"]] == [renewed["id"]]


async def test_rule_sets_go_down_and_up(engine: str, templates: Templates, tmp_path: Path) -> None:
    """What holds goes on holding; what is planned is a draft before there were plans."""
    loaded = templates.loaded[engine]
    with templates.copy(engine) as url:
        async with in_process(url, loaded, tmp_path) as register:
            rules = Rules(register)
            await rules.activated(rule_set(municipalities=["GM0762"]))
            planned = await rules.activated(rule_set(municipalities=["GM0743"]), activeFrom=in_days(400))
            draft = await rules.drafted(rule_set())
            thrown_away = await rules.drafted(rule_set())
            assert (await rules.call("POST", f"/{thrown_away}/retirement", tag=1)).status_code == 200
            held = {version: (await rules.read(version))["activeIn"] for version in range(1, 8)}
            scopes = (await told(register))["scopes"]
        apart(command.downgrade, alembic_config(url), "0006")
        statuses = await _statuses(url)
        assert statuses == {1: "ACTIVE", 2: "ACTIVE", 3: "ACTIVE", 4: "ACTIVE"} | {
            planned: "DRAFT",
            draft: "DRAFT",
            thrown_away: "RETIRED",
        }
        apart(migrate_database, url)
        async with in_process(url, loaded, tmp_path) as register:
            rules = Rules(register)
            assert (await told(register))["scopes"] == scopes
            assert (await rules.read(4))["activeIn"] == held[4] == ["GM0762"]
            assert (await rules.read(1))["activeIn"] == held[1]
            assert [(await rules.read(version))["status"] for version in (planned, draft, thrown_away)] == [
                "DRAFT",
                "DRAFT",
                "RETIRED",
            ]
            posted = await register.post_signal(signal(persons=[person(municipality="GM0762")]))
            assert posted.json()["decision"]["ruleSet"] == 4


async def _statuses(url: str) -> dict[int, str]:
    database = Database(url, pool_size=1)
    async with database.reading() as session:
        rows = (await session.execute(text("SELECT version, status FROM rule_set"))).all()
    await database.close()
    return {row.version: row.status for row in rows}


async def test_a_release_goes_down_and_up(engine: str, templates: Templates, tmp_path: Path) -> None:
    """The tables that the menu had before stay as they were; what it did not have is gone."""
    loaded = templates.loaded[engine]
    with templates.copy(engine) as url:
        async with in_process(url, loaded, tmp_path) as register:
            headers = await register.headers("administrator")
            compiled = await register.released("2026-H1")
            assert compiled.status_code == 200, compiled.text
            path = f"/v1/statistics/releases/{compiled.json()['id']}"
            before = {
                name: (await register.http.get(f"{path}/tables/{name}", headers=headers)).json()
                for name in KEPT
            }
            plans = sorted((row.year, row.population) for row in await register.rows(AreaPlan))
        apart(command.downgrade, alembic_config(url), "0007")
        apart(migrate_database, url)
        async with in_process(url, loaded, tmp_path) as register:
            headers = await register.headers("administrator")
            after = {
                name: (await register.http.get(f"{path}/tables/{name}", headers=headers)).json()
                for name in KEPT
            }
            release = (await register.http.get(path, headers=headers)).json()
            gone = await register.http.get(f"{path}/tables/signals-by-region-and-form", headers=headers)
            assert sorted((row.year, row.population) for row in await register.rows(AreaPlan)) == plans
    assert after == before
    assert [table["name"] for table in release["tables"]] == list(KEPT)
    assert {one["population"] for one in release["areas"]} == {"VICTIMS"}
    assert gone.status_code == 404
    assert plans == [(2026, "OFFENDERS"), (2026, "VICTIMS")]
