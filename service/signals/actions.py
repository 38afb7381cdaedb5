"""Recording signals, many at a time, and changing one; called by intake in its transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.errors import NotFound, PreconditionFailed
from service.rows import insert_rows
from service.signals.errors import NotActive
from service.signals.models import ACTIVE, WITHDRAWN, Signal, SignalPerson, SignalRead, SignalVersion
from service.signals.queries import own, person_content

_person = SignalPerson.__table__


def reads_of(caller: Caller, signals: Sequence[SignalRead]) -> list[dict[str, Any]]:
    """The trail of disclosing signals: that a search was made, and each signal that was shown."""
    search = trail.entry(caller.who, "signal.search", "intake")
    return [search, *(trail.entry(caller.who, "signal.read", "intake", "signal", one.id) for one in signals)]


async def record_signals(
    session: AsyncSession, signals: Sequence[dict[str, Any]], persons: Sequence[dict[str, Any]]
) -> None:
    """Write rows of `signal` and `signal_person`, one statement each."""
    await insert_rows(session, Signal.__table__, signals)
    await insert_rows(session, _person, persons)


async def signal_to_change(session: AsyncSession, caller: Caller, *, signal_id: UUID, version: int) -> Signal:
    """The caller's own signal, locked; raises `NotFound`, `PreconditionFailed`, `NotActive`."""
    signal = (
        await session.scalars(
            # Not the key: who forwards the signal's referral meanwhile needs only that.
            select(Signal).where(Signal.id == signal_id, own(caller)).with_for_update(key_share=True)
        )
    ).one_or_none()
    if signal is None:
        raise NotFound
    if signal.version != version:
        raise PreconditionFailed
    if signal.status != ACTIVE:
        raise NotActive
    return signal


async def keep_version(session: AsyncSession, signal: Signal, persons: Sequence[SignalPerson]) -> None:
    """Put the present version among the earlier ones, before another takes its place."""
    told = [person_content(one).model_dump(mode="json", by_alias=True, exclude_none=True) for one in persons]
    row = {
        "signal_id": signal.id,
        "version": signal.version,
        "client_id": signal.client_id,
        "content": signal.content,
        "persons": told,
        "body_digest": signal.body_digest,
        "replaced_at": clock.now(),
    }
    await insert_rows(session, SignalVersion.__table__, [row])


async def replace_version(
    session: AsyncSession, signal: Signal, present: dict[str, Any], persons: Sequence[dict[str, Any]]
) -> None:
    """The next version of a signal: its columns, and its persons in place of the earlier ones."""
    for name, value in present.items():
        setattr(signal, name, value)
    signal.version += 1
    await session.flush()
    await session.execute(delete(_person).where(_person.c.signal_id == signal.id))
    await insert_rows(session, _person, persons)


async def withdraw_signal(session: AsyncSession, signal: Signal, *, reason: str, at_once: bool) -> None:
    """Withdraw: it is not matched or counted from now on; `at_once`: today is its last day."""
    signal.status, signal.withdrawn_at, signal.withdrawal_reason = WITHDRAWN, clock.now(), reason
    signal.version += 1
    if at_once:
        signal.remove_by = clock.local_day(clock.now())
    await session.flush()
