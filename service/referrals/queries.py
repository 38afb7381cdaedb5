"""Reading referrals with all that their holder may see, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.caller import Caller
from service.errors import NotFound
from service.organisations.models import Organisation
from service.paging import Page, page_of
from service.pseudonyms.queries import SealedTexts, texts_of
from service.pseudonyms.sealing import Sealer
from service.referrals.models import (
    PRIORITIES,
    DecisionRead,
    Referral,
    ReferralRead,
    ReferralStep,
    Reporter,
    Step,
)
from service.referrals.states import OPEN
from service.routing.queries import decisions_of
from service.signals.models import Signal, SignalPerson
from service.signals.queries import person_content, persons_of

# Nobody needs to know any more what was reported.
CLOSED_TO_READERS = frozenset({"WITHDRAWN", "EXPIRED"})


def own_queue(caller: Caller) -> list[Any]:
    """The conditions of a caller's own queue: its organisation's, narrowed by its territory."""
    conditions = [Referral.organisation_id == caller.organisation_id]
    if (
        caller.role == "recipient"
    ):  # never the rest of a signal, also where its organisation has a contact point
        conditions.append(Referral.parent_id.is_not(None))
    if caller.municipalities:
        conditions.append(Referral.municipality.in_(caller.municipalities))
    return conditions


async def queue_page(
    session: AsyncSession,
    caller: Caller,
    sealer: Sealer,
    *,
    status: str | None,
    cursor: str | None,
    limit: int,
) -> Page[ReferralRead]:
    """A page of the caller's queue, oldest first; raises `Invalid` for a cursor not of ours."""
    chosen = select(Referral).where(*own_queue(caller))
    if status is not None:
        chosen = chosen.where(Referral.status == status)
    page = await page_of(session, chosen, Referral.received_at, Referral.id, cursor=cursor, limit=limit)
    return Page(await read_all(session, sealer, page.items), page.next_cursor)


async def get_referral(
    session: AsyncSession, caller: Caller, sealer: Sealer, referral_id: UUID
) -> ReferralRead:
    """One referral of the caller's queue; raises `NotFound`, the same for another's as for none."""
    row = (
        await session.scalars(select(Referral).where(Referral.id == referral_id, *own_queue(caller)))
    ).one_or_none()
    if row is None:
        raise NotFound
    return (await read_all(session, sealer, [row]))[0]


async def has_open_referrals(session: AsyncSession, **of: UUID) -> bool:
    """Whether a referral with these values (as `organisation_id=…`) has not ended."""
    conditions = [getattr(Referral, name) == value for name, value in of.items()]
    open_ones = select(Referral.id).where(Referral.status.in_(OPEN), *conditions).limit(1)
    return (await session.scalars(open_ones)).first() is not None


async def referrals_by_id(
    session: AsyncSession, caller: Caller, sealer: Sealer, ids: Iterable[UUID]
) -> Sequence[ReferralRead]:
    """Referrals of one's own queue, most urgent first."""
    rows = await session.scalars(
        select(Referral)
        .where(Referral.id.in_(list(ids)), *own_queue(caller))
        .order_by(Referral.priority, Referral.due_on, Referral.id)
        .execution_options(populate_existing=True)
    )
    return await read_all(session, sealer, rows.all())


async def read_all(session: AsyncSession, sealer: Sealer, rows: Sequence[Referral]) -> list[ReferralRead]:
    """Rows with signal, persons, decision, reporter and history; eight statements, however many rows."""
    if not rows:
        return []
    signal_ids = [row.signal_id for row in rows]
    found = await session.execute(
        select(Signal, Organisation)
        .join(Organisation, Organisation.id == Signal.organisation_id)
        .where(Signal.id.in_(signal_ids))
    )
    signals = {signal.id: (signal, organisation) for signal, organisation in found}
    persons = await persons_of(session, signal_ids)
    texts = await texts_of(session, sealer, [row.signal_id for row in rows if row.shared is None])
    decisions = await decisions_of(session, signal_ids)
    ids = [row.id for row in rows]
    steps = await _steps(session, ids)
    children = await _children(session, ids)
    forwarders = await _forwarders(session, [row.parent_id for row in rows if row.parent_id])
    return [
        _read(
            row,
            *signals[row.signal_id],
            persons.get(row.signal_id, ()),
            texts.get(row.signal_id, SealedTexts()),
            decisions,
            steps.get(row.id, []),
            children.get(row.id, []),
            forwarders,
        )
        for row in rows
    ]


