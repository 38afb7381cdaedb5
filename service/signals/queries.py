"""Reading signals: a reporter its own, other rooms by id."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.errors import NotFound
from service.paging import Page, page_of
from service.pseudonyms.models import SealedSignal
from service.pseudonyms.sealing import Sealer
from service.signals.models import PersonContent, Signal, SignalContent, SignalPerson, SignalRead

_signal, _person, _sealed = Signal.__table__, SignalPerson.__table__, SealedSignal.__table__
_PERSON = (_person.c.role, _person.c.age_band, _person.c.gender, _person.c.victim_status)
# Made once: building a statement costs as much as running it.
_WHOLE = (
    select(
        _signal,
        *_PERSON,
        _person.c.municipality.label("residence"),
        _sealed.c.key_label,
        _sealed.c.note,
        _sealed.c.partner_reference,
    )
    .select_from(
        _signal.outerjoin(_person, _person.c.signal_id == _signal.c.id).outerjoin(
            _sealed, _sealed.c.signal_id == _signal.c.id
        )
    )
    .order_by(_signal.c.received_at, _signal.c.id, _person.c.position)
)
_ONE = _WHOLE.where(_signal.c.id == bindparam("signal_id"))
_ONE_OF = {
    owner: _ONE.where(_signal.c[owner] == bindparam("organisation_id"))
    for owner in ("organisation_id", "entered_by_id")
}
_THESE = _WHOLE.where(_signal.c.id.in_(bindparam("signal_ids", expanding=True)))


def own(caller: Caller) -> ColumnElement[bool]:
    """The condition of one's own signals: what the organisation reported, or a contact point entered for others."""
    owner: ColumnElement[UUID] = _signal.c[_owner(caller)]
    return owner == caller.organisation_id


def _owner(caller: Caller) -> str:
    """The column that says whose a signal is, for a caller of this role."""
    return "organisation_id" if caller.role == "reporter" else "entered_by_id"


async def get_own_signal(
    session: AsyncSession, caller: Caller, sealer: Sealer, signal_id: UUID
) -> SignalRead:
    """One of the caller's own signals; raises `NotFound`, the same for another's as for none. One statement."""
    named = {"signal_id": signal_id, "organisation_id": caller.organisation_id}
    rows = (await session.execute(_ONE_OF[_owner(caller)], named)).all()
    if not rows:
        raise NotFound
    return _read(rows, sealer)


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
    ids = [signal.id for signal in page.items]
    return Page(await read_signals(session, sealer, ids), page.next_cursor)


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), clock.LOCAL)


async def read_signals(session: AsyncSession, sealer: Sealer, signal_ids: Sequence[UUID]) -> list[SignalRead]:
    """Signals as their reporter reads them, in order of receipt; one statement, however many."""
    rows = (await session.execute(_THESE, {"signal_ids": signal_ids})).all()
    return [_read(list(persons), sealer) for _, persons in groupby(rows, key=lambda row: row.id)]


def _read(rows: Sequence[Row[Any]], sealer: Sealer) -> SignalRead:
    """A signal from its rows, one for each person (one without, where there is none)."""
    row = rows[0]
    return SignalRead(
        id=row.id,
        version=row.version,
        status=row.status,
        received_at=row.received_at,
        remove_by=row.remove_by,
        body_digest=row.body_digest,
        signal=SignalContent.model_validate(row.content),
        persons=[_person_content(one, one.residence) for one in rows if one.role is not None],
        note=sealer.open_text(row.note, row.key_label, "note", row.id),
        partner_reference=sealer.open_text(row.partner_reference, row.key_label, "partner_reference", row.id),
        entered_by=row.entered_by_id,
        withdrawn_at=row.withdrawn_at,
        withdrawal_reason=row.withdrawal_reason,
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
    return _person_content(person, person.municipality)


def _person_content(person: SignalPerson | Row[Any], municipality: str | None) -> PersonContent:
    return PersonContent.model_validate(
        {
            "role": person.role,
            "ageBand": person.age_band,
            "gender": person.gender,
            "municipality": municipality,
            "victimStatus": person.victim_status,
        }
    )
