"""Recording signals, many at a time; called by intake in its transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.signals.models import Signal, SignalPerson

ACTIVE = "ACTIVE"


async def record_signals(
    session: AsyncSession, signals: Sequence[dict[str, Any]], persons: Sequence[dict[str, Any]]
) -> None:
    """Write rows of `signal` and `signal_person`, one statement each."""
    await session.execute(insert(Signal.__table__), list(signals))
    if persons:
        await session.execute(insert(SignalPerson.__table__), list(persons))