def _read(
    row: Referral,
    signal: Signal,
    reporter: Organisation,
    persons: Sequence[SignalPerson],
    texts: SealedTexts,
    decisions: Mapping[tuple[UUID, int], dict[str, Any]],
    steps: list[Step],
    children: list[UUID],
    forwarders: Mapping[UUID, str],
) -> ReferralRead:
    over = row.status in CLOSED_TO_READERS
    decision = None if row.shared or over else decisions.get((row.signal_id, row.signal_version))
    return ReferralRead(
        id=row.id,
        status=row.status,
        version=row.version,
        priority=PRIORITIES[row.priority],
        received_at=row.received_at,
        due_on=row.due_on,
        lease_until=row.lease_until,
        assigned_to=row.assigned_to,
        outcome=row.outcome,
        parent=row.parent_id,
        children=children,
        reporter=None if row.shared else Reporter(organisation=reporter.name, type=reporter.type),
        forwarded_by=forwarders.get(row.parent_id) if row.parent_id else None,
        partner_reference=None if row.shared else texts.partner_reference,
        signal=None if over else _shared_signal(row, signal, persons, texts.note),
        decision=DecisionRead.model_validate(decision) if decision else None,
        history=steps,
    )


def _shared_signal(
    row: Referral, signal: Signal, persons: Sequence[SignalPerson], note: str | None
) -> dict[str, Any]:
    """The signal for its contact point; for a recipient only the fields and persons that were shared."""
    told = [
        person_content(person).model_dump(mode="json", by_alias=True, exclude_none=True)
        for person in persons
        if row.shared is None or person.position in row.shared["persons"]
    ]
    whole = {**signal.content, "persons": told}
    if row.shared is None:
        return whole if note is None else {**whole, "note": note}
    if "municipality" not in row.shared["fields"]:
        for person in told:
            person.pop("municipality", None)
    if "victimStatus" not in row.shared["fields"]:
        for person in told:
            person.pop("victimStatus", None)
    return {name: value for name, value in whole.items() if name in row.shared["fields"]}


async def _steps(session: AsyncSession, referral_ids: Sequence[UUID]) -> Mapping[UUID, list[Step]]:
    rows = await session.scalars(
        select(ReferralStep)
        .where(ReferralStep.referral_id.in_(referral_ids))
        .order_by(ReferralStep.referral_id, ReferralStep.version)
    )
    steps: dict[UUID, list[Step]] = defaultdict(list)
    for row in rows:
        steps[row.referral_id].append(Step(at=row.at, move=row.move, status=row.status, actor=row.actor))
    return steps


async def _children(session: AsyncSession, referral_ids: Sequence[UUID]) -> Mapping[UUID, list[UUID]]:
    rows = await session.execute(
        select(Referral.parent_id, Referral.id)
        .where(Referral.parent_id.in_(referral_ids))
        .order_by(Referral.id)
    )
    children: dict[UUID, list[UUID]] = defaultdict(list)
    for parent_id, child_id in rows:
        children[parent_id].append(child_id)
    return children


async def _forwarders(session: AsyncSession, parent_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The name of the contact point that forwarded, by the id of the parent."""
    rows = await session.execute(
        select(Referral.id, Organisation.name)
        .join(Organisation, Organisation.id == Referral.organisation_id)
        .where(Referral.id.in_(parent_ids))
    )
    return {row.id: row.name for row in rows}
