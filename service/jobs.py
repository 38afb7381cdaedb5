"""Which job runs when: each job of the register by its name and its rhythm, and the loop that runs them.

Jobs run inside `serve`, or in a process of their own (`serve --jobs-only`); each in one process at a time, under a
lease (`leases.py`). A job begins again where it was, so nothing is lost when it fails or its process dies: it is
tried again at its next time, and seen in health and metrics until it has done its work.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

import structlog

from service import clock
from service.columns import new_id
from service.database import Database
from service.events.numbering import drop_old_events, number_events
from service.leases import HOLD, JobState, give_back, hold, name_jobs, record_done, record_failed
from service.referrals.escalation import escalate
from service.referrals.lapsing import expire_referrals, forget_claims, lapse_claims
from service.routing.watching import watch_rules
from service.statistics.freezing import compile_waiting

BEAT_SECONDS = 5.0
AGAIN_SECONDS = 60.0  # after which one that failed is tried again, however rare it is
STOP_SECONDS = 5.0
LATE_AFTER = timedelta(minutes=2)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done again and again; `run` makes its own transactions and may be ended at any time.

    `may_take` is for one whose work can take minutes.
    """

    name: str
    every_seconds: float
    run: Callable[[Database], Awaitable[None]]
    may_take: timedelta = timedelta(0)


def register_jobs(release_secret: bytes) -> tuple[Job, ...]:
    """Every job of the register."""
    compiling = partial(compile_waiting, secret=release_secret)
    return (
        Job("number-events", 0.5, number_events),
        Job("compile-releases", 1, compiling, may_take=timedelta(hours=1)),
        Job("lapse-claims", 5, lapse_claims),
        Job("escalate", 300, escalate),
        Job("expire-referrals", 3600, expire_referrals),
        Job("forget-claims", 3600, forget_claims),
        Job("drop-old-events", 3600, drop_old_events),
        Job("watch-rules", 3600, watch_rules),
    )


class Jobs:
    """The jobs of one process: a beat that keeps their leases, and a loop for each."""

    def __init__(
        self, database: Database, jobs: Sequence[Job], *, beat_seconds: float = BEAT_SECONDS
    ) -> None:
        self._database, self._jobs, self._beat_seconds = database, jobs, beat_seconds
        self._holder = new_id()
        self._held: frozenset[str] = frozenset()
        self._held_until = 0.0
        self._began: dict[str, float] = {}
        self._done: dict[str, datetime] = {}
        self._failed: dict[str, tuple[datetime, str, int]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self) -> None:
        if not self._jobs:
            return
        loops = (self._repeat(job) for job in self._jobs)
        self._tasks = [asyncio.create_task(loop) for loop in (self._beat_forever(), *loops)]

    async def stop(self) -> None:
        """End the loops and let other processes have the jobs at once.

        What is at work may end its work, for a while: on SQLite a transaction that is cancelled can keep its lock.
        """
        if not self._tasks:
            return
        self._stopping.set()
        _, at_work = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in at_work:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._tell_and_give_back()

    async def _beat_forever(self) -> None:
        named = False
        while not self._stopping.is_set():
            try:
                if not named:
                    async with self._database.writing() as session:
                        await name_jobs(session, self._names)
                    named = True
                await self._beat()
            except Exception as error:
                log.warning("jobs.beat_failed", error=type(error).__name__)
            await self._pause(self._beat_seconds)

    async def _beat(self) -> None:
        """Tell how the jobs went, and take or keep the leases."""
        began = monotonic()
        done, failed = self._done, self._failed
        self._done, self._failed = {}, {}
        try:
            async with self._database.writing() as session:
                await record_done(session, done)
                await record_failed(session, failed)
                held = await hold(session, self._holder, self._not_hanging(), clock.now())
        except Exception:
            self._tell_later(done, failed)
            raise
        self._held, self._held_until = held, began + HOLD.total_seconds()

    def _tell_later(
        self, done: Mapping[str, datetime], failed: Mapping[str, tuple[datetime, str, int]]
    ) -> None:
        """Keep for the next beat what this one could not tell; where a job has run since, that is what counts."""
        ran = self._done.keys() | self._failed.keys()
        self._done |= {name: moment for name, moment in done.items() if name not in ran}
        self._failed |= {name: failure for name, failure in failed.items() if name not in ran}

    async def _repeat(self, job: Job) -> None:
        due = 0.0
        while not self._stopping.is_set():
            if monotonic() >= due and self._may_run(job):
                done = await self._run(job)
                due = monotonic() + (job.every_seconds if done else min(job.every_seconds, AGAIN_SECONDS))
            await self._pause(min(job.every_seconds, self._beat_seconds))

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _may_run(self, job: Job) -> bool:
        return job.name in self._held and monotonic() < self._held_until

    async def _run(self, job: Job) -> bool:
        """Whether it did all that it had to."""
        self._began[job.name] = monotonic()
        try:
            async with asyncio.timeout(late_after(job).total_seconds()):
                await job.run(self._database)
        except Exception as error:
            failure = type(error).__name__
            log.error("jobs.failed", job=job.name, error=failure)
            self._failed[job.name] = (clock.now(), failure, self._failed.get(job.name, (None, "", 0))[2] + 1)
            self._done.pop(job.name, None)
            return False
        finally:
            del self._began[job.name]
        self._done[job.name] = clock.now()
        self._failed.pop(job.name, None)
        return True

    async def _tell_and_give_back(self) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS), self._database.writing() as session:
                await record_done(session, self._done)
                await record_failed(session, self._failed)
                await give_back(session, self._holder)
        except Exception as error:
            log.warning("jobs.beat_failed", error=type(error).__name__)  # the leases end by themselves

    def _not_hanging(self) -> list[str]:
        """The jobs but those that do not end though their time is over: another process may have them."""
        now = monotonic()
        return [
            job.name
            for job in self._jobs
            if now - self._began.get(job.name, now) <= late_after(job).total_seconds()
        ]

    @property
    def _names(self) -> list[str]:
        return [job.name for job in self._jobs]


def troubled(states: Sequence[JobState], now: datetime, jobs: Sequence[Job]) -> dict[str, str]:
    """The jobs that do not go as they should, as `failing` or `late`, by name. Pure."""
    known = {state.name: state for state in states}
    found = {}
    for job in jobs:
        state = known.get(job.name)
        if state is not None and state.failures:
            found[job.name] = "failing"
        elif state is None or state.done_at is None or now - state.done_at > late_after(job):
            found[job.name] = "late"
    return found


def late_after(job: Job) -> timedelta:
    """How long ago a job may have ended its work: what it may take, twice its rhythm, and some time for another process
    to take over."""
    return LATE_AFTER + 2 * timedelta(seconds=job.every_seconds) + job.may_take
