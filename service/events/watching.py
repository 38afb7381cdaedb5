"""Waiting for news without a thread, a connection or a statement of one's own.

All who wait in a process share one look at the feeds of their organisations, twice a second and only while somebody
waits. Called by the doors that offer a long poll.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.errors import Unavailable
from service.events.models import EventFeed

LOOK_SECONDS = 0.5

_feed = EventFeed.__table__

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class _Waiter:
    organisation_id: UUID
    beyond: int
    woken: asyncio.Event


class FeedWatch:
    """Wakes those who wait for the feed of an organisation to move."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait(self, organisation_id: UUID, *, beyond: int, seconds: float) -> None:
        """Until the feed is numbered beyond this, or the time is over; raises `Unavailable` once this has stopped."""
        if self._stopped:
            raise Unavailable
        self._loop = asyncio.get_running_loop()
        waiter = _Waiter(organisation_id, beyond, asyncio.Event())
        self._waiters.add(waiter)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_somebody_waits())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(waiter.woken.wait(), seconds)
        finally:
            self._waiters.discard(waiter)

    def end_soon(self) -> None:
        """Wake everybody, and let nobody wait again: what they waited for does not come from here any more.

        May be called by a signal, whatever the loop is doing.
        """
        self._stopped = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_everybody)

    def _wake_everybody(self) -> None:
        for waiter in self._waiters:
            waiter.woken.set()

    async def stop(self) -> None:
        """The same, and the end of looking."""
        self.end_soon()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look_while_somebody_waits(self) -> None:
        while self._waiters:
            await asyncio.sleep(LOOK_SECONDS)
            organisations = sorted({waiter.organisation_id for waiter in self._waiters})
            try:
                async with self._database.reading() as session:
                    last = await _last_sequences(session, organisations)
            except Exception as error:
                log.warning("events.look_failed", error=type(error).__name__)
                continue
            for waiter in self._waiters:
                if last.get(waiter.organisation_id, 0) > waiter.beyond:
                    waiter.woken.set()


async def _last_sequences(session: AsyncSession, organisations: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await session.execute(
        select(_feed.c.organisation_id, _feed.c.last_sequence).where(
            _feed.c.organisation_id.in_(organisations)
        )
    )
    return {row.organisation_id: row.last_sequence for row in rows}
