"""Numbering the feed, and dropping what was kept long enough: jobs.

An event gets the next number of its organisation's feed after the commit of what it tells of. Whoever numbers has
locked every feed first, so that numbers are seen in their order: no late commit slips in behind a reader, and there
is no gap. A number tells no more than how many events its own organisation has had.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.agreements.models import Terms
from service.agreements.queries import agreements_by_party
from service.database import Database
from service.events.models import Event, EventFeed
from service.rows import insert_or_change

AT_A_TIME = 5000

_event, _feed = Event.__table__, EventFeed.__table__

_unnumbered = _event.c.sequence.is_(None)
_picked = (
    select(_event.c.id, _event.c.organisation_id, _event.c.at)
    .where(_unnumbered, _event.c.organisation_id.in_(bindparam("locked", expanding=True)))
    .order_by(_event.c.at, _event.c.id)
    .limit(AT_A_TIME)
    .subquery()
)
_place = func.row_number().over(partition_by=_picked.c.organisation_id, order_by=(_picked.c.at, _picked.c.id))
_numbered = (
    select(_picked.c.id, (_feed.c.last_sequence + _place).label("sequence"))
    .join(_feed, _feed.c.organisation_id == _picked.c.organisation_id)
    .subquery()
)
_NUMBER = (
    update(_event)
    .where(_event.c.id == _numbered.c.id)
    .values(sequence=_numbered.c.sequence)
    .returning(_event.c.organisation_id, _event.c.sequence)
)


async def number_events(database: Database) -> None:
    """Number everything that waits for it; a look that finds nothing writes nothing."""
    while True:
        async with database.reading() as session:
            if (await session.execute(select(_event.c.id).where(_unnumbered).limit(1))).first() is None:
                return
        async with database.writing() as session:
            await _number_some(session)


async def _number_some(session: AsyncSession) -> None:
    """Number what belongs to feeds that are locked here; one that somebody else begins meanwhile is for later.

    In one order, so that several who number wait for each other, and never in a circle.
    """
    new = select(_event.c.organisation_id, literal(1), literal(0)).where(_unnumbered).distinct()
    feeds = insert_or_change(session, _feed).from_select(
        ["organisation_id", "first_sequence", "last_sequence"], new.order_by(_event.c.organisation_id)
    )
    await session.execute(feeds.on_conflict_do_nothing())
    each = select(_feed.c.organisation_id).order_by(_feed.c.organisation_id).with_for_update()
    locked = (await session.execute(each)).scalars().all()
    last: dict[UUID, int] = {}
    for organisation_id, sequence in await session.execute(_NUMBER, {"locked": locked}):
        last[organisation_id] = max(sequence, last.get(organisation_id, 0))
    moved = [{"of": organisation_id, "sequence": sequence} for organisation_id, sequence in last.items()]
    if moved:
        statement = (
            update(_feed)
            .where(_feed.c.organisation_id == bindparam("of"))
            .values(last_sequence=bindparam("sequence"))
        )
        await (await session.connection()).execute(statement, moved)


async def drop_old_events(database: Database) -> None:
    """Drop the events that are older than the agreement of their organisation wants them kept."""
    now = clock.now()
    async with database.reading() as session:
        agreements = await agreements_by_party(session, clock.local_day(now))
        organisations = (await session.execute(select(_feed.c.organisation_id))).scalars().all()
    for organisation_id in organisations:
        agreement = agreements.get(organisation_id)
        terms = agreement.content.terms if agreement else Terms()
        async with database.writing() as session:
            await _drop_before(session, organisation_id, now - timedelta(days=terms.feed_days))


async def _drop_before(session: AsyncSession, organisation_id: UUID, moment: datetime) -> None:
    """Drop up to the first event that is young enough; the feed begins with that."""
    its: tuple[Any, ...] = (_event.c.organisation_id == organisation_id, _event.c.sequence.is_not(None))
    feed = (
        await session.execute(
            select(_feed).where(_feed.c.organisation_id == organisation_id).with_for_update()
        )
    ).one()
    kept = select(_event.c.sequence).where(*its, _event.c.at >= moment).order_by(_event.c.sequence).limit(1)
    first = (await session.execute(kept)).scalar_one_or_none() or feed.last_sequence + 1
    if first == feed.first_sequence:
        return
    await session.execute(delete(_event).where(*its, _event.c.sequence < first))
    await session.execute(
        update(_feed).where(_feed.c.organisation_id == organisation_id).values(first_sequence=first)
    )
