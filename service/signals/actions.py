"""Recording signals, many at a time; called by intake in its transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from service.database import insert_rows
from service.signals.models import Signal, SignalPerson

ACTIVE = "ACTIVE"


async def record_signals(
    session: AsyncSession, signals: Sequence[dict[str, Any]], persons: Sequence[dict[str, Any]]
) -> None:
    """Write rows of `signal` and `signal_person`, one statement each."""
    await insert_rows(session, Signal.__table__, signals)
    await insert_rows(session, SignalPerson.__table__, persons)
