"""Adding, changing and ending organisations and contact points.

Whether something may end is not judged here: that takes rules and referrals, and is the administration's.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.columns import new_id
from service.organisations import errors
from service.organisations.models import ContactPoint, ContactPointContent, Organisation
from service.snapshot import reference_changed

ACTIVITY = "administration"


async def add_organisation(
    session: AsyncSession,
    who: trail.Who,
    *,
    name: str,
    type: str,
    oin: str | None = None,
    function: str | None = None,
    phone: str | None = None,
) -> Organisation:
    """A new organisation, in force at once; raises `OinTaken`."""
    await _refuse_taken_oin(session, oin, None)
    organisation = Organisation(
        id=new_id(),
        name=name,
        type=type,
        oin=oin,
        function=function,
        phone=phone,
        created_at=clock.now(),
        ended_at=None,
        version=1,
    )
    session.add(organisation)
    await _record(session, who, "organisation.add", "organisation", organisation)
    return organisation


async def change_organisation(
    session: AsyncSession,
    who: trail.Who,
    organisation: Organisation,
    *,
    name: str,
    oin: str | None,
    function: str | None,
    phone: str | None,
) -> None:
    """Replace what may change; raises `Ended`, `OinTaken`."""
    _refuse_ended(organisation)
    await _refuse_taken_oin(session, oin, organisation.id)
    organisation.name, organisation.oin = name, oin
    organisation.function, organisation.phone = function, phone
    organisation.version += 1
    await _record(session, who, "organisation.change", "organisation", organisation)


async def end_organisation(session: AsyncSession, who: trail.Who, organisation: Organisation) -> None:
    """End an organisation with its contact points; raises `Ended`."""
    _refuse_ended(organisation)
    organisation.ended_at = clock.now()
    organisation.version += 1
    points = select(ContactPoint).where(
        ContactPoint.organisation_id == organisation.id, ContactPoint.ended_at.is_(None)
    )
    for point in await session.scalars(points):
        await end_contact_point(session, who, point)
    await _record(session, who, "organisation.end", "organisation", organisation)


async def add_contact_point(
    session: AsyncSession, who: trail.Who, *, organisation: Organisation, content: ContactPointContent
) -> ContactPoint:
    """Make an organisation the contact point (LOCAL or REGIONAL) of municipalities; raises `Ended`."""
    _refuse_ended(organisation)
    point = ContactPoint(
        id=new_id(),
        organisation_id=organisation.id,
        **_columns(content),
        created_at=clock.now(),
        ended_at=None,
        version=1,
    )
    session.add(point)
    await _record(session, who, "contact-point.add", "contact_point", point)
    return point


async def change_contact_point(
    session: AsyncSession, who: trail.Who, point: ContactPoint, content: ContactPointContent
) -> None:
    """Replace its content; raises `Ended`."""
    _refuse_ended(point)
    for name, value in _columns(content).items():
        setattr(point, name, value)
    point.version += 1
    await _record(session, who, "contact-point.change", "contact_point", point)


async def end_contact_point(session: AsyncSession, who: trail.Who, point: ContactPoint) -> None:
    """End a contact point at once; raises `Ended`."""
    _refuse_ended(point)
    point.ended_at = clock.now()
    point.version += 1
    await _record(session, who, "contact-point.end", "contact_point", point)


def _columns(content: ContactPointContent) -> dict[str, Any]:
    return {**dict(content), "municipalities": sorted(content.municipalities)}


def _refuse_ended(thing: Organisation | ContactPoint) -> None:
    if thing.ended_at is not None:
        raise errors.Ended


async def _refuse_taken_oin(session: AsyncSession, oin: str | None, own: UUID | None) -> None:
    if oin is None:
        return
    taken = (await session.scalars(select(Organisation.id).where(Organisation.oin == oin))).one_or_none()
    if taken not in (None, own):
        raise errors.OinTaken


async def _record(
    session: AsyncSession, who: trail.Who, act: str, kind: str, thing: Organisation | ContactPoint
) -> None:
    await session.flush()
    await trail.append(session, [trail.entry(who, act, ACTIVITY, kind, thing.id)])
    await reference_changed(session)
