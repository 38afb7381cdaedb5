"""Reading the agreements in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.agreements.models import Agreement, AgreementContent

IN_FORCE = "IN_FORCE"


@dataclass(frozen=True)
class AgreementInForce:
    """An agreement as intake and forwarding use it."""

    id: UUID
    version: int
    content: AgreementContent


async def agreements_by_party(session: AsyncSession, day: date) -> Mapping[UUID, AgreementInForce]:
    """The agreement in force on a day, by the id of each party."""
    rows = await session.scalars(
        select(Agreement)
        .where(
            Agreement.status == IN_FORCE,
            Agreement.valid_from <= day,
            or_(Agreement.valid_until.is_(None), Agreement.valid_until >= day),
        )
        .order_by(Agreement.id)
    )
    found: dict[UUID, AgreementInForce] = {}
    for row in rows:
        agreement = AgreementInForce(row.id, row.version, AgreementContent.model_validate(row.content))
        found.update(dict.fromkeys(agreement.content.parties, agreement))
    return found
