"""The door to the guidance."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.caller import Caller
from service.doors import Reading, Recording, entering
from service.problems import JsonRoute
from service.routing.guidance_models import Guidance, GuidanceType
from service.routing.guidance_reading import read_guidance
from service.trail import entry
from service.vocabulary.types import MunicipalityCode, OrganisationType
from service.wire import Wire

router = APIRouter(tags=["routing"], route_class=JsonRoute, redirect_slashes=False)


class GuidanceQuery(Wire):
    """About which form, for whom (one's own kind of organisation), and where (one's own territory)."""

    type: GuidanceType
    organisation_type: OrganisationType | None = None
    municipality: MunicipalityCode | None = None


@router.get("/guidance", operation_id="get_guidance", response_model_exclude_none=True)
async def get_guidance(
    caller: Annotated[Caller, entering()],
    query: Annotated[GuidanceQuery, Query()],
    session: Reading,
    trail: Recording,
) -> Guidance:
    """What to look for, what to do and to leave, the route that a signal takes, and what can be offered."""
    guidance = await read_guidance(session, caller, **dict(query))
    await trail.record(entry(caller.who, "guidance.read", "routing"))
    return guidance
