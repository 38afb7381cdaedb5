"""What people and jobs do to a queue, each with what the model foretells of it. Called by the state machine test."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from service import clock
from service.access.actions import add_client, add_secret
from service.demo.loading import LOADER, Credential, Loaded
from service.organisations.models import ContactPoint
from service.referrals.models import Question, Referral, ReferralEscalation
from service.referrals.states import Move
from service.signals.models import Signal
from tests.support.bodies import person, signal
from tests.support.queue_model import (
    CLIENTS,
    HELMOND,
    JOBS,
    MOST_QUESTIONS,
    MOST_RENEWALS,
    PATHS,
    REGION,
    SECOND,
    SENT_TO,
    Clock,
    Cut,
    Expected,
    KnownClaim,
    KnownSignal,
    Modelled,
    Told,
    told,
)
from tests.support.register import Register, in_process

ANSWER = "Ja, dat klopt."
STALE: Told = (412, "stale")


class QueueActs(Modelled):
    """Every act there is."""

    # The reporter

    def body(self, place: str, **more: Any) -> dict[str, Any]:
        """A victim and a suspect, so that there is somebody for each recipient."""
        day = (self.clock.at - timedelta(days=20)).date().isoformat()
        persons = [
            person("victim", municipality=place),
            person("suspect", role="SUSPECT", municipality=place),
        ]
        return signal(observedFrom=day, observedUntil=day, persons=persons, **more)

    async def post(self, place: str) -> KnownSignal:
        answer = await self.register.post_signal(self.body(place))
        assert answer.status_code == 201, answer.text
        known = KnownSignal(answer.json()["id"])
        self.signals.append(known)
        self.referrals.append(Expected(known.id, SENT_TO[place], place))
        await self.compare()
        return known

    async def change_signal(
        self, known: KnownSignal, place: str | None, *, off: int = 0, cut: Cut | None = None
    ) -> None:
        """Correct a signal, to be about this place, or withdraw it where none is named."""
        headers = await self.register.headers("jpt-helmond", if_match=f'"{max(1, known.version + off)}"')
        act, body = ("corrections", self.body(place)) if place else ("withdrawal", {"reason": "DUPLICATE"})
        over = place is not None and await self._is_past_its_last_day(known.id)
        refusal = (409, "not-active") if known.withdrawn or over else None
        if max(1, known.version + off) != known.version:
            refusal = STALE

        async def send() -> httpx.Response:
            return await self.register.http.post(f"/v1/signals/{known.id}/{act}", json=body, headers=headers)

        def apply() -> None:
            known.version += 1
            if place:
                self._follow(known, place)
            else:
                known.withdrawn = True
                self._end(known, "withdraw")

        await self.attempt(send, refusal, apply, cut)

    def _follow(self, known: KnownSignal, place: str) -> None:
        root = self.root(known.id)
        if root is not None and SENT_TO[place] in (root.queue, self._first(root).queue):
            for one in self.family(root):
                self.take(one, "correct")
            root.municipality = place
            return
        self._end(known, "withdraw")
        self.referrals.append(Expected(known.id, SENT_TO[place], place))

    def _first(self, one: Expected) -> Expected:
        return self._first(self.by_id(one.returned_from)) if one.returned_from else one

    def _end(self, known: KnownSignal, move: Move) -> None:
        root = self.root(known.id)
        for one in self.family(root) if root else ():
            self.take(one, move)

    async def answer(self, known: KnownSignal, *, which: int = 0, cut: Cut | None = None) -> None:
        """Answer a question about a signal, also one that is answered already."""
        questions = [row for row in await self.register.rows(Question) if str(row.signal_id) == known.id]
        if not questions:
            return
        question = sorted(questions, key=lambda row: (row.answered_at is not None, row.id))[
            which % len(questions)
        ]
        headers = await self.register.headers("jpt-helmond")
        said = {"permitted": True} if question.kind == "PERMISSION" else {"text": ANSWER}
        root = self.root(known.id)
        asked = root is not None and self._is_of_now(question)
        refusal = None if asked or question.answered_at else (409, "nobody-asks-any-more")

        async def send() -> httpx.Response:
            path = f"/v1/signals/{known.id}/answers"
            return await self.register.http.post(
                path, json={"question": str(question.id), **said}, headers=headers
            )

        def apply() -> None:
            if root is not None and question.answered_at is None:
                self.take(root, "answer")

        await self.attempt(send, refusal, apply, cut)

    # Those who work a queue

    async def claim(
        self, client: str, *, limit: int = 1, again: KnownClaim | None = None, cut: Cut | None = None
    ) -> None:
        """Claim, or ask again for what was lost on the wire: with the same key, and perhaps another limit."""
        key = again.key if again else str(uuid.uuid4())
        client, known = (again.client, again) if again else (client, None)
        queue = sorted(
            (one for one in self.referrals if self.in_queue(client, one)),
            key=lambda one: (one.due_on, one.id),
        )
        got = [one for one in queue if one.status == "WAITING"][:limit]
        # A claim that comes short puts back what has lapsed, and takes of that too.
        over = [one for one in queue if self.lapsed(one)] if len(got) < limit else []
        got += over[: limit - len(got)]
        await self.register.token(client)
        refusal = (409, "idempotency-key-reused") if known and known.limit != limit else None

        async def send() -> httpx.Response:
            return await self.register.claim(client=client, key=key, limit=limit)

        def apply() -> None:
            if known is not None:
                return
            self.claims.append(KnownClaim(client, key, limit))
            for one in over:
                self.take(one, "lapse")
            for one in got:
                self._claimed(one, client, key)

        answer = await self.attempt(send, refusal, apply, cut)
        if answer is not None and answer.status_code == 201:
            ids = [item["id"] for item in answer.json()["items"]]
            told = got if known is None else [one for one in queue if one.claim == key]
            assert ids == [one.id for one in sorted(told, key=lambda one: (one.due_on, one.id))]

    async def claim_together(self, clients: Sequence[str], limit: int) -> None:
        """Several claims at the same moment: nothing is given to two of them."""
        for client in clients:
            await self.register.token(client)
        over = [one for one in self.referrals if self.lapsed(one)]
        over = [one for one in over if any(self.in_queue(client, one) for client in clients)]
        keys = [str(uuid.uuid4()) for _ in clients]
        both = zip(clients, keys, strict=True)
        sent = (self.register.claim(client=client, key=key, limit=limit) for client, key in both)
        answers = await asyncio.gather(*sent)
        waiting = sum(
            one.status == "WAITING" and any(self.in_queue(client, one) for client in clients)
            for one in self.referrals
        )
        rows = {str(row.id): row for row in await self.register.rows(Referral)}
        for one in over:
            if rows[one.id].version > one.version:
                assert waiting < limit * len(clients), "nobody came short"
                self.take(one, "lapse")
        for client, key, answer in zip(clients, keys, answers, strict=True):
            assert answer.status_code == 201
            ids = [item["id"] for item in answer.json()["items"]]
            assert len(ids) <= limit
            self.claims.append(KnownClaim(client, key, limit))
            for one in map(self.by_id, ids):
                assert self.in_queue(client, one)
                self._claimed(one, client, key)  # not of this state when the other has it
        await self.compare()

    def _claimed(self, one: Expected, client: str, key: str) -> None:
        self.take(one, "claim")
        one.holder, one.claim = client, key

    async def step(
        self,
        client: str,
        one: Expected,
        move: Move,
        *,
        off: int = 0,
        to: str = "",
        permission: bool = False,
        twice: bool = False,
        cut: Cut | None = None,
    ) -> None:
        """A step by a client, on the present version or one that is off by so much; or two at the same moment."""
        version = max(1, one.version + off)
        bodies: dict[Move, Any] = {
            "renew": {},
            "assign": {"actor": "staff.two"},
            "return": {"reason": "INVOLVED"},
            "forward": {"organisation": str(self.register.loaded.organisations[to])} if to else None,
            "recall": {"child": self._child_at(one, to) or str(uuid.uuid4())},
            "ask": {"kind": "PERMISSION", "organisationType": "HALT"}
            if permission
            else {"kind": "INFORMATION", "text": "Is er nog contact?"},
            "close": {"outcome": "ADVICE_ONLY"},
        }
        await self.register.token(client)
        refusal = self.refusal(client, one, move, version) or await self._refused_by(one, move, to)

        async def send() -> httpx.Response:
            shown = {"id": one.id, "version": version}
            if not twice or cut is not None:
                return await self.register.step(shown, PATHS[move], bodies.get(move), client=client)
            both = (self.register.step(shown, PATHS[move], bodies.get(move), client=client) for _ in range(2))
            first, second = sorted(await asyncio.gather(*both), key=lambda answer: answer.status_code)
            assert told(second) == (refusal or STALE)
            return first

        await self.attempt(send, refusal, lambda: self._moved(one, move, to), cut)
        await self.read_over_http(one)

    async def _refused_by(self, one: Expected, move: Move, to: str) -> Told | None:
        if move == "renew" and one.renewals == MOST_RENEWALS:
            return 409, "renewed-enough"
        if move in ("forward", "ask") and one.parent:
            return 409, "not-possible-now"
        if move == "forward" and await self._is_past_its_last_day(one.signal):
            return 409, "not-possible-now"
        if move == "forward" and self._child_at(one, to):
            return 409, "forwarded-already"
        if move == "recall" and not self._child_at(one, to):
            return 409, "no-such-child"
        if move == "ask":
            asked = [row for row in await self.register.rows(Question) if str(row.referral_id) == one.id]
            if sum(row.answered_at is None and self._is_of_now(row) for row in asked) >= MOST_QUESTIONS:
                return 409, "too-many-questions"
        return None

    def _child_at(self, one: Expected, recipient: str) -> str | None:
        return next((child.id for child in self.children(one) if child.queue == recipient), None)

    def _is_of_now(self, question: Any) -> bool:
        """Permission is for one version of a signal."""
        version = next(known.version for known in self.signals if known.id == str(question.signal_id))
        return bool(question.kind != "PERMISSION" or question.signal_version == version)

    async def _is_past_its_last_day(self, signal_id: str) -> bool:
        today = clock.local_day(self.clock.at)
        (its,) = [row for row in await self.register.rows(Signal) if str(row.id) == signal_id]
        return bool(its.remove_by < today)

    def _moved(self, one: Expected, move: Move, to: str) -> None:
        self.take(one, move)
        if move == "renew":
            one.renewals += 1
        if move == "forward":
            self.referrals.append(Expected(one.signal, to, one.municipality, parent=one.id))
        if move == "recall":
            self.take(self.by_id(str(self._child_at(one, to))), "withdraw")
            if not self.children(one):
                self.take(one, "resume")
        if move in ("return", "close") and one.parent:
            parent = self.by_id(one.parent)
            if not self.children(parent):
                self.take(parent, "resume")
        elif move == "return":
            covering = REGION if one.queue != REGION and not one.returned_from else None
            self.referrals.append(Expected(one.signal, covering, one.municipality, returned_from=one.id))

    async def place(self, one: Expected, point: str, *, off: int = 0, cut: Cut | None = None) -> None:
        """The administration gives what is in nobody's queue to a contact point."""
        if not self.points:
            async with self.register.database.reading() as session:
                rows = await session.scalars(select(ContactPoint))
                named = {id_: name for name, id_ in self.register.loaded.organisations.items()}
                self.points = {named[row.organisation_id]: str(row.id) for row in rows}
        version = max(1, one.version + off)
        headers = await self.register.headers("administrator", if_match=f'"{version}"')
        refusal: Told | None = None
        if one.queue is not None:
            refusal = (404, "not-found")
        elif version != one.version:
            refusal = STALE
        elif not one.open:
            refusal = (409, "not-possible-now")
        elif point not in (HELMOND, REGION) or point in self.returned_by(one):
            refusal = (409, "no-such-contact-point")

        async def send() -> httpx.Response:
            path, body = f"/v1/returned-referrals/{one.id}/placement", {"contactPoint": self.points[point]}
            return await self.register.http.post(path, json=body, headers=headers)

        def apply() -> None:
            one.queue = point
            self.take(one, "place")

        await self.attempt(send, refusal, apply, cut)

    # Time

    def jump(self, **by: float) -> None:
        """The clock goes on, or back; tokens are asked for anew."""
        self.clock.at += timedelta(**by)
        self.register.tokens.clear()

    async def run_job(self, name: str) -> None:
        await JOBS[name](self.register.database)
        if name == "lapse":
            for one in [one for one in self.referrals if self.lapsed(one)]:
                self.take(one, "lapse")
        if name == "expire":
            today = clock.local_day(self.clock.at)
            over = {str(row.id) for row in await self.register.rows(Signal) if row.remove_by < today}
            for known in [known for known in self.signals if known.id in over]:
                self._end(known, "expire")
        await self.compare()
        if name == "escalate":
            await self._each_overdue_one_is_told()

    async def _each_overdue_one_is_told(self) -> None:
        today = clock.local_day(self.clock.at)
        climbed = {
            (str(row.referral_id), row.due_on)
            for row in await self.register.rows(ReferralEscalation)
            if row.rung == 0
        }
        overdue = {
            (one.id, one.due_on)
            for one in self.referrals
            if one.open and one.queue and one.due_on is not None and one.due_on < today
        }
        assert overdue <= climbed


def working(one: Expected) -> str:
    """A client that works the queue of a referral: its holder, else one that sees it."""
    return one.holder or next(
        (
            client
            for client, (queue, where) in CLIENTS.items()
            if queue == one.queue and one.municipality in where
        ),
        SECOND,
    )


@asynccontextmanager
async def modelled(
    url: str, loaded: Loaded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[QueueActs]:
    """A register in process with its model, a clock of its own and two clients at the contact point of Helmond."""
    ticking = Clock()
    monkeypatch.setattr(clock, "now", ticking.now)
    async with in_process(url, Loaded(dict(loaded.credentials), loaded.organisations), folder) as register:
        acts = QueueActs(register, ticking)
        await acts.without_waiting_for_the_disk()
        await _add_second_client(register)
        yield acts


async def _add_second_client(register: Register) -> None:
    organisation_id = register.loaded.organisations[HELMOND]
    async with register.database.writing() as session:
        client = await add_client(
            session,
            LOADER,
            organisation_id=organisation_id,
            name=SECOND,
            role="coordinator",
            municipalities=(),
        )
        _, secret = await add_secret(session, LOADER, client)
    register.loaded.credentials[SECOND] = Credential(
        str(client.id), secret, "coordinator", HELMOND, organisation_id
    )
