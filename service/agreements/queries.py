"""Reading the agreements in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.agreements.models import (
    Agreement,
    AgreementContent,
    AgreementRead,
    Me,
    MyAgreement,
    MyClient,
    MyOrganisation,
    MyReceiving,
    MySending,
    Sending,
)
from service.caller import Caller
from service.errors import NotFound
from service.organisations.queries import get_organisation
from service.paging import Page, page_of

DRAFT, IN_FORCE, ENDED = "DRAFT", "IN_FORCE", "ENDED"
DEMO_LOADER = "demo-loader"  # the author of the demo pack's agreements, by which demo data is known


@dataclass(frozen=True)
class AgreementInForce:
    """An agreement as intake and forwarding use it."""

    id: UUID
    version: int
    title: str
    valid_from: date
    valid_until: date | None
    content: AgreementContent


async def agreements_by_party(session: AsyncSession, day: date) -> Mapping[UUID, AgreementInForce]:
    """The agreement in force on a day, by the id of each party."""
    return {
        party: agreement
        for agreement in await agreements_on(session, day)
        for party in agreement.content.parties
    }


async def agreements_on(session: AsyncSession, day: date) -> Sequence[AgreementInForce]:
    """The agreements in force on a day."""
    return [agreement for agreement in await agreements_from(session, day) if agreement.valid_from <= day]


async def agreements_from(session: AsyncSession, day: date) -> Sequence[AgreementInForce]:
    """The agreements in force on a day or later."""
    rows = await session.scalars(
        select(Agreement)
        .where(
            Agreement.status == IN_FORCE,
            or_(Agreement.valid_until.is_(None), Agreement.valid_until >= day),
        )
        .order_by(Agreement.id)
    )
    return [
        AgreementInForce(
            id=row.id,
            version=row.version,
            title=row.title,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            content=AgreementContent.model_validate(row.content),
        )
        for row in rows
    ]


async def holds_demo_data(session: AsyncSession) -> bool:
    """Whether the demo pack was ever loaded into this register."""
    drafts = select(Agreement.id).where(Agreement.drafted_by == DEMO_LOADER).limit(1)
    return (await session.scalars(drafts)).first() is not None


async def get_agreement(session: AsyncSession, agreement_id: UUID) -> Agreement:
    """One version, in whatever state; raises `NotFound`."""
    agreement = await session.get(Agreement, agreement_id)
    if agreement is None:
        raise NotFound
    return agreement


async def agreements_page(
    session: AsyncSession, day: date, *, cursor: str | None, limit: int
) -> Page[AgreementRead]:
    """A page of versions, oldest first; their status is that of a day."""
    page = await page_of(
        session, select(Agreement), Agreement.created_at, Agreement.id, cursor=cursor, limit=limit
    )
    return Page([read_agreement(row, day) for row in page.items], page.next_cursor)


def read_agreement(row: Agreement, day: date) -> AgreementRead:
    """A version on the wire; one whose last day has passed has ended."""
    over = row.status == IN_FORCE and row.valid_until is not None and row.valid_until < day
    return AgreementRead(
        id=row.id,
        version=row.version,
        title=row.title,
        status=ENDED if over else row.status,
        content=AgreementContent.model_validate(row.content),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        succeeds=row.succeeds_id,
        created_at=row.created_at,
        drafted_by=row.drafted_by,
        activated_at=row.activated_at,
        activated_by=row.activated_by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )


async def read_me(session: AsyncSession, caller: Caller, day: date, *, key_service: str | None) -> Me:
    """Who the caller is, and what its agreement of that day opens to it."""
    organisation = await get_organisation(session, caller.organisation_id)
    agreement = (await agreements_by_party(session, day)).get(organisation.id)
    return Me(
        client=MyClient(
            id=caller.client_id,
            role=caller.role,
            scopes=sorted(caller.scopes),
            municipalities=list(caller.municipalities),
            actor_required=caller.role != "reporter",
        ),
        organisation=MyOrganisation(id=organisation.id, name=organisation.name, type=organisation.type),
        agreement=agreement and _mine(agreement, organisation.type, caller),
        key_service=key_service,
    )


def _mine(agreement: AgreementInForce, type: str, caller: Caller) -> MyAgreement:
    content, may_send = agreement.content, "signals:write" in caller.scopes
    own = content.sending.get(type) if may_send and caller.role == "reporter" else None
    others = content.sending if may_send and caller.role == "coordinator" else None
    return MyAgreement(
        id=agreement.id,
        version=agreement.version,
        title=agreement.title,
        valid_from=agreement.valid_from,
        valid_until=agreement.valid_until,
        terms=content.terms,
        sending=own and _opened(own),
        sending_for=others and {kind: _opened(sending) for kind, sending in others.items() if sending.types},
        receiving=[
            MyReceiving(
                fields=sorted(sharing.fields), roles=sorted(sharing.roles), conditions=sharing.conditions
            )
            for sharing in content.sharing
            if sharing.to == type
        ],
    )


def _opened(sending: Sending) -> MySending:
    return MySending(
        types=sorted(sending.types),
        roles=sorted(sending.roles),
        legal_bases=sorted(sending.legal_bases),
        fields=sorted(sending.fields),
        note=sending.note,
    )
