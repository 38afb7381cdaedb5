"""The door to one's own signals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from service.caller import Caller
from service.doors import Reading, Recording, entering
from service.problems import JsonRoute
from service.signals import queries
from service.signals.models import SignalRead
from service.trail import entry

router = APIRouter(tags=["signals"], route_class=JsonRoute, redirect_slashes=False)


@router.get("/signals/{signal_id}", operation_id="get_signal", response_model_exclude_none=True)
async def get_signal(
    caller: Annotated[Caller, entering("signals:read")],
    signal_id: UUID,
    session: Reading,
    trail: Recording,
    response: Response,
) -> SignalRead:
    """A signal of one's own organisation, without the pseudonyms of its persons."""
    signal = await queries.get_own_signal(session, caller.organisation_id, signal_id)
    await trail.record(entry(caller.who, "signal.read", "intake", "signal", signal_id))
    response.headers["ETag"] = f'"{signal.version}"'
    return signal
