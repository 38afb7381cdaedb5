"""The feed over HTTP: who hears what, in which form, from where on; and two readers while many write."""

import asyncio
import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service import clock
from service.database import Database
from service.events.actions import announce, event
from service.events.models import Audience, Event
from service.events.numbering import drop_old_events, number_events
from service.jobs import Job, Jobs
from service.trail import AuditEntry
from tests.referrals.test_queue import (
    ACUTE,
    CURSORS,
    IN_DEURNE,
    ORGANISATION,
    cursor_of,
    referred,
    second_client,
    slug,
)
from tests.referrals.test_who_sees import another_client
from tests.support.bodies import person, signal
from tests.support.register import BASE_URL, Register

HEAVY = os.environ.get("FAULTS") == "heavy"
WRITERS, ROUNDS = 16, 100 if HEAVY else 4
REPORTER, RECIPIENT, STRANGER = "jpt-helmond", "halt-oost-brabant", "contact-point-brabant-zuidoost"


async def asked(register: Register, client: str, **query: Any) -> Any:
    """The answer to a look at the feed of a client."""
    headers = await register.headers(client)
    return await register.http.get("/v1/events", params=query, headers=headers)


async def heard(register: Register, client: str, **query: Any) -> list[tuple[str, str]]:
    """Type and subject of what a client hears, without the prefix of types."""
    answer = await asked(register, client, **query)
    assert answer.status_code == 200, answer.text
    return [
        (one["type"].removeprefix("nl.signal-register."), one["subject"]) for one in answer.json()["items"]
    ]


async def step(register: Register, referral: Any, step: str, body: Any, client: str) -> Any:
    answer = await register.step(referral, step, body, client=client)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def one_claimed(register: Register, client: str) -> Any:
    (item,) = (await register.claim(client=client)).json()["items"]
    return item


async def test_an_event_says_that_something_happened_and_where_to_read_what(register: Register) -> None:
    await register.post_signal(signal(partnerReference="JPT-2026-0417"))
    await number_events(register.database)
    rows = {row.audience: row for row in await register.rows(Event)}

    for client, audience in ((REPORTER, "reporter"), (ORGANISATION, "coordinator")):
        row, answer = rows[audience], await asked(register, client)
        told = answer.json()["items"][0]["time"]
        assert told.endswith("Z")
        assert datetime.fromisoformat(told) == row.at.replace(microsecond=0)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        assert "Link" not in answer.headers
        assert answer.json() == {
            "items": [
                {
                    "id": str(row.id),
                    "specversion": "1.0",
                    "source": "urn:nld:oin:00000000000000000000:systeem:signal-register",
                    "type": f"nl.signal-register.{row.type}",
                    "subject": row.subject,
                    "time": told,
                    "dataref": f"{BASE_URL}{row.subject}",
                }
            ],
            "after": cursor_of("1"),
        }
        where = await register.http.get(row.subject, headers=await register.headers(client))
        assert where.status_code == 200


async def test_nothing_is_heard_before_it_is_numbered(register: Register) -> None:
    empty = await asked(register, REPORTER)
    assert empty.json() == {"items": [], "after": cursor_of("0")}
    await register.post_signal(signal())
    assert (await asked(register, REPORTER)).json() == empty.json()

    await number_events(register.database)
    after = empty.json()["after"]
    assert [type for type, _ in await heard(register, REPORTER, after=after)] == ["signal.received"]


async def test_everybody_hears_of_their_own_alone(register: Register) -> None:
    receipt = (
        await register.post_signal(
            signal(
                primaryType="SHAME_SEXTING",
                types=["SHAME_SEXTING"],
                persons=[person("victim"), person("suspect", role="SUSPECT", gender="M")],
            )
        )
    ).json()
    accepted = await step(
        register, await one_claimed(register, ORGANISATION), "acceptance", None, ORGANISATION
    )
    to = {"organisation": str(register.loaded.organisations[RECIPIENT])}
    await step(register, accepted, "forwarding", to, ORGANISATION)
    child = await step(register, await one_claimed(register, RECIPIENT), "acceptance", None, RECIPIENT)
    await step(register, child, "closure", {"outcome": "HALT_PROGRAMME"}, RECIPIENT)
    await number_events(register.database)

    feedback = ("signal.feedback", f"/v1/signals/{receipt['id']}/feedback")
    ours, theirs = f"/v1/referrals/{accepted['id']}", f"/v1/referrals/{child['id']}"
    assert await heard(register, REPORTER) == [
        ("signal.received", f"/v1/signals/{receipt['id']}"),
        *[feedback] * 2,
    ]
    assert await heard(register, ORGANISATION) == [
        (f"referral.{name}", ours) for name in ("waiting", "claim", "accept", "forward", "resume")
    ]
    assert await heard(register, RECIPIENT) == [
        (f"referral.{name}", theirs) for name in ("waiting", "claim", "accept", "close")
    ]
    for stranger in (STRANGER, "jpt-ede", "veilig-thuis-zuidoost-brabant", "police-oost-brabant"):
        assert await heard(register, stranger) == []


