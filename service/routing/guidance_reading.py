"""Reading what the guidance needs of the register: the route of a signal by the rules and contact points of now."""

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.agreements.queries import agreements_by_party
from service.caller import Caller
from service.organisations.queries import contact_points_on, get_organisation, organisations_by_id
from service.routing.guidance import guidance_for, steps_for
from service.routing.guidance_models import NOT_REGISTRABLE, Guidance, Route, RoutePoint
from service.routing.queries import rules_at


async def read_guidance(
    session: AsyncSession,
    caller: Caller,
    *,
    type: str,
    organisation_type: str | None,
    municipality: str | None,
) -> Guidance:
    """The guidance for the caller's kind of organisation and place, unless others are named."""
    kind = organisation_type or (await get_organisation(session, caller.organisation_id)).type
    place = municipality or next(iter(caller.municipalities), None)
    registrable = type not in NOT_REGISTRABLE
    route = await _route(session, caller, type, kind, place) if place and registrable else None
    return guidance_for(type, kind, route)


async def _route(
    session: AsyncSession, caller: Caller, type: str, kind: str, municipality: str
) -> Route | None:
    """The way of a signal by the rules that hold now; None where the municipality has none."""
    found = await rules_at(session, municipality, clock.receipt_moment())
    if found is None:
        return None
    version, content = found
    steps = steps_for(type, kind, content.rules)
    point = await _point(session, caller, steps[0].contact_point, municipality)
    return Route(municipality=municipality, rule_set=version, contact_point=point, steps=steps)


async def _point(session: AsyncSession, caller: Caller, level: str, municipality: str) -> RoutePoint | None:
    """The contact point of the caller's agreement for this level, or the covering regional one."""
    day = clock.local_day(clock.receipt_moment())
    agreement = (await agreements_by_party(session, day)).get(caller.organisation_id)
    serving = [
        point
        for point in await contact_points_on(session, day)
        if municipality in point.municipalities
        and (agreement is None or point.organisation_id in agreement.content.parties)
    ]
    best = sorted(serving, key=lambda point: (point.level != level, point.level != "REGIONAL"))
    if not best:
        return None
    name = (await organisations_by_id(session))[best[0].organisation_id].name
    return RoutePoint(organisation=name, function=best[0].function, phone=best[0].phone, hours=best[0].hours)
