"""Reference data in memory, never stale inside a transaction.

Agreements, rule sets and contact points are read once and kept; one counter in the database tells whether
they still hold. A transaction that decides something asks `Snapshot.current`, which costs one small select
and reloads when the counter moved, or the day: much of it is valid from and until a day. What changes
reference data calls `reference_changed` in its transaction.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Generic, TypeVar

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

import service.columns  # noqa: F401  (the naming convention comes before the first table)

Reference = TypeVar("Reference")

ONLY_ROW = 1


class ReferenceVersion(SQLModel, table=True):
    """A single row that counts the changes of reference data; made by the first migration."""

    __tablename__ = "reference_version"

    id: int = Field(primary_key=True)
    version: int


class Snapshot(Generic[Reference]):
    """What `load` read for a day, together with the version at which it was read."""

    def __init__(self, load: Callable[[AsyncSession, date], Awaitable[Reference]]) -> None:
        self._load = load
        self._kept: tuple[int, date, Reference] | None = None

    async def current(self, session: AsyncSession, day: date) -> Reference:
        """The reference data of a day, which `one_at_a_time` keeps as it is until this transaction ends."""
        version = await hold_reference(session)
        kept = self._kept
        if kept is None or kept[:2] != (version, day):
            kept = self._kept = (version, day, await self._load(session, day))
        return kept[2]


async def hold_reference(session: AsyncSession) -> int:
    """The version of the reference data, which nobody changes until this transaction ends."""
    shared = select(ReferenceVersion.version).with_for_update(read=True, key_share=True)
    version: int = (await session.execute(shared)).scalar_one()
    return version


async def one_at_a_time(session: AsyncSession) -> None:
    """Wait for every other transaction that asked this, or that decides by reference data; for rare acts.

    On SQLite there is one writer anyway.
    """
    await session.execute(select(ReferenceVersion.version).with_for_update())


async def reference_changed(session: AsyncSession) -> None:
    """Make every process reload its snapshots from the next transaction on."""
    await session.execute(
        update(ReferenceVersion)
        .where(ReferenceVersion.id == ONLY_ROW)
        .values(version=ReferenceVersion.version + 1)
    )
