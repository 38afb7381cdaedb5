"""A register with a model of its queues beside it: every act is done over HTTP and foretold by the table of states.

The model knows of each referral where it is, in which state and version, and who holds it. `attempt` sends an act,
expects its refusal or its outcome, and compares the whole queue in the database with the model; an act that was cut
off must have done all or nothing. Called by the state machine test; it knows nothing of hypothesis.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import event

from service.events.models import Event
from service.referrals.escalation import escalate
from service.referrals.lapsing import expire_referrals, lapse_claims
from service.referrals.models import Question, Referral, ReferralClaim, ReferralStep
from service.referrals.states import MOVES, OPEN, Move, State
from service.signals.models import Signal
from tests.support.queue_rules import keeps_its_rules
from tests.support.register import Register

HELMOND, SECOND, REGION = "contact-point-helmond", "contact-point-helmond-2", "contact-point-brabant-zuidoost"
HALT, VEILIG_THUIS = "halt-oost-brabant", "veilig-thuis-zuidoost-brabant"
# Whose client, and which of our municipalities its territory has: that of the region has no contact point of its own.
IN_TOWN, IN_REGION = "GM0794", "GM0772"
CLIENTS = {
    HELMOND: (HELMOND, {IN_TOWN}),
    SECOND: (HELMOND, {IN_TOWN, IN_REGION}),
    REGION: (REGION, {IN_TOWN, IN_REGION}),
    HALT: (HALT, {IN_TOWN, IN_REGION}),
    VEILIG_THUIS: (VEILIG_THUIS, {IN_TOWN, IN_REGION}),
}
RECIPIENTS = (HALT, VEILIG_THUIS)
WHOLE_QUEUES = (SECOND, REGION, *RECIPIENTS)
SENT_TO = {IN_TOWN: HELMOND, IN_REGION: REGION}
PATHS: dict[Move, str] = {
    "accept": "acceptance",
    "renew": "renewal",
    "release": "release",
    "assign": "assignment",
    "return": "return",
    "forward": "forwarding",
    "recall": "recall",
    "ask": "questions",
    "close": "closure",
}
JOBS = {"lapse": lapse_claims, "expire": expire_referrals, "escalate": escalate}
MOST_RENEWALS, MOST_QUESTIONS = 3, 5
NEVER_SO_LONG = 20
LEASE = timedelta(seconds=900)
ANSWER = "Ja, dat klopt."

Told = tuple[int, str]
Everything = list[list[str]]


class PowerCut(Exception):
    """What is raised in the middle of a transaction."""


@dataclass(frozen=True)
class Cut:
    """How an act is cut off: at its n-th statement, by an error or because the caller goes; None: at its commit."""

    statement: int | None = None
    caller_goes: bool = False


class Clock:
    """A clock that ticks at every look at it, and that jumps."""

    def __init__(self) -> None:
        self.at = datetime(2026, 12, 1, 9, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


@dataclass
class Expected:
    """What the model knows of one referral; `id`, `lease_until` and `due_on` are learned from the register.

    `claim` is the key by which it is held.
    """

    signal: str
    queue: str | None
    municipality: str
    parent: str | None = None
    returned_from: str | None = None
    id: str = ""
    status: State = "WAITING"
    version: int = 1
    holder: str | None = None
    claim: str | None = None
    renewals: int = 0
    lease_until: datetime | None = None
    due_on: date | None = None
    moves: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.status in OPEN


@dataclass
class KnownSignal:
    """A signal as the model knows it."""

    id: str
    version: int = 1
    withdrawn: bool = False


@dataclass
class KnownClaim:
    client: str
    key: str
    limit: int


def _do_not_wait(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


def told(answer: httpx.Response) -> Told:
    """Status and slug of an answer."""
    slug = "" if answer.status_code < 400 else str(answer.json()["type"]).rpartition(":")[2]
    return answer.status_code, slug


class Modelled:
    """A register and its model. Acts are methods; each raises AssertionError where the two part."""

    def __init__(self, register: Register, ticking: Clock) -> None:
        self.register, self.clock = register, ticking
        self.referrals: list[Expected] = []
        self.signals: list[KnownSignal] = []
        self.claims: list[KnownClaim] = []
        self.points: dict[str, str] = {}
        self.seen: dict[str, tuple[int, str]] = {}
        self.taken: set[tuple[str, str]] = set()
        self.refused: set[tuple[str, str]] = set()

    # The way of every act

    async def attempt(
        self,
        send: Callable[[], Awaitable[httpx.Response]],
        refusal: Told | None,
        apply: Callable[[], None],
        cut: Cut | None = None,
    ) -> httpx.Response | None:
        """Send an act and compare; None when it was cut off, and then it has moved all or nothing."""
        before = await self._everything() if cut or refusal else None
        async with asyncio.timeout(NEVER_SO_LONG):
            answer = await (send() if cut is None else self._cut_off(send, cut))
        if answer is not None and answer.status_code < 500:
            assert (told(answer) if answer.status_code >= 400 else None) == refusal, answer.text
        else:
            assert cut is not None, answer and answer.text
        moved = before is None or await self._everything() != before
        assert not (moved and refusal), f"refused with {refusal}, yet something moved"
        if refusal is None and (moved or answer is not None and answer.status_code < 400):
            apply()
        await self.compare()
        return answer

    async def _cut_off(
        self, send: Callable[[], Awaitable[httpx.Response]], cut: Cut
    ) -> httpx.Response | None:
        task = asyncio.ensure_future(send())
        with self._cutting(cut, task):
            try:
                return await task
            except (PowerCut, asyncio.CancelledError):
                return None
            finally:
                if cut.statement is None:  # who dies at a commit takes its connections along
                    await self._writing_engine.dispose()

    @property
    def _writing_engine(self) -> Any:
        database: Any = self.register.database
        return (database._writer or database).engine

    async def without_waiting_for_the_disk(self) -> None:
        """On SQLite: no power is cut for real, and waiting for the disk takes most of the time."""
        if self.register.database.is_sqlite:
            engine = self._writing_engine
            event.listen(engine.sync_engine, "connect", _do_not_wait)
            await engine.dispose()

    @contextmanager
    def _cutting(self, cut: Cut, task: "asyncio.Future[Any]") -> Iterator[None]:
        """While the block runs, the transaction of the act ends where the cut says."""
        statements, engine = 0, self._writing_engine.sync_engine

        def at_statement(*_: Any) -> None:
            nonlocal statements
            statements += 1
            # No server cancels a request; on SQLite a cancelled one may leave its lock behind with the driver.
            if statements == cut.statement and cut.caller_goes and not self.register.database.is_sqlite:
                task.cancel()
            elif statements == cut.statement:
                raise PowerCut

        def at_commit(*_: Any) -> None:
            raise PowerCut

        point: tuple[str, Any] = (
            ("before_cursor_execute", at_statement) if cut.statement else ("commit", at_commit)
        )
        event.listen(engine, *point)
        try:
            yield
        finally:
            event.remove(engine, *point)

    async def _everything(self) -> Everything:
        models = (Referral, ReferralStep, ReferralClaim, Event, Question, Signal)
        return [sorted(map(str, await self.register.rows(model))) for model in models]

    # What the model says

    def take(self, one: Expected, move: Move) -> None:
        """A move by the table."""
        one.status = MOVES[one.status, move]
        one.version += 1
        one.moves.append(move)
        if one.status != "CLAIMED":
            one.holder, one.claim, one.lease_until, one.renewals = None, None, None, 0

    def in_queue(self, client: str, one: Expected) -> bool:
        queue, territory = CLIENTS[client]
        return one.queue == queue and one.municipality in territory

    def root(self, signal_id: str) -> Expected | None:
        """The open one to the contact point."""
        found = [one for one in self.referrals if one.signal == signal_id and not one.parent and one.open]
        assert len(found) <= 1
        return found[0] if found else None

    def children(self, one: Expected) -> list[Expected]:
        return [other for other in self.referrals if other.parent == one.id and other.open]

    def family(self, one: Expected) -> list[Expected]:
        return [one, *self.children(one)]

    def by_id(self, id_: str) -> Expected:
        return next(one for one in self.referrals if one.id == id_)

    def lapsed(self, one: Expected) -> bool:
        return one.lease_until is not None and one.lease_until <= self.clock.at

    def returned_by(self, one: Expected) -> set[str | None]:
        found = set()
        while one.returned_from:
            one = self.by_id(one.returned_from)
            found.add(one.queue)
        return found

    def refusal(self, client: str, one: Expected, move: Move, version: int) -> Told | None:
        """What every step refuses, in this order."""
        if not self.in_queue(client, one):
            return 404, "not-found"
        if version != one.version or (one.status == "CLAIMED" and self.lapsed(one)):
            return 412, "stale"
        if one.status == "CLAIMED" and one.holder != client:
            return 409, "not-the-holder"
        if (one.status, move) not in MOVES:
            self.refused.add((one.status, move))
            return 409, "not-possible-now"
        return None

    # Comparing

    async def compare(self) -> None:
        """The register is as the model says, and keeps its rules whatever the model says."""
        rows, steps = await self.register.rows(Referral), await self.register.rows(ReferralStep)
        self._learn({str(row.id): row for row in rows})
        names = {str(id_): name for name, id_ in self.register.loaded.organisations.items()}
        clients = {one.client_id: name for name, one in self.register.loaded.credentials.items()}
        found = {
            str(row.id): (
                row.status,
                row.version,
                row.organisation_id and names[str(row.organisation_id)],
                row.held_by and clients[str(row.held_by)],
                row.renewals,
            )
            for row in rows
        }
        assert found == {
            one.id: (one.status, one.version, one.queue, one.holder, one.renewals) for one in self.referrals
        }
        steps.sort(key=lambda step: step.version)
        history = {
            one.id: [step.move for step in steps if str(step.referral_id) == one.id] for one in self.referrals
        }
        assert history == {one.id: one.moves for one in self.referrals}
        self.taken |= keeps_its_rules(rows, steps, await self.register.rows(Signal), self.seen)

    def _learn(self, rows: dict[str, Any]) -> None:
        """The ids of new referrals, leases and last days: what the model does not foretell."""
        for one in [one for one in self.referrals if not one.id]:
            known = {other.id for other in self.referrals}
            identity = (one.signal, one.parent, one.returned_from)
            new = [
                id_
                for id_, row in rows.items()
                if id_ not in known
                and identity
                == (
                    str(row.signal_id),
                    row.parent_id and str(row.parent_id),
                    row.returned_from_id and str(row.returned_from_id),
                )
            ]
            assert len(new) == 1, "a new referral is lost, or there twice"
            one.id = new[0]
        for one in self.referrals:
            one.due_on = rows[one.id].due_on
            if one.holder is not None and one.lease_until != rows[one.id].lease_until:
                one.lease_until = rows[one.id].lease_until
                assert one.lease_until is not None
                assert LEASE - timedelta(seconds=1) < one.lease_until - self.clock.at <= LEASE

    async def read_over_http(self, one: Expected) -> None:
        """Its own queue reads what the model says; a recipient that it is not for reads nothing."""
        path = f"/v1/referrals/{one.id}"
        stranger = next(
            client for client in RECIPIENTS if client != one.queue
        )  # a contact point may read along
        for client in (*(name for name in WHOLE_QUEUES if CLIENTS[name][0] == one.queue), stranger):
            answer = await self.register.http.get(path, headers=await self.register.headers(client))
            if not self.in_queue(client, one):
                assert answer.status_code == 404
                continue
            body = answer.json()
            assert (answer.status_code, answer.headers["ETag"]) == (200, f'"{one.version}"')
            assert (body["status"], body["dueOn"]) == (one.status, str(one.due_on))
            assert ("leaseUntil" in body, [step["move"] for step in body["history"]]) == (
                one.status == "CLAIMED",
                one.moves,
            )
            assert {child["id"] for child in body["children"]} == {
                other.id for other in self.referrals if other.parent == one.id
            }

    async def nothing_is_lost(self) -> None:
        """What is open stands in exactly one queue, or on the administration's list."""
        listed: list[str] = []
        for client in WHOLE_QUEUES:
            headers = await self.register.headers(client)
            for status in OPEN:
                page = await self.register.http.get(
                    f"/v1/referrals?limit=200&status={status}", headers=headers
                )
                listed += [item["id"] for item in page.json()["items"]]
        headers = await self.register.headers("administrator")
        page = await self.register.http.get("/v1/returned-referrals", headers=headers)
        listed += [item["id"] for item in page.json()["items"]]
        assert sorted(listed) == sorted(one.id for one in self.referrals if one.open)
