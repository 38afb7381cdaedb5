"""Appending to the audit trail: who did what to which object, on what ground, with what outcome.

An act that changes something appends in its own transaction (`append`). Reads and refusals go through `Trail`,
a group commit with a connection pool of its own; the answer to the reader waits for that commit, so nothing
is disclosed unrecorded. Refusals of nobody we know are counted and written as one entry a minute, so that
nobody can flood the trail. An entry never holds content, a subject or a value that was sent.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Column
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from service import clock
from service.columns import Moment, new_id
from service.database import Database
from service.group_commit import GroupCommit
from service.rows import Rows, insert_new_rows, insert_rows

GATHER_SECONDS = 60
MOST_AT_ONCE = (
    64  # reads that are recorded in one commit; a page of a list has an entry for each of its items
)
DONE = "done"

log = structlog.get_logger()


class AuditEntry(SQLModel, table=True):
    """One act. `outcome` is `done` or the slug of the problem; `times` is above 1 only for gathered refusals."""

    __tablename__ = "audit_entry"

    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(Moment, nullable=False))
    trace_id: str | None = Field(max_length=32)
    client_id: UUID | None
    organisation_id: UUID | None
    actor: str | None = Field(max_length=64)
    role: str | None = Field(max_length=16)
    act: str = Field(max_length=60)
    activity: str = Field(max_length=40)
    object_type: str | None = Field(max_length=40)
    object_id: str | None = Field(max_length=64)
    ground: str | None = Field(max_length=80)
    outcome: str = Field(max_length=60)
    times: int = 1


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, as the trail knows it; all None for somebody unknown."""

    client_id: UUID | None = None
    organisation_id: UUID | None = None
    role: str | None = None
    actor: str | None = None
    trace_id: str | None = None


NOBODY = Who()


def entry(
    who: Who,
    act: str,
    activity: str,
    object_type: str | None = None,
    object_id: object = None,
    *,
    ground: str | None = None,
    outcome: str = DONE,
    times: int = 1,
) -> dict[str, Any]:
    """One row of `audit_entry`."""
    return {
        "id": new_id(),
        "at": clock.now(),
        "trace_id": who.trace_id,
        "client_id": who.client_id,
        "organisation_id": who.organisation_id,
        "actor": who.actor,
        "role": who.role,
        "act": act,
        "activity": activity,
        "object_type": object_type,
        "object_id": None if object_id is None else str(object_id),
        "ground": ground,
        "outcome": outcome,
        "times": times,
    }


async def append(session: AsyncSession, entries: Sequence[dict[str, Any]]) -> None:
    """Write entries in the transaction of the acts that they record."""
    await insert_rows(session, *written(entries))


def written(entries: Sequence[dict[str, Any]]) -> Rows:
    """The same as a part of what is written in one statement."""
    return AuditEntry.__table__, entries  # type: ignore[attr-defined]


class Trail:
    """The queue for reads and refusals, and the minute's count of refusals of nobody known."""

    def __init__(self, database: Database, *, capacity: int, gather_seconds: float = GATHER_SECONDS) -> None:
        self._database = database
        self._queue: GroupCommit[Sequence[dict[str, Any]], None] = GroupCommit(
            self._commit, size=MOST_AT_ONCE, capacity=capacity, flushers=1
        )
        self._gather_seconds = gather_seconds
        self._gathered: Counter[tuple[Who, str, str]] = Counter()
        self._gatherer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._queue.start()
        self._gatherer = asyncio.create_task(self._gather_forever())

    async def stop(self) -> None:
        if self._gatherer is not None:
            self._gatherer.cancel()
            await asyncio.gather(self._gatherer, return_exceptions=True)
            await self._write_gathered()
        await self._queue.stop()

    async def record(self, row: dict[str, Any]) -> None:
        """Wait until the entry is durable. Raises `Overloaded` or `Unavailable`: then nothing may be told."""
        await self._queue.submit([row])

    async def record_all(self, rows: Sequence[dict[str, Any]]) -> None:
        """The same for several entries at once, which are durable together."""
        await self._queue.submit(rows)

    def gather(self, act: str, outcome: str, who: Who = NOBODY) -> None:
        """Count a refusal of somebody unknown; the next minute's entry tells how many."""
        self._gathered[who, act, outcome] += 1

    async def _commit(self, groups: Sequence[Sequence[dict[str, Any]]]) -> Sequence[None]:
        async with self._database.writing() as session:
            # A commit whose answer was lost is tried again: what is there already stays as it is.
            rows = [row for group in groups for row in group]
            await insert_new_rows(session, *written(rows))
        return [None] * len(groups)

    async def _gather_forever(self) -> None:
        while True:
            await asyncio.sleep(self._gather_seconds)
            await self._write_gathered()

    async def _write_gathered(self) -> None:
        gathered, self._gathered = self._gathered, Counter()
        rows = [
            entry(who, act, "access", outcome=outcome, times=times)
            for (who, act, outcome), times in gathered.items()
        ]
        try:
            if rows:
                await self._commit([rows])
        except asyncio.CancelledError:
            self._gathered.update(gathered)  # the last writing, at the end, has them
            raise
        except Exception as error:
            self._gathered.update(gathered)  # kept for the next minute
            log.warning("trail.gather_failed", error=type(error).__name__)
