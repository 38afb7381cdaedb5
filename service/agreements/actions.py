"""Bringing an agreement into force."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.agreements.models import Agreement, AgreementContent
from service.agreements.queries import IN_FORCE
from service.columns import new_id
from service.snapshot import reference_changed


class OverlappingAgreements(ValueError):
    """A party takes part in another agreement at the same time."""


async def _refuse_overlap(
    session: AsyncSession, content: AgreementContent, valid_from: date, valid_until: date | None
) -> None:
    others = await session.scalars(select(Agreement).where(Agreement.status == IN_FORCE))
    for other in others:
        apart = (valid_until is not None and valid_until < other.valid_from) or (
            other.valid_until is not None and other.valid_until < valid_from
        )
        shared = content.parties & AgreementContent.model_validate(other.content).parties
        if shared and not apart:
            raise OverlappingAgreements(", ".join(sorted(str(party) for party in shared)))


async def add_agreement(
    session: AsyncSession,
    who: trail.Who,
    *,
    title: str,
    content: AgreementContent,
    valid_from: date,
    valid_until: date | None = None,
) -> Agreement:
    """The first version of an agreement, in force from a day.

    Raises `OverlappingAgreements` when a party takes part in another one at the same time: then nobody could
    say which of them a signal falls under.
    """
    await _refuse_overlap(session, content, valid_from, valid_until)
    agreement = Agreement(
        id=new_id(),
        version=1,
        title=title,
        status=IN_FORCE,
        content=content.model_dump(mode="json", by_alias=True),
        valid_from=valid_from,
        valid_until=valid_until,
        created_at=clock.now(),
        revision=1,
        succeeds_id=None,
        drafted_by=who.actor,
        activated_at=clock.now(),
        activated_by=None,
        ended_at=None,
        ended_by=None,
    )
    session.add(agreement)
    await session.flush()
    await trail.append(
        session, [trail.entry(who, "agreement.add", "administration", "agreement", agreement.id)]
    )
    await reference_changed(session)
    return agreement
