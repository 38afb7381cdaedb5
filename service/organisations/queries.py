"""Reading organisations and contact points."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.organisations.models import ContactPoint, Organisation


async def organisations_by_id(session: AsyncSession) -> Mapping[UUID, Organisation]:
    """Every organisation, ended ones too: old signals still name them."""
    rows = await session.scalars(select(Organisation))
    return {row.id: row for row in rows}


async def contact_points_on(session: AsyncSession, day: date) -> Sequence[ContactPoint]:
    """The contact points valid on a day, of organisations that have not ended; in order of id."""
    rows = await session.scalars(
        select(ContactPoint)
        .join(Organisation, Organisation.id == ContactPoint.organisation_id)
        .where(
            Organisation.ended_at.is_(None),
            ContactPoint.valid_from <= day,
            or_(ContactPoint.valid_until.is_(None), ContactPoint.valid_until >= day),
        )
        .order_by(ContactPoint.id)
    )
    return rows.all()
