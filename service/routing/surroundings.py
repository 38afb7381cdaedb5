"""Reading what rule sets need around them: agreements, organisations and contact points."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from service.agreements.queries import AgreementInForce, agreements_from, agreements_on
from service.organisations.queries import contact_points_from, organisations_by_id
from service.routing.coverage import Post
from service.routing.reach import Circle, Surroundings


async def surroundings_on(session: AsyncSession, day: date) -> Surroundings:
    """With the agreements in force on a day."""
    return await _surroundings(session, await agreements_on(session, day), day)


async def surroundings_from(session: AsyncSession, day: date) -> Surroundings:
    """With the agreements in force on a day or later."""
    return await _surroundings(session, await agreements_from(session, day), day)


async def _surroundings(
    session: AsyncSession, agreements: Sequence[AgreementInForce], day: date
) -> Surroundings:
    present = {
        id_: organisation.type
        for id_, organisation in (await organisations_by_id(session)).items()
        if organisation.ended_at is None
    }
    circles = [
        Circle(
            agreement.id,
            agreement.content.municipalities,
            {party: present[party] for party in agreement.content.parties if party in present},
        )
        for agreement in agreements
    ]
    posts = [
        Post(
            point.id,
            point.organisation_id,
            point.level,
            frozenset(point.municipalities),
            point.valid_from,
            point.valid_until,
        )
        for point in await contact_points_from(session, day)
    ]
    return Surroundings(Circle(None, None, present), circles, posts, day)