HEARD: dict[str, set[Audience]] = {
    "reporter": {"reporter"},
    "recipient": {"recipient"},
    "coordinator": {"coordinator", "recipient"},
}


@pytest.mark.parametrize("role", HEARD)
async def test_in_one_organisation_each_role_hears_what_is_for_it(register: Register, role: str) -> None:
    ours, now = register.loaded.organisations[ORGANISATION], clock.now()
    audiences: tuple[Audience, ...] = ("reporter", "coordinator", "recipient")
    async with register.database.writing() as session:
        each = [event("referral.claim", f"/v1/{one}", ours, now, audience=one) for one in audiences]
        await announce(session, each)
    await number_events(register.database)

    client = await another_client(register, role)
    assert {subject.removeprefix("/v1/") for _, subject in await heard(register, client)} == HEARD[role]
    # What it does not hear is behind it all the same, or it would be looked through again and again.
    assert (await asked(register, client)).json()["after"] == cursor_of("3")


async def test_a_territory_narrows_the_feed_as_it_does_the_queue(register: Register) -> None:
    helmond, deurne = await referred(register, {}, IN_DEURNE)
    await number_events(register.database)
    narrow = await second_client(register, "GM0762")

    assert await heard(register, narrow) == [("referral.waiting", f"/v1/referrals/{deurne}")]
    assert [subject for _, subject in await heard(register, ORGANISATION)] == [
        f"/v1/referrals/{id_}" for id_ in (helmond, deurne)
    ]


async def test_what_is_most_urgent_stands_out(register: Register) -> None:
    normal, acute = await referred(register, {}, ACUTE)
    await number_events(register.database)
    assert await heard(register, ORGANISATION) == [
        ("referral.waiting", f"/v1/referrals/{normal}"),
        ("referral.waiting-acute", f"/v1/referrals/{acute}"),
    ]


async def test_the_feed_is_read_page_by_page_and_goes_on_from_its_end(register: Register) -> None:
    ids = [f"/v1/referrals/{id_}" for id_ in await referred(register, *[{}] * 5)]
    await number_events(register.database)
    headers = await register.headers(ORGANISATION)
    path, pages = "/v1/events?limit=2", []
    while path:
        answer = await register.http.get(path, headers=headers)
        pages.append([one["subject"] for one in answer.json()["items"]])
        after, link = answer.json()["after"], answer.headers.get("Link")
        path = link.partition("<")[2].partition(">")[0] if link else ""
        assert link is None or link == f'</v1/events?limit=2&after={after}>; rel="next"'
    assert pages == [ids[:2], ids[2:4], ids[4:]]

    for limit, more in ((4, True), (5, False), (200, False)):
        answer = await asked(register, ORGANISATION, limit=limit)
        assert ("Link" in answer.headers, len(answer.json()["items"])) == (more, min(limit, 5))
    assert await heard(register, ORGANISATION, after=after) == []
    await register.claim(limit=1)
    await number_events(register.database)
    assert await heard(register, ORGANISATION, after=after) == [("referral.claim", ids[0])]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no event at all": ({"limit": 0}, "query:limit"),
    "too many": ({"limit": 201}, "query:limit"),
    "too long": ({"after": "A" * 201}, "query:after"),
    "empty": ({"after": ""}, "query:after"),
    "two parts": ({"after": cursor_of("1", "2")}, "query:after"),
    "no number": ({"after": cursor_of("one")}, "query:after"),
    "a negative one": ({"after": cursor_of("-1")}, "query:after"),
    "a broken one": ({"after": cursor_of("1.5")}, "query:after"),
    "other digits": ({"after": cursor_of("١")}, "query:after"),
    "beyond all numbers": ({"after": cursor_of("9" * 10)}, "query:after"),
    "something else": ({"before": cursor_of("1")}, "query:before"),
} | {f"of a list: {name}": ({"after": cursor}, "query:after") for name, cursor in CURSORS.items()}


async def test_a_cursor_of_ones_own_making_is_refused_where_it_stands(register: Register) -> None:
    for name, (query, pointer) in WRONG.items():
        answer = await asked(register, REPORTER, **query)
        assert (answer.status_code, slug(answer)) == (400, "invalid"), name
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], name


async def test_a_cursor_of_another_feed_tells_nothing_of_that(register: Register) -> None:
    await referred(register, {}, {}, {})
    await number_events(register.database)
    theirs = (await asked(register, ORGANISATION)).json()["after"]
    assert theirs == cursor_of("3")
    ours = (await asked(register, REPORTER, limit=1)).json()["after"]
    assert [type for type, _ in await heard(register, ORGANISATION, after=ours)] == ["referral.waiting"] * 2

    answer = await asked(register, "jpt-ede", after=theirs)  # its own feed has not begun
    assert (answer.status_code, slug(answer)) == (410, "feed-begins-anew")


