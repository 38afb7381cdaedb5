"""Adding organisations and contact points."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.columns import new_id
from service.organisations.models import ContactPoint, Organisation
from service.snapshot import reference_changed

ACTIVITY = "administration"


async def add_organisation(
    session: AsyncSession, who: trail.Who, *, name: str, type: str, oin: str | None = None
) -> Organisation:
    """A new organisation, in force at once."""
    organisation = Organisation(
        id=new_id(), name=name, type=type, oin=oin, created_at=clock.now(), ended_at=None
    )
    session.add(organisation)
    await session.flush()
    await trail.append(
        session, [trail.entry(who, "organisation.add", ACTIVITY, "organisation", organisation.id)]
    )
    await reference_changed(session)
    return organisation


async def add_contact_point(
    session: AsyncSession,
    who: trail.Who,
    *,
    organisation_id: UUID,
    level: str,
    municipalities: Sequence[str],
    function: str,
    deputy_function: str,
    phone: str,
    hours: str,
    valid_from: date,
    valid_until: date | None = None,
) -> ContactPoint:
    """Make an organisation the contact point (LOCAL or REGIONAL) of municipalities."""
    point = ContactPoint(
        id=new_id(),
        organisation_id=organisation_id,
        level=level,
        municipalities=list(municipalities),
        function=function,
        deputy_function=deputy_function,
        phone=phone,
        hours=hours,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    session.add(point)
    await session.flush()
    await trail.append(session, [trail.entry(who, "contact-point.add", ACTIVITY, "contact_point", point.id)])
    await reference_changed(session)
    return point
