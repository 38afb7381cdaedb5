"""The life of an agreement: drafted, put into force by somebody else, succeeded or ended.

Days count whole: a version holds from its first to its last day. A version that succeeds another begins on a
day from today on, and the day before is the other's last. Each act waits for every other one and for intake's
running groups (`one_at_a_time`).
"""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.agreements import errors
from service.agreements.models import Agreement, AgreementContent, AgreementDraft
from service.agreements.queries import DRAFT, ENDED, IN_FORCE, get_agreement
from service.caller import Caller
from service.columns import new_id
from service.errors import Fault, Invalid, NotFound, PreconditionFailed
from service.organisations.queries import contact_points_on, organisations_by_id
from service.snapshot import one_at_a_time, reference_changed

ACTIVITY = "administration"


async def draft_agreement(session: AsyncSession, caller: Caller, *, draft: AgreementDraft) -> Agreement:
    """A draft; its author is who acts. Raises `Invalid` for parties or a predecessor that are not there."""
    await one_at_a_time(session)
    predecessor = await _checked_predecessor(session, draft)
    agreement = _row(draft, version=predecessor.version + 1 if predecessor else 1, drafted_by=caller.actor)
    session.add(agreement)
    await _record(session, caller.who, "agreement.draft", agreement)
    return agreement


async def change_agreement(
    session: AsyncSession, caller: Caller, *, agreement_id: UUID, revision: int, draft: AgreementDraft
) -> Agreement:
    """Replace a draft, and become its author.

    Raises `NotFound`, `PreconditionFailed`, `NotADraft`, `Invalid`.
    """
    agreement = await _draft(session, agreement_id, revision)
    predecessor = await _checked_predecessor(session, draft)
    agreement.version = predecessor.version + 1 if predecessor else 1
    agreement.title, agreement.content = draft.title, _json(draft.content)
    agreement.valid_from, agreement.valid_until = draft.valid_from, draft.valid_until
    agreement.succeeds_id, agreement.drafted_by = draft.succeeds, caller.actor
    agreement.authors = [*agreement.authors, *([caller.actor] if caller.actor else [])]
    await _record(session, caller.who, "agreement.change", agreement)
    return agreement


async def activate_agreement(
    session: AsyncSession, caller: Caller, *, agreement_id: UUID, revision: int
) -> Agreement:
    """Put a draft into force from its first day on; what it succeeds ends the day before.

    Raises `NotFound`, `PreconditionFailed`, `NotADraft`, `SamePerson`, `BeginsInThePast`, `Succeeded`,
    `PartyMissing`, `NobodyServes`, `OverlappingAgreements`.
    """
    agreement = await _draft(session, agreement_id, revision)
    if caller.is_one_of(agreement.authors):
        raise errors.SamePerson
    if agreement.valid_from < clock.local_day(clock.receipt_moment()):
        raise errors.BeginsInThePast
    if agreement.succeeds_id is not None:
        await _end_predecessor(session, caller, agreement.succeeds_id, agreement.valid_from)
    content = AgreementContent.model_validate(agreement.content)
    await _refuse_missing_parties(session, content)
    await _refuse_unserved(session, content, agreement.valid_from)
    await _refuse_overlap(session, content, agreement.valid_from, agreement.valid_until)
    agreement.status, agreement.activated_at, agreement.activated_by = IN_FORCE, clock.now(), caller.actor
    await _record(session, caller.who, "agreement.activate", agreement)
    return agreement


async def end_agreement(session: AsyncSession, caller: Caller, *, agreement_id: UUID) -> Agreement:
    """End a version at once, or throw a draft away; raises `NotFound`, `AlreadyEnded`."""
    await one_at_a_time(session)
    agreement = await get_agreement(session, agreement_id)
    await _end(session, caller, agreement)
    return agreement


async def add_agreement(
    session: AsyncSession,
    who: trail.Who,
    *,
    title: str,
    content: AgreementContent,
    valid_from: date,
    valid_until: date | None = None,
) -> Agreement:
    """A first version that is in force without two people: for demo data and tests, into an empty register.

    Raises `OverlappingAgreements`.
    """
    await _refuse_overlap(session, content, valid_from, valid_until)
    draft = AgreementDraft.model_construct(
        title=title, content=content, valid_from=valid_from, valid_until=valid_until, succeeds=None
    )
    agreement = _row(draft, version=1, drafted_by=who.actor)
    agreement.status, agreement.activated_at = IN_FORCE, clock.now()
    session.add(agreement)
    await _record(session, who, "agreement.add", agreement)
    return agreement


