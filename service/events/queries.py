"""Reading the feed of a client: what is numbered beyond a cursor, as far as it is for its role and territory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.caller import Caller
from service.database import Database
from service.errors import Invalid
from service.events.errors import FeedBeginsAnew
from service.events.models import Audience, Event, EventFeed, EventRead, Feed
from service.events.watching import FeedWatch
from service.paging import bad_cursor, decode_cursor, encode_cursor

_event, _feed = Event.__table__, EventFeed.__table__

TYPE_PREFIX = "nl.signal-register."
# What is for recipients of its organisation stands in a coordinator's queue too.
HEARS: Mapping[str, tuple[Audience, ...]] = {
    "reporter": ("reporter",),
    "coordinator": ("coordinator", "recipient"),
    "recipient": ("recipient",),
}


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Rows of `event` in the order of their numbers, and where the next page begins."""

    rows: Sequence[Any]
    after: str
    more: bool


async def feed_page(session: AsyncSession, caller: Caller, *, after: str | None, limit: int) -> FeedPage:
    """What the caller's clients may hear after a cursor, from the oldest kept without one; one statement.

    Raises `Invalid` for a cursor not of ours and `FeedBeginsAnew` where events after it were dropped, or the feed
    does not reach so far: its database was restored.
    """
    seen = None if after is None else _sequence(after)
    beyond = 0 if seen is None else seen
    heard = [
        _event.c.organisation_id == _feed.c.organisation_id,
        _event.c.sequence > beyond,
        _event.c.sequence <= _feed.c.last_sequence,
        _event.c.audience.in_(HEARS[caller.role]),
    ]
    if caller.municipalities:
        its_own = _event.c.municipality.in_(caller.municipalities)
        heard.append(or_(_event.c.municipality.is_(None), its_own))
    rows = (
        await session.execute(
            select(_feed.c.first_sequence, _feed.c.last_sequence, _event)
            .select_from(_feed.outerjoin(_event, and_(*heard)))
            .where(_feed.c.organisation_id == caller.organisation_id)
            .order_by(_event.c.sequence)
            .limit(limit + 1)
        )
    ).all()
    if not rows:
        if beyond:
            raise FeedBeginsAnew
        return FeedPage((), encode_cursor("0"), more=False)
    first, last = rows[0].first_sequence, rows[0].last_sequence
    if seen is not None and not first - 1 <= seen <= last:
        raise FeedBeginsAnew
    found = [row for row in rows if row.id is not None]
    shown, more = found[:limit], len(found) > limit
    return FeedPage(shown, encode_cursor(str(shown[-1].sequence if more else last)), more)


async def wait_for_news(
    database: Database, watch: FeedWatch, caller: Caller, *, after: str | None, seconds: float
) -> None:
    """Until there is something for the caller after a cursor, or the time is over; raises as `feed_page`."""
    ends = monotonic() + seconds
    while (left := ends - monotonic()) > 0:
        async with database.reading() as session:
            page = await feed_page(session, caller, after=after, limit=1)
        if page.rows:
            return
        await watch.wait(caller.organisation_id, beyond=_sequence(page.after), seconds=left)


def read_feed(page: FeedPage, *, source: str, public_url: str) -> Feed:
    """A page on the wire; `source` is the URN of this register, links begin with `public_url`."""
    items = [
        EventRead(
            id=row.id,
            source=source,
            type=f"{TYPE_PREFIX}{row.type}",
            subject=row.subject,
            time=row.at,
            dataref=f"{public_url}{row.subject}",
        )
        for row in page.rows
    ]
    return Feed(items=items, after=page.after)


def _sequence(cursor: str) -> int:
    try:
        (number,) = decode_cursor(cursor, 1)
    except Invalid:
        raise bad_cursor("query:after") from None
    if not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise bad_cursor("query:after")
    return int(number)


async def last_sequence(session: AsyncSession, organisation_id: UUID) -> int:
    """How far the feed of an organisation is numbered; 0 before its first event."""
    number = select(_feed.c.last_sequence).where(_feed.c.organisation_id == organisation_id)
    return (await session.execute(number)).scalar_one_or_none() or 0
