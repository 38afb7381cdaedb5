"""Receiving signals: a group of submissions in one transaction, each with its own answer.

The shape is set-based: one statement per table for the whole group, idempotency first. Equal keys in one group
or in two processes make one signal: keys go in sorted, a row that is known is left out, and what was left out
is read in a second statement. The answers leave after the commit.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.database import Database
from service.errors import Problem
from service.events.actions import announce
from service.group_commit import GroupCommit
from service.intake import errors
from service.intake.judging import Judgement, judge
from service.intake.models import Submission as Answered
from service.intake.models import SubmittedSignal
from service.intake.reference import Reference, load_reference
from service.intake.registration import Registration, Submission, register
from service.pseudonyms import actions as sealed_side
from service.pseudonyms.sealing import Seal, Sealer, digest_place
from service.referrals.steps import refer
from service.routing.actions import record_decisions
from service.rows import insert_new_rows
from service.signals.actions import record_signals
from service.snapshot import Snapshot

_answered = Answered.__table__

BATCH_CONNECTIONS = 2  # beside those of the flushers: while one group is in the database, another is made
AT_A_TIME = 8  # decisions between two looks at what else waits

Identity = tuple[UUID, UUID]
Outcome = bytes | Exception


class Intake:
    """The queue of posts and what deciding about them needs."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        *,
        release_period: str,
        size: int,
        capacity: int,
        flushers: int,
    ) -> None:
        self._database = database
        self.sealer = sealer
        self._release_period = release_period
        self._reference: Snapshot[Reference] = Snapshot(load_reference)
        self._batches = asyncio.Semaphore(BATCH_CONNECTIONS)
        self.queue: GroupCommit[Submission, bytes] = GroupCommit(
            self.receive, size=size, capacity=capacity, flushers=flushers
        )

    async def receive(self, submissions: Sequence[Submission]) -> Sequence[Outcome]:
        """Register a group; the outcome of each is its receipt as JSON, or the problem that refuses it."""
        async with self._database.writing() as session:
            decided = await self._decide(session, submissions)
            new = await _take_keys(session, decided)
            await _write(session, [decided[place] for place in new])  # type: ignore[misc]
            known = await _answered_before(session, submissions, new)
        return [
            decided[place].answer if place in new else _again(submission, known, decided[place], self.sealer)
            for place, submission in enumerate(submissions)
        ]

    async def receive_many(self, submissions: Sequence[Submission]) -> Sequence[Outcome]:
        """The same for a part of a batch: beside the queue, with its patience for passing faults and poison."""
        async with self._batches:
            return await self.queue.persist(submissions)

    async def judge(
        self, session: AsyncSession, caller: Caller, signal: SubmittedSignal, *, received_at: datetime
    ) -> Judgement:
        """What this signal, received at a moment, would get now; raises what refuses it."""
        now = clock.receipt_moment()
        return judge(
            caller,
            signal,
            await self._reference.current(session, clock.local_day(now)),
            at=now,
            received_on=clock.local_day(received_at),
            release_period=self._release_period,
        )

    async def seal(self, session: AsyncSession) -> Seal:
        """What seals now, and until this transaction ends."""
        today = clock.local_day(clock.receipt_moment())
        return self.sealer.under((await self._reference.current(session, today)).sealing_label)

    async def _decide(
        self, session: AsyncSession, submissions: Sequence[Submission]
    ) -> list[Registration | Problem]:
        received_at = clock.receipt_moment()
        reference = await self._reference.current(session, clock.local_day(received_at))
        seal = self.sealer.under(reference.sealing_label)
        decided: list[Registration | Problem] = []
        for place, submission in enumerate(submissions):
            if place % AT_A_TIME == AT_A_TIME - 1:
                await asyncio.sleep(0)
            try:
                decided.append(
                    register(
                        submission,
                        reference,
                        seal,
                        received_at=received_at,
                        release_period=self._release_period,
                    )
                )
            except Problem as refusal:
                decided.append(refusal)
        return decided


async def _take_keys(session: AsyncSession, decided: Sequence[Registration | Problem]) -> set[int]:
    """The places in the group whose key is new and now theirs; of equal keys the first."""
    first: dict[Identity, int] = {}
    for place, registration in enumerate(decided):
        if isinstance(registration, Registration):
            row = registration.submission
            first.setdefault((row["client_id"], row["key"]), place)
    if not first:
        return set()
    rows = [decided[first[identity]].submission for identity in sorted(first)]
    taken = await insert_new_rows(session, _answered, rows)
    return {first[client_id, key] for client_id, key in taken}


async def _write(session: AsyncSession, registrations: Sequence[Registration]) -> None:
    """Everything that belongs to new signals, one statement per table."""
    if not registrations:
        return
    await record_signals(
        session,
        [registration.signal for registration in registrations],
        [row for registration in registrations for row in registration.persons],
    )
    await sealed_side.seal(
        session,
        [row for registration in registrations for row in registration.sealed_persons],
        [row for registration in registrations for row in registration.sealed_signal],
    )
    await record_decisions(session, [registration.decision for registration in registrations])
    await refer(session, [registration.referral for registration in registrations])
    await trail.append(session, [registration.audit for registration in registrations])
    await announce(session, [row for registration in registrations for row in registration.events])


async def _answered_before(
    session: AsyncSession, submissions: Sequence[Submission], new: set[int]
) -> dict[Identity, Row[Any]]:
    """The rows of keys that are not new."""
    wanted = [submission.identity for place, submission in enumerate(submissions) if place not in new]
    if not wanted:
        return {}
    rows = await session.execute(
        select(_answered).where(tuple_(_answered.c.client_id, _answered.c.key).in_(wanted))
    )
    return {(row.client_id, row.key): row for row in rows}


def _again(
    submission: Submission,
    known: dict[Identity, Row[Any]],
    decided: Registration | Problem,
    sealer: Sealer,
) -> Outcome:
    """The first answer of a known key; else the refusal, which does not use up the key."""
    if submission.identity not in known:
        return decided if isinstance(decided, Problem) else RuntimeError("a taken key has no row")
    row = known[submission.identity]
    if row.digest is not None:
        first = sealer.under(row.key_label).open(row.digest, digest_place(*submission.identity))
        if first != submission.digest:
            return errors.KeyReused()
    return errors.Erased() if row.answer is None else bytes(row.answer)
