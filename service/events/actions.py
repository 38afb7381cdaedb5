"""Announcing events in the transaction of the act."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.columns import new_id
from service.events.models import Audience, Event, EventType
from service.rows import Rows, insert_rows


def event(
    type: EventType,
    subject: str,
    organisation_id: UUID,
    at: datetime,
    *,
    audience: Audience,
    municipality: str | None = None,
) -> dict[str, Any]:
    """One row; `subject` is the path of the thing (`/v1/signals/…`), `municipality` that of a referral."""
    return {
        "id": new_id(),
        "type": type,
        "subject": subject,
        "at": at,
        "organisation_id": organisation_id,
        "audience": audience,
        "municipality": municipality,
        "sequence": None,
    }


async def announce(session: AsyncSession, events: Sequence[dict[str, Any]]) -> None:
    """Write events; nobody hears of them before the commit, and before they are numbered."""
    await insert_rows(session, *announced(events))


def announced(events: Sequence[dict[str, Any]]) -> Rows:
    """The same as a part of what is written in one statement."""
    return Event.__table__, events
