"""The doors to one's own signals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.caller import Caller
from service.doors import Reading, Recording, entering, link_next
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.pseudonyms.api import Unsealing
from service.signals import queries
from service.signals.actions import reads_of
from service.signals.models import SignalPage, SignalRead
from service.trail import entry
from service.vocabulary.types import SignalStatus, SignalType
from service.wire import Day, Wire

router = APIRouter(tags=["signals"], route_class=JsonRoute, redirect_slashes=False)

ReadingSignals = Annotated[Caller, entering("signals:read")]


class SignalQuery(Wire):
    """Which of one's own signals; days are Dutch calendar days, both included."""

    status: SignalStatus | None = None
    primary_type: SignalType | None = None
    received_from: Day | None = None
    received_until: Day | None = None
    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


@router.get("/signals", operation_id="list_signals", response_model_exclude_none=True)
async def list_signals(
    caller: ReadingSignals,
    query: Annotated[SignalQuery, Query()],
    session: Reading,
    sealer: Unsealing,
    trail: Recording,
    request: Request,
    response: Response,
) -> SignalPage:
    """The signals of one's own organisation, oldest first, page by page."""
    page = await queries.own_signals_page(session, caller, sealer, **dict(query))
    await trail.record_all(reads_of(caller, page.items))
    link_next(request, response, page.next_cursor)
    return SignalPage(items=list(page.items))


@router.get("/signals/{signal_id}", operation_id="get_signal", responses={200: {"model": SignalRead}})
async def get_signal(
    caller: ReadingSignals, signal_id: UUID, session: Reading, sealer: Unsealing, trail: Recording
) -> Response:
    """A signal of one's own organisation in its present version, without the pseudonyms of its persons."""
    signal = await queries.get_own_signal(session, caller, sealer, signal_id)
    await trail.record(entry(caller.who, "signal.read", "intake", "signal", signal_id))
    body = signal.model_dump_json(by_alias=True, exclude_none=True)  # FastAPI would check it once more
    return Response(body, headers={"ETag": f'"{signal.version}"'}, media_type="application/json")