def _row(draft: AgreementDraft, *, version: int, drafted_by: str | None) -> Agreement:
    return Agreement(
        id=new_id(),
        version=version,
        title=draft.title,
        status=DRAFT,
        content=_json(draft.content),
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
        created_at=clock.now(),
        revision=0,
        succeeds_id=draft.succeeds,
        drafted_by=drafted_by,
        authors=[drafted_by] if drafted_by else [],
        activated_at=None,
        activated_by=None,
        ended_at=None,
        ended_by=None,
    )


def _json(content: AgreementContent) -> dict[str, object]:
    return content.model_dump(mode="json", by_alias=True)


async def _draft(session: AsyncSession, agreement_id: UUID, revision: int) -> Agreement:
    await one_at_a_time(session)
    agreement = await get_agreement(session, agreement_id)
    if agreement.revision != revision:
        raise PreconditionFailed
    if agreement.status != DRAFT:
        raise errors.NotADraft
    return agreement


async def _checked_predecessor(session: AsyncSession, draft: AgreementDraft) -> Agreement | None:
    """The version that a draft succeeds; raises `Invalid` with everything that is not there."""
    faults, predecessor = [], None
    if not draft.content.parties <= (await organisations_by_id(session)).keys():
        faults.append(Fault("/content/parties", "unknown", "Not every party is an organisation here."))
    if draft.succeeds is not None:
        try:
            predecessor = await get_agreement(session, draft.succeeds)
        except NotFound:
            faults.append(Fault("/succeeds", "unknown", "There is no such agreement."))
    if faults:
        raise Invalid(errors=faults)
    return predecessor


async def _end_predecessor(
    session: AsyncSession, caller: Caller, predecessor_id: UUID, successor_from: date
) -> None:
    predecessor = await get_agreement(session, predecessor_id)
    last = successor_from - timedelta(1)
    over = predecessor.valid_until is not None and predecessor.valid_until < last
    successors = select(Agreement.id).where(
        Agreement.succeeds_id == predecessor_id, Agreement.status == IN_FORCE
    )
    if predecessor.status != IN_FORCE or over or (await session.scalars(successors)).first() is not None:
        raise errors.Succeeded
    if predecessor.valid_from > last:
        await _end(session, caller, predecessor)
        return
    predecessor.valid_until = last
    await _record(session, caller.who, "agreement.succeed", predecessor)


async def _end(session: AsyncSession, caller: Caller, agreement: Agreement) -> None:
    if agreement.status == ENDED:
        raise errors.AlreadyEnded
    agreement.status, agreement.ended_at, agreement.ended_by = ENDED, clock.now(), caller.actor
    await _record(session, caller.who, "agreement.end", agreement)


async def _refuse_missing_parties(session: AsyncSession, content: AgreementContent) -> None:
    known = await organisations_by_id(session)
    ended = sorted(str(party) for party in content.parties if known[party].ended_at is not None)
    if ended:
        raise errors.PartyMissing(errors=[Fault("/content/parties", "ended", party) for party in ended])


async def _refuse_unserved(session: AsyncSession, content: AgreementContent, day: date) -> None:
    points = await contact_points_on(session, day)
    served = {
        code for point in points if point.organisation_id in content.parties for code in point.municipalities
    }
    faults = [
        Fault("/content/municipalities", "no-contact-point", code)
        for code in sorted(content.municipalities - served)
    ]
    if faults:
        raise errors.NobodyServes(errors=faults)


async def _refuse_overlap(
    session: AsyncSession, content: AgreementContent, valid_from: date, valid_until: date | None
) -> None:
    others = await session.scalars(select(Agreement).where(Agreement.status == IN_FORCE))
    faults = []
    for other in others:
        apart = (valid_until is not None and valid_until < other.valid_from) or (
            other.valid_until is not None and other.valid_until < valid_from
        )
        shared = content.parties & AgreementContent.model_validate(other.content).parties
        if not apart:
            told = sorted(f"{party} takes part in agreement {other.id}." for party in shared)
            faults += [Fault("/content/parties", "overlapping", words) for words in told]
    if faults:
        raise errors.OverlappingAgreements(errors=faults)


async def _record(session: AsyncSession, who: trail.Who, act: str, agreement: Agreement) -> None:
    agreement.revision += 1
    await session.flush()
    await trail.append(session, [trail.entry(who, act, ACTIVITY, "agreement", agreement.id)])
    await reference_changed(session)
