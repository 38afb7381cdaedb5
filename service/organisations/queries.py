"""Reading organisations and contact points."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.errors import NotFound
from service.organisations.models import ContactPoint, ContactPointRead, Organisation, OrganisationRead
from service.paging import Page, page_of


async def organisations_by_id(session: AsyncSession) -> Mapping[UUID, Organisation]:
    """Every organisation, ended ones too: old signals still name them."""
    rows = await session.scalars(select(Organisation))
    return {row.id: row for row in rows}


async def contact_points_on(session: AsyncSession, day: date) -> Sequence[ContactPoint]:
    """The contact points valid on a day, of organisations that have not ended; the newest validity first."""
    points = await contact_points_from(session, day)
    return [point for point in points if point.valid_from <= day]


async def contact_points_from(session: AsyncSession, day: date) -> Sequence[ContactPoint]:
    """The same with those that will be valid later."""
    rows = await session.scalars(
        select(ContactPoint)
        .join(Organisation, Organisation.id == ContactPoint.organisation_id)
        .where(
            Organisation.ended_at.is_(None),
            ContactPoint.ended_at.is_(None),
            or_(ContactPoint.valid_until.is_(None), ContactPoint.valid_until >= day),
        )
        .order_by(ContactPoint.valid_from.desc(), ContactPoint.id.desc())
    )
    return rows.all()


def covering(
    points: Iterable[ContactPoint], municipality: str, parties: Collection[UUID]
) -> Iterator[ContactPoint]:
    """The regional contact points among these that cover a municipality, of organisations that are parties. Pure."""
    for point in points:
        if (
            point.level == "REGIONAL"
            and municipality in point.municipalities
            and point.organisation_id in parties
        ):
            yield point


async def contact_points_of(session: AsyncSession, organisation_id: UUID) -> Sequence[ContactPoint]:
    """Every contact point that an organisation is or was."""
    rows = await session.scalars(
        select(ContactPoint).where(ContactPoint.organisation_id == organisation_id).order_by(ContactPoint.id)
    )
    return rows.all()


async def get_organisation(session: AsyncSession, organisation_id: UUID) -> Organisation:
    """The organisation, ended or not; raises `NotFound`."""
    organisation = await session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound
    return organisation


async def get_contact_point(
    session: AsyncSession, organisation_id: UUID, contact_point_id: UUID
) -> ContactPoint:
    """A contact point of the organisation, ended or not; raises `NotFound`."""
    point = await session.get(ContactPoint, contact_point_id)
    if point is None or point.organisation_id != organisation_id:
        raise NotFound
    return point


async def organisations_page(
    session: AsyncSession, *, type: str | None, cursor: str | None, limit: int
) -> Page[OrganisationRead]:
    """A page of organisations, oldest first, ended ones too."""
    chosen = select(Organisation)
    if type is not None:
        chosen = chosen.where(Organisation.type == type)
    page = await page_of(
        session, chosen, Organisation.created_at, Organisation.id, cursor=cursor, limit=limit
    )
    return Page([read_organisation(row) for row in page.items], page.next_cursor)


def read_organisation(row: Organisation) -> OrganisationRead:
    """An organisation on the wire."""
    return OrganisationRead(
        id=row.id,
        name=row.name,
        type=row.type,
        oin=row.oin,
        function=row.function,
        phone=row.phone,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def read_contact_point(row: ContactPoint) -> ContactPointRead:
    """A contact point on the wire."""
    return ContactPointRead(
        id=row.id,
        organisation=row.organisation_id,
        level=row.level,
        municipalities=row.municipalities,
        function=row.function,
        deputy_function=row.deputy_function,
        phone=row.phone,
        hours=row.hours,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        ended_at=row.ended_at,
    )
