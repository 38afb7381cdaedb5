"""Writing the sealed side, in the transaction of the signal."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import insert_rows
from service.pseudonyms.models import SealedPerson, SealedSignal

_person, _signal = SealedPerson.__table__, SealedSignal.__table__


async def seal(
    session: AsyncSession, persons: Sequence[dict[str, Any]], signals: Sequence[dict[str, Any]]
) -> None:
    """Write rows made by `Seal.rows` and `Seal.signal_row`."""
    await insert_rows(session, _person, persons)
    await insert_rows(session, _signal, signals)


async def unseal(session: AsyncSession, signal_id: UUID, person_ids: Sequence[UUID]) -> None:
    """Remove all that is sealed of a signal with these persons, for it to be replaced."""
    await session.execute(delete(_person).where(_person.c.person_id.in_(person_ids)))
    await session.execute(delete(_signal).where(_signal.c.signal_id == signal_id))
