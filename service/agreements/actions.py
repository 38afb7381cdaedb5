"""Bringing an agreement into force."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.agreements.models import Agreement, AgreementContent
from service.agreements.queries import IN_FORCE
from service.columns import new_id
from service.snapshot import reference_changed


async def add_agreement(
    session: AsyncSession,
    who: trail.Who,
    *,
    title: str,
    content: AgreementContent,
    valid_from: date,
    valid_until: date | None = None,
) -> Agreement:
    """The first version of an agreement, in force from a day."""
    agreement = Agreement(
        id=new_id(),
        version=1,
        title=title,
        status=IN_FORCE,
        content=content.model_dump(mode="json", by_alias=True),
        valid_from=valid_from,
        valid_until=valid_until,
        created_at=clock.now(),
    )
    session.add(agreement)
    await session.flush()
    await trail.append(
        session, [trail.entry(who, "agreement.add", "administration", "agreement", agreement.id)]
    )
    await reference_changed(session)
    return agreement
