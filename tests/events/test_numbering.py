"""Numbers of the feed: none twice, none left out, none slipped in behind a reader; and what is not kept any more."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy import event as hook

from service import clock
from service.agreements.models import Agreement
from service.caller import Caller
from service.database import Database
from service.events.actions import announce, event
from service.events.errors import FeedBeginsAnew
from service.events.models import Event, EventFeed
from service.events.numbering import AT_A_TIME, drop_old_events, number_events
from service.events.queries import FeedPage, feed_page
from tests.support.register import Templates

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ONLY_POSTGRESQL = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@dataclass
class Feeds:
    """A database, and the feeds in it."""

    database: Database

    async def announce(self, *events: dict[str, Any]) -> list[uuid.UUID]:
        async with self.database.writing() as session:
            await announce(session, events)
        return [one["id"] for one in events]

    async def of(self, organisation_id: uuid.UUID) -> list[Any]:
        """What is numbered, in the order of its numbers."""
        its = select(Event.__table__).where(
            Event.organisation_id == organisation_id, Event.sequence.is_not(None)
        )
        async with self.database.reading() as session:
            return list(await session.execute(its.order_by(Event.sequence)))

    async def bounds(self) -> dict[uuid.UUID, tuple[int, int]]:
        """The first and the last number of each feed."""
        async with self.database.reading() as session:
            rows = await session.execute(select(EventFeed.__table__))
            return {row.organisation_id: (row.first_sequence, row.last_sequence) for row in rows}

    async def read(self, organisation_id: uuid.UUID, after: str | None = None, limit: int = 200) -> FeedPage:
        async with self.database.reading() as session:
            return await feed_page(session, caller_of(organisation_id), after=after, limit=limit)


def caller_of(organisation_id: uuid.UUID) -> Caller:
    return Caller(uuid.uuid4(), organisation_id, "coordinator", frozenset({"events:read"}), ())


def told(organisation_id: uuid.UUID, at: datetime = NOON) -> dict[str, Any]:
    return event(
        "referral.claim", f"/v1/referrals/{uuid.uuid4()}", organisation_id, at, audience="coordinator"
    )


@pytest.fixture
async def feeds(database_url: str) -> AsyncIterator[Feeds]:
    database = Database(database_url, pool_size=4)
    yield Feeds(database)
    await database.close()


@pytest.fixture
async def numberers(database_url: str) -> AsyncIterator[Sequence[Database]]:
    """Three pools beside each other, as three processes have them."""
    async with AsyncExitStack() as stack:
        pools = [Database(database_url, pool_size=1) for _ in range(3)]
        for pool in pools:
            stack.push_async_callback(pool.close)
        yield pools


@contextmanager
def statements() -> Iterator[list[str]]:
    """All statements of this process while the block runs, on whatever connection."""
    seen: list[str] = []

    def keep(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    hook.listen(Engine, "before_cursor_execute", keep)
    yield seen
    hook.remove(Engine, "before_cursor_execute", keep)


async def test_each_feed_is_numbered_by_itself_in_the_order_of_its_moments(feeds: Feeds) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    events = [told(one, NOON + timedelta(seconds=n % 7)) for n in range(30)]
    events += [told(other, NOON + timedelta(seconds=n)) for n in range(5)]
    random.Random(1).shuffle(events)
    await feeds.announce(*events)
    await number_events(feeds.database)

    for organisation_id, count in ((one, 30), (other, 5)):
        rows = await feeds.of(organisation_id)
        assert [row.sequence for row in rows] == list(range(1, count + 1))
        assert [(row.at, row.id) for row in rows] == sorted((row.at, row.id) for row in rows)
    assert await feeds.bounds() == {one: (1, 30), other: (1, 5)}


async def test_what_comes_later_is_numbered_behind_whatever_its_moment(feeds: Feeds) -> None:
    ours = uuid.uuid4()
    first = await feeds.announce(told(ours), told(ours))
    await number_events(feeds.database)
    earlier = await feeds.announce(told(ours, NOON - timedelta(hours=1)))
    await number_events(feeds.database)

    rows = await feeds.of(ours)
    assert [row.id for row in rows] == sorted(first) + earlier
    assert [row.sequence for row in rows] == [1, 2, 3]


async def test_a_look_that_finds_nothing_writes_nothing(feeds: Feeds) -> None:
    ours = uuid.uuid4()
    await feeds.announce(told(ours))
    await number_events(feeds.database)
    with statements() as seen:
        await number_events(feeds.database)

    assert [statement.split()[0] for statement in seen if not statement.startswith("BEGIN")] == ["SELECT"]
    assert "BEGIN IMMEDIATE" not in seen
    assert await feeds.bounds() == {ours: (1, 1)}


async def test_more_than_are_numbered_at_a_time_are_all_numbered(feeds: Feeds) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    moments = [NOON + timedelta(milliseconds=n) for n in range(AT_A_TIME // 2 + 300)]
    await feeds.announce(*[told(whose, at) for at in moments for whose in (one, other)])
    with statements() as seen:
        await number_events(feeds.database)

    assert sum(statement.startswith("UPDATE event SET") for statement in seen) == 2
    for organisation_id in (one, other):
        rows = await feeds.of(organisation_id)
        assert [row.sequence for row in rows] == list(range(1, len(moments) + 1))
        assert [row.at for row in rows] == moments


async def test_several_at_once_number_nothing_twice_and_leave_nothing_out(
    feeds: Feeds, numberers: Sequence[Database]
) -> None:
    whose = [uuid.uuid4() for _ in range(8)]
    ended = asyncio.Event()
    seen: dict[tuple[uuid.UUID, int], uuid.UUID] = {}

    async def write(seed: int) -> None:
        draw = random.Random(seed)
        for n in range(10):
            # New feeds begin all the time: each is numbered for the first time by one of several.
            known = whose[: 2 + n]
            await feeds.announce(*[told(draw.choice(known), clock.now()) for _ in range(draw.randint(1, 6))])

    async def number(database: Database) -> None:
        while not ended.is_set():
            await number_events(database)
            await asyncio.sleep(0)

    async def look() -> None:
        while not ended.is_set():
            for organisation_id in whose:
                rows = await feeds.of(organisation_id)
                assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
                for row in rows:
                    assert seen.setdefault((organisation_id, row.sequence), row.id) == row.id
            await asyncio.sleep(0.01)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for database in numberers:
            group.create_task(number(database))
        group.create_task(look())
        await asyncio.gather(*(write(seed) for seed in range(4)))
        ended.set()
    await number_events(feeds.database)

    async with feeds.database.reading() as session:
        everything = set((await session.execute(select(Event.id))).scalars())
    numbered = {organisation_id: await feeds.of(organisation_id) for organisation_id in whose}
    assert {row.id for rows in numbered.values() for row in rows} == everything
    for organisation_id, rows in numbered.items():
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        assert (await feeds.bounds())[organisation_id] == (1, len(rows))


@ONLY_POSTGRESQL
async def test_an_act_that_commits_late_is_heard_by_those_who_have_read_on(feeds: Feeds) -> None:
    ours = uuid.uuid4()
    async with feeds.database.writing() as slow:
        late = told(ours, NOON - timedelta(minutes=1))
        await announce(slow, [late])
        quick = await feeds.announce(told(ours), told(ours, NOON + timedelta(seconds=1)))
        await number_events(feeds.database)
        before = await feeds.read(ours)
        await number_events(feeds.database)
    assert [row.id for row in before.rows] == quick

    await number_events(feeds.database)
    after = await feeds.read(ours, before.after)
    assert [(row.id, row.sequence) for row in after.rows] == [(late["id"], 3)]
    assert [row.id for row in await feeds.of(ours)] == [*quick, late["id"]]


@ONLY_POSTGRESQL
async def test_a_numbering_that_is_not_committed_yet_is_not_read_in_part(
    feeds: Feeds, numberers: Sequence[Database]
) -> None:
    """Two number at once and the first is held up: whoever reads sees none of it, the second waits for it."""
    ours, other = sorted((uuid.uuid4(), uuid.uuid4()))
    await feeds.announce(told(ours), told(other))
    await number_events(feeds.database)
    first = await feeds.announce(told(ours, NOON + timedelta(seconds=1)))
    async with feeds.database.writing() as session:
        await session.execute(locking(other))
        numbering = [asyncio.create_task(number_events(database)) for database in numberers]
        await until_somebody_waits(feeds.database)
        second = await feeds.announce(told(ours, NOON))
        assert len((await feeds.read(ours)).rows) == 1
        assert not any(task.done() for task in numbering)
    await asyncio.gather(*numbering)
    assert {row.id for row in await feeds.of(ours)} >= {*first, *second}
    assert [row.sequence for row in await feeds.of(ours)] == [1, 2, 3]


@ONLY_POSTGRESQL
async def test_a_feed_that_somebody_else_begins_meanwhile_is_theirs_to_number(
    feeds: Feeds, numberers: Sequence[Database]
) -> None:
    known, new = uuid.uuid4(), uuid.uuid4()
    await feeds.announce(told(known))
    await number_events(feeds.database)
    await feeds.announce(told(known))
    async with AsyncExitStack() as theirs:
        async with feeds.database.writing() as session:
            await session.execute(locking(known))
            numbering = asyncio.create_task(number_events(numberers[0]))
            await until_somebody_waits(feeds.database)
            async with feeds.database.writing() as beginning:
                beginning.add(EventFeed(organisation_id=new, first_sequence=1, last_sequence=0))
            await feeds.announce(told(new))
            beginner = await theirs.enter_async_context(feeds.database.writing())
            await beginner.execute(locking(new))
        async with asyncio.timeout(5):
            while len(await feeds.of(known)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await feeds.of(new) == []
    await numbering
    assert [row.sequence for row in await feeds.of(new)] == [1]


def locking(organisation_id: uuid.UUID) -> Any:
    table: Any = EventFeed
    return select(table).where(table.organisation_id == organisation_id).with_for_update()


async def until_somebody_waits(database: Database) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(5), database.reading() as session:
        while not (await session.execute(waiting)).scalar_one():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# Keeping.


async def keep_for(feeds: Feeds, templates: Templates, engine: str, days: int) -> tuple[uuid.UUID, uuid.UUID]:
    """Let the agreement of Helmond keep events for so many days; its contact point, and that of Ede (90 days)."""
    organisations = templates.loaded[engine].organisations
    ours, theirs = organisations["contact-point-helmond"], organisations["contact-point-ede"]
    async with feeds.database.writing() as session:
        for row in (await session.scalars(select(Agreement))).all():
            if str(ours) in row.content["parties"]:
                content = row.content | {"terms": row.content["terms"] | {"feedDays": days}}
                await session.execute(update(Agreement).where(Agreement.id == row.id).values(content=content))
    return ours, theirs


async def aged(feeds: Feeds, organisation_id: uuid.UUID, *days: int) -> list[uuid.UUID]:
    """Numbered events of so many days ago, numbered in this order."""
    ids = []
    for ago in days:
        ids += await feeds.announce(told(organisation_id, NOON - timedelta(days=ago)))
        await number_events(feeds.database)
    return ids


async def test_events_are_kept_as_long_as_the_agreement_says(
    feeds: Feeds, templates: Templates, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = await keep_for(feeds, templates, engine, 10)
    nobodys = uuid.uuid4()  # an organisation without an agreement: as long as one says that says nothing
    kept = {whose: await aged(feeds, whose, 91, 89, 11, 9, 0) for whose in (ours, theirs, nobodys)}
    monkeypatch.setattr(clock, "now", lambda: NOON)
    await drop_old_events(feeds.database)

    for whose, dropped in ((ours, 3), (theirs, 1), (nobodys, 1)):
        rows = await feeds.of(whose)
        assert [row.id for row in rows] == kept[whose][dropped:]
        assert [row.sequence for row in rows] == list(range(dropped + 1, 6))
        assert (await feeds.bounds())[whose] == (dropped + 1, 5)


async def test_dropping_goes_on_with_the_days_and_a_reader_that_is_behind_hears_of_it(
    feeds: Feeds, templates: Templates, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = await keep_for(feeds, templates, engine, 10)
    ids = await aged(feeds, ours, 9, 8, 7)
    monkeypatch.setattr(clock, "now", lambda: NOON)
    slow = await feeds.read(ours, limit=1)
    await drop_old_events(feeds.database)
    assert (await feeds.bounds())[ours] == (1, 3)

    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=1, minutes=1))
    await drop_old_events(feeds.database)
    assert (await feeds.bounds())[ours] == (2, 3)
    assert [row.id for row in (await feeds.read(ours, slow.after)).rows] == ids[1:]

    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=2, minutes=1))
    await drop_old_events(feeds.database)
    with pytest.raises(FeedBeginsAnew):
        await feeds.read(ours, slow.after)
    assert [row.id for row in (await feeds.read(ours)).rows] == ids[2:]


async def test_a_feed_of_which_nothing_is_left_goes_on_with_the_next_number(
    feeds: Feeds, templates: Templates, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = await keep_for(feeds, templates, engine, 10)
    await aged(feeds, ours, 20, 19)
    read = await feeds.read(ours)
    monkeypatch.setattr(clock, "now", lambda: NOON)
    for _ in range(2):
        await drop_old_events(feeds.database)
        assert (await feeds.bounds())[ours] == (3, 2)
        assert await feeds.of(ours) == []

    empty = await feeds.read(ours, read.after)
    assert (list(empty.rows), empty.after, empty.more) == ([], read.after, False)
    new = await aged(feeds, ours, 0)
    assert [(row.id, row.sequence) for row in (await feeds.read(ours, empty.after)).rows] == [(new[0], 3)]


async def test_an_old_event_behind_a_young_one_stays_until_that_goes(
    feeds: Feeds, templates: Templates, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes late has an old moment and a high number: dropping it alone would leave a gap."""
    ours, _ = await keep_for(feeds, templates, engine, 10)
    ids = await aged(feeds, ours, 12, 1, 30, 0)
    unheard = (told(ours, NOON - timedelta(days=40)), told(ours))  # not numbered: of no age yet
    waiting = await feeds.announce(*unheard)
    monkeypatch.setattr(clock, "now", lambda: NOON)
    await drop_old_events(feeds.database)
    assert [(row.id, row.sequence) for row in await feeds.of(ours)] == [*zip(ids[1:], (2, 3, 4), strict=True)]

    await number_events(feeds.database)
    assert [row.id for row in await feeds.of(ours)] == [*ids[1:], *waiting]
