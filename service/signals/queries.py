"""Reading signals: a reporter its own, other rooms by id."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.errors import NotFound
from service.paging import Page, page_of
from service.pseudonyms.queries import SealedTexts, texts_of
from service.pseudonyms.sealing import Sealer
from service.signals.models import PersonContent, Signal, SignalContent, SignalPerson, SignalRead


def own(caller: Caller) -> ColumnElement[bool]:
    """The condition of one's own signals: reported by the organisation, or entered by it for who phoned."""
    return or_(
        Signal.organisation_id == caller.organisation_id, Signal.entered_by_id == caller.organisation_id
    )


async def get_own_signal(
    session: AsyncSession, caller: Caller, sealer: Sealer, signal_id: UUID
) -> SignalRead:
    """One of the caller's own signals; raises `NotFound`, the same for another's as for none."""
    signal = (await session.scalars(select(Signal).where(Signal.id == signal_id, own(caller)))).one_or_none()
    if signal is None:
        raise NotFound
    return (await read_signals(session, sealer, [signal]))[0]


async def own_signals_page(
    session: AsyncSession,
    caller: Caller,
    sealer: Sealer,
    *,
    status: str | None,
    primary_type: str | None,
    received_from: date | None,
    received_until: date | None,
    cursor: str | None,
    limit: int,
) -> Page[SignalRead]:
    """A page of the caller's own signals, oldest first; raises `Invalid` for a cursor not of ours.

    The days are Dutch calendar days, both included.
    """
    chosen = select(Signal).where(own(caller))
    if status is not None:
        chosen = chosen.where(Signal.status == status)
    if primary_type is not None:
        chosen = chosen.where(Signal.primary_type == primary_type)
    if received_from is not None:
        chosen = chosen.where(Signal.received_at >= _begin_of(received_from))
    if received_until is not None:
        chosen = chosen.where(Signal.received_at < _begin_of(received_until + timedelta(1)))
    page = await page_of(session, chosen, Signal.received_at, Signal.id, cursor=cursor, limit=limit)
    return Page(await read_signals(session, sealer, page.items), page.next_cursor)


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), clock.LOCAL)


async def read_signals(session: AsyncSession, sealer: Sealer, signals: Sequence[Signal]) -> list[SignalRead]:
    """Signals as their reporter reads them; two statements, however many."""
    ids = [signal.id for signal in signals]
    persons = await persons_of(session, ids)
    texts = await texts_of(session, sealer, ids)
    return [
        _read(signal, persons.get(signal.id, ()), texts.get(signal.id, SealedTexts())) for signal in signals
    ]


def _read(signal: Signal, persons: Sequence[SignalPerson], texts: SealedTexts) -> SignalRead:
    return SignalRead(
        id=signal.id,
        version=signal.version,
        status=signal.status,
        received_at=signal.received_at,
        remove_by=signal.remove_by,
        body_digest=signal.body_digest,
        signal=SignalContent.model_validate(signal.content),
        persons=[person_content(person) for person in persons],
        note=texts.note,
        partner_reference=texts.partner_reference,
        entered_by=signal.entered_by_id,
        withdrawn_at=signal.withdrawn_at,
        withdrawal_reason=signal.withdrawal_reason,
    )


async def persons_of(
    session: AsyncSession, signal_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[SignalPerson]]:
    """The persons of signals, in the order of the body."""
    found: dict[UUID, list[SignalPerson]] = defaultdict(list)
    rows = await session.scalars(
        select(SignalPerson)
        .where(SignalPerson.signal_id.in_(signal_ids))
        .order_by(SignalPerson.signal_id, SignalPerson.position)
    )
    for person in rows:
        found[person.signal_id].append(person)
    return found


def person_content(person: SignalPerson) -> PersonContent:
    """A stored person as it goes over the wire."""
    return PersonContent.model_validate(
        {
            "role": person.role,
            "ageBand": person.age_band,
            "gender": person.gender,
            "municipality": person.municipality,
            "victimStatus": person.victim_status,
        }
    )
