"""The doors of the administration to what was returned twice: where it is from and why, never what it says."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from service.caller import Caller
from service.doors import IfMatch, Reading, Recording, Writing, entering
from service.problems import JsonRoute
from service.referrals import overview, returning
from service.referrals.bodies import PlacementRequest
from service.referrals.reads import ReturnedList
from service.referrals.steps import ACTIVITY
from service.trail import entry

router = APIRouter(
    prefix="/returned-referrals", tags=["referrals"], route_class=JsonRoute, redirect_slashes=False
)

Placing = Annotated[Caller, entering("referrals:place")]


@router.get("", operation_id="list_returned_referrals")
async def list_returned_referrals(caller: Placing, session: Reading, trail: Recording) -> ReturnedList:
    """What is in nobody's queue: returned by two contact points, or by one that nobody covers.

    The 200 most urgent ones; what is placed makes room for the rest.
    """
    items = await overview.returned_referrals(session)
    shown = (entry(caller.who, "returned-referral.read", ACTIVITY, "referral", one.id) for one in items)
    await trail.record_all([entry(caller.who, "returned-referral.search", ACTIVITY), *shown])
    return ReturnedList(items=list(items))


@router.post("/{referral_id}/placement", operation_id="place_referral", status_code=204)
async def place_referral(
    caller: Placing, referral_id: UUID, version: IfMatch, body: PlacementRequest, session: Writing
) -> None:
    """Give it to a contact point of the same agreement that has not returned it; `If-Match` has its `version`."""
    await returning.place(session, caller, referral_id=referral_id, version=version, request=body)
