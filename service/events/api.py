"""The door to the feed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from service.caller import Caller
from service.doors import Patience, Reading, Recording, entering, link_next
from service.events import queries
from service.events.models import Feed
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.trail import entry
from service.wire import Wire

router = APIRouter(tags=["events"], route_class=JsonRoute, redirect_slashes=False)

ReadingFeed = Annotated[Caller, entering("events:read")]


class FeedQuery(Wire):
    """Where to go on: `after` of the last answer; left out, from the oldest event that is kept."""

    after: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


async def _news(
    caller: ReadingFeed, query: Annotated[FeedQuery, Query()], patience: Patience, request: Request
) -> FeedQuery:
    """The query, once there may be an answer to it or patience is over. Nothing is open while it waits."""
    state = request.app.state
    if patience:
        await queries.wait_for_news(state.database, state.watch, caller, after=query.after, seconds=patience)
    return query


@router.get("/events", operation_id="list_events")
async def list_events(
    caller: ReadingFeed,
    query: Annotated[FeedQuery, Depends(_news)],
    session: Reading,
    trail: Recording,
    request: Request,
    response: Response,
) -> Feed:
    """What happened to one's own signals or in one's own queue, in order, without gaps or doubles.

    Content-free: each event says where to read more. `Prefer: wait=n` waits up to n seconds (at most 30) for the
    first one.
    """
    page = await queries.feed_page(session, caller, after=query.after, limit=query.limit)
    if page.rows:
        await trail.record(entry(caller.who, "event.search", "feed"))
    link_next(request, response, page.after if page.more else None, name="after")
    settings = request.app.state.settings
    return queries.read_feed(page, source=settings.event_source, public_url=settings.public_url)
