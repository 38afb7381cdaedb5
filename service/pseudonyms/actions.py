"""Writing the sealed side, in the transaction of the signal."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from service.database import insert_rows
from service.pseudonyms.models import SealedPerson


async def seal_persons(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows made by `Sealer.rows`."""
    await insert_rows(session, SealedPerson.__table__, rows)