async def test_a_feed_that_does_not_go_on_from_a_cursor_says_so(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    await referred(register, {}, {})
    await number_events(register.database)
    early, end = cursor_of("0"), (await asked(register, ORGANISATION)).json()["after"]
    assert len(await heard(register, ORGANISATION, after=early)) == 2
    ahead = await asked(register, ORGANISATION, after=cursor_of("3"))  # the database was restored
    assert (ahead.status_code, slug(ahead)) == (410, "feed-begins-anew")

    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=91))
    await drop_old_events(register.database)
    monkeypatch.undo()
    for cursor in (early, cursor_of("1")):
        for prefer in ({}, {"Prefer": "wait=20"}):
            headers = await register.headers(ORGANISATION) | prefer
            answer = await register.http.get("/v1/events", params={"after": cursor}, headers=headers)
            assert (answer.status_code, slug(answer)) == (410, "feed-begins-anew")
    for query in ({}, {"after": end}):
        assert (await asked(register, ORGANISATION, **query)).json() == {"items": [], "after": end}


async def test_only_who_may_read_a_feed_comes_in(register: Register) -> None:
    assert (await register.http.get("/v1/events")).status_code == 401
    for client in ("analyst", "administrator", "auditor"):
        assert (await asked(register, client)).status_code == 403
    without_actor = {"Authorization": f"Bearer {await register.token(ORGANISATION)}"}
    answer = await register.http.get("/v1/events", headers=without_actor)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["header:Actor"]


async def test_the_trail_has_who_heard_something_and_who_was_refused(register: Register) -> None:
    await asked(register, REPORTER)  # nothing was disclosed
    await referred(register)
    await number_events(register.database)
    after = (await asked(register, REPORTER)).json()["after"]
    await asked(register, REPORTER, after=after)
    await asked(register, REPORTER, after=cursor_of("9"))

    client_id = register.loaded.credentials[REPORTER].client_id
    entries = [row for row in await register.rows(AuditEntry) if str(row.client_id) == client_id]
    assert [
        (row.act, row.activity, row.role, row.outcome, row.object_id) for row in entries if "event" in row.act
    ] == [
        ("event.search", "feed", "reporter", "done", None),
        ("list_events", "access", "reporter", "feed-begins-anew", None),
    ]


# Many at once.


async def write(register: Register, place: int) -> None:
    """One of the writers: half of them post signals, the others claim and accept."""
    for _ in range(ROUNDS):
        if place % 2:
            assert (await register.post_signal(signal())).status_code == 201
            continue
        for item in (await register.claim(limit=2)).json()["items"]:
            assert (await register.step(item, "acceptance")).status_code == 200


async def follow(register: Register, client: str, limit: int, ended: asyncio.Event) -> list[str]:
    """The ids of all that a reader hears until the writers have ended, in the order in which it heard of it."""
    ids: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        last_look = ended.is_set()
        answer = await asked(register, client, **query)
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        ids += [one["id"] for one in items]
        query["after"] = answer.json()["after"]
        if last_look and not items:
            return ids
        await asyncio.sleep(0.02)


async def test_two_readers_hear_of_each_event_once_in_one_order_while_sixteen_write(
    register: Register,
) -> None:
    for client in (REPORTER, ORGANISATION):
        await register.token(client)
    ended = asyncio.Event()
    beside = Database(register.database.url, pool_size=1)  # as in another process
    numbering = [
        Jobs(database, [Job(name, 0.01, number_events)], beat_seconds=0.02)
        for database, name in ((beside, "beside"), (register.database.sibling(1), "inside"))
    ]
    readers = ((ORGANISATION, 3), (ORGANISATION, 50), (REPORTER, 2), (REPORTER, 200))
    for jobs in numbering:
        jobs.start()
    async with asyncio.timeout(600 if HEAVY else 60), asyncio.TaskGroup() as group:
        following = [group.create_task(follow(register, *reader, ended)) for reader in readers]
        await asyncio.gather(*(write(register, place) for place in range(WRITERS)))
        for jobs in numbering:
            await jobs.stop()
        await number_events(register.database)
        ended.set()
    await beside.close()

    for client, pair in ((ORGANISATION, following[:2]), (REPORTER, following[2:])):
        its = select(Event.id, Event.sequence).where(
            Event.organisation_id == register.loaded.organisations[client]
        )
        async with register.database.reading() as session:
            rows = (await session.execute(its.order_by(Event.sequence))).all()
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) >= WRITERS // 2 * ROUNDS
        for reader in pair:
            assert reader.result() == [str(row.id) for row in rows]
