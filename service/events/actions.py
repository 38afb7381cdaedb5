"""Announcing events in the transaction of the act."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.columns import new_id
from service.database import insert_rows
from service.events.models import Event


def event(type: str, subject: str, organisation_id: UUID, at: datetime) -> dict[str, Any]:
    """One row: `type` as `signal.received`, `subject` the path of the thing (`/v1/signals/…`)."""
    return {
        "id": new_id(),
        "type": type,
        "subject": subject,
        "at": at,
        "organisation_id": organisation_id,
        "sequence": None,
    }


async def announce(session: AsyncSession, events: Sequence[dict[str, Any]]) -> None:
    """Write events; nobody hears of them before the commit."""
    await insert_rows(session, Event.__table__, events)
