"""Escalation: a term that passes is told, and adds readers by the ladder of the agreement. A job.

It moves nothing. The holder hears on the first day after the last one (rung 0); who stands on rung n of the ladder
reads along once so many working days have passed. What is in nobody's queue stands on the administration's list with
its term instead. Of a child, whoever forwarded it hears too. Each rung is climbed once for each term.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.agreements.models import Agreement, AgreementContent
from service.apart import each_apart
from service.database import Database
from service.events.actions import announce
from service.events.models import EventType
from service.organisations.models import ContactPoint
from service.organisations.queries import contact_points_on, covering
from service.referrals.models import Referral, ReferralEscalation
from service.referrals.steps import ACTIVITY, CLOCKWORK, Moved, queue_event
from service.referrals.terms import overdue_since
from service.rows import insert_new_rows
from service.signals.models import Signal

HOLDER, DEPUTY, REGIONAL = "HOLDER", "DEPUTY", "REGIONAL"
AT_A_TIME = 500

_referral = Referral.__table__
_escalation = ReferralEscalation.__table__
_signal = Signal.__table__


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung: its number, who reads along from there, and after how many working days."""

    number: int
    reader: str
    working_days: int


async def escalate(database: Database) -> None:
    """Climb every rung that is due, agreement by agreement, some referrals at a time."""
    today = clock.local_day(clock.now())
    async with database.reading() as session:
        points = await contact_points_on(session, today)

    async def climb(agreement: Agreement) -> None:
        content = AgreementContent.model_validate(agreement.content)
        for rung in _rungs(content):
            while await _climb(database, agreement.id, content, rung, today, points) == AT_A_TIME:
                pass

    await each_apart(_agreements_with_overdue(database, today), climb)


def _rungs(content: AgreementContent) -> list[Rung]:
    ladder = enumerate(content.escalation, start=1)
    return [Rung(0, HOLDER, 0), *(Rung(number, step.to, step.after_working_days) for number, step in ladder)]


async def _agreements_with_overdue(database: Database, today: date) -> AsyncIterator[Agreement]:
    overdue = (
        select(_signal.c.agreement_id)
        .join(_referral, _referral.c.signal_id == _signal.c.id)
        .where(_referral.c.ended_at.is_(None), _referral.c.due_on < today)
        .distinct()
    )
    chosen = select(Agreement).where(Agreement.id.in_(overdue)).order_by(Agreement.id)
    async with database.reading() as session:
        agreements = (await session.scalars(chosen)).all()
    for agreement in agreements:
        yield agreement


async def _climb(
    database: Database,
    agreement_id: UUID,
    content: AgreementContent,
    rung: Rung,
    today: date,
    points: Sequence[ContactPoint],
) -> int:
    """One rung for some referrals of an agreement; how many."""
    async with database.writing() as session:
        rows = await _on_the_way(session, agreement_id, rung, overdue_since(today, rung.working_days))
        now = clock.now()
        readers = {row.id: _reader(row, rung, content, points) for row in rows}
        written = await insert_new_rows(
            session, _escalation, [_row(row, rung, readers[row.id], now) for row in rows]
        )
        # What another process climbed meanwhile may have been chosen too: it was unlocked again, and seen as before.
        climbed = [row for row in rows if (row.id, row.due_on, rung.number) in written]
        await trail.append(
            session,
            [
                trail.entry(CLOCKWORK.who, "referral.escalate", ACTIVITY, "referral", row.id)
                for row in climbed
            ],
        )
        await announce(session, [one for row in climbed for one in _told(row, rung, readers[row.id], now)])
        return len(rows)


async def _on_the_way(
    session: AsyncSession, agreement_id: UUID, rung: Rung, due_until: date
) -> Sequence[Row[Any]]:
    """Referrals whose term has been over long enough and that have not climbed this rung; locked."""
    parent = _referral.alias("parent")
    climbed = exists().where(
        _escalation.c.referral_id == _referral.c.id,
        _escalation.c.due_on == _referral.c.due_on,
        _escalation.c.rung == rung.number,
    )
    chosen = (
        select(_referral, parent.c.organisation_id.label("forwarded_by"))
        .join(_signal, _signal.c.id == _referral.c.signal_id)
        .outerjoin(parent, parent.c.id == _referral.c.parent_id)
        .where(
            _signal.c.agreement_id == agreement_id,
            _referral.c.ended_at.is_(None),
            _referral.c.organisation_id.is_not(None),
            _referral.c.due_on <= due_until,
            ~climbed,
        )
        .order_by(_referral.c.id)
        .limit(AT_A_TIME)
        .with_for_update(of=_referral, skip_locked=True)
    )
    if rung.number > 0:
        chosen = chosen.where(_referral.c.parent_id.is_(None))
    return (await session.execute(chosen)).all()


def _reader(
    row: Row[Any], rung: Rung, content: AgreementContent, points: Sequence[ContactPoint]
) -> UUID | None:
    """The organisation that reads along from this rung on; None where no other regional contact point covers it."""
    if rung.reader != REGIONAL:
        return row.organisation_id  # type: ignore[no-any-return]
    above = covering(points, row.municipality, content.parties)
    return next((one.organisation_id for one in above if one.organisation_id != row.organisation_id), None)


def _row(row: Row[Any], rung: Rung, reader: UUID | None, now: datetime) -> dict[str, Any]:
    return {
        "referral_id": row.id,
        "due_on": row.due_on,
        "rung": rung.number,
        "reader": rung.reader,
        "organisation_id": reader,
        "at": now,
    }


def _told(row: Row[Any], rung: Rung, reader: UUID | None, now: datetime) -> list[dict[str, Any]]:
    """The events of one rung: for the holder and who reads along, and for who forwarded."""
    type: EventType = "referral.overdue" if rung.number == 0 else "referral.escalated"
    one = Moved(row.id, row.version, row.status, row.organisation_id, row.parent_id, row.municipality)
    told = queue_event(type, one, now)
    if reader not in (None, row.organisation_id):
        along = Moved(row.id, row.version, row.status, reader, None, row.municipality)
        told += queue_event(type, along, now)
    if row.forwarded_by is not None:
        parent = Moved(row.parent_id, row.version, row.status, row.forwarded_by, None, row.municipality)
        told += queue_event(type, parent, now)
    return told
