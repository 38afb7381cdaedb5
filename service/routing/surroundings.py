"""Reading what rule sets need around them: agreements, organisations and contact points, of a day."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.agreements.queries import AgreementInForce, agreements_by_party
from service.organisations.queries import contact_points_from, organisations_by_id
from service.routing.coverage import Post
from service.routing.reach import Circle

_Among = tuple[UUID | None, frozenset[str] | None, frozenset[UUID]]


async def agreements_on(session: AsyncSession, day: date) -> Sequence[AgreementInForce]:
    """The working agreements in force on a day."""
    by_party = await agreements_by_party(session, day)
    return list({agreement.id: agreement for agreement in by_party.values()}.values())


async def circles_on(session: AsyncSession, day: date) -> Sequence[Circle]:
    """The whole register first, then each agreement in force on a day."""
    present = {
        id_: organisation
        for id_, organisation in (await organisations_by_id(session)).items()
        if organisation.ended_at is None
    }
    among: list[_Among] = [(None, None, frozenset(present))]
    among += [
        (agreement.id, agreement.content.municipalities, agreement.content.parties & present.keys())
        for agreement in await agreements_on(session, day)
    ]
    return [
        Circle(id_, places, parties, frozenset(present[party].type for party in parties))
        for id_, places, parties in among
    ]


async def posts_from(session: AsyncSession, day: date) -> Sequence[Post]:
    """The contact points that serve on a day or later."""
    return [
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
