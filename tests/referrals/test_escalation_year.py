"""A year of work under a moving clock: who is told that a term has passed, and when, beside an oracle's list of it.

Signals come in on seeded days, most of them before holidays and all near midnight; their stories differ. The oracle
keeps its own list of terms, of working days and of who is to be told. The job runs each day, and again when something
was told or done: its rows and events are those of the oracle, each once, and everybody reads along exactly what
climbed to it.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.events.models import Event
from service.referrals.escalation import escalate
from service.referrals.models import Referral, ReferralEscalation
from service.trail import AuditEntry
from tests.support.bodies import person, signal
from tests.support.days import AMSTERDAM, HOLIDAYS, MovingClock, counted, is_working
from tests.support.register import Register

Json = dict[str, Any]
Story = AsyncIterator[int]

# First day, last receipt, last day, signals: on PostgreSQL the spring of it.
PERIODS = {
    "sqlite": (date(2026, 1, 2), date(2027, 1, 4), date(2027, 1, 22), 40),
    "postgresql": (date(2026, 3, 16), date(2026, 6, 1), date(2026, 6, 19), 24),
}
LOCAL, REGION, HELP, REPORTER = (
    "contact-point-helmond",
    "contact-point-brabant-zuidoost",
    "veilig-thuis-zuidoost-brabant",
    "jpt-helmond",
)
DECISION, HANDLING, REGIONAL_AFTER = 5, 30, 2  # working days, as the demo's agreement has them
BODIES: list[tuple[int, Json]] = [
    (DECISION, {}),
    (3, {"primaryType": "SHAME_SEXTING", "types": ["SHAME_SEXTING"], "flag": "BLACK"}),
    (2, {"primaryType": "SEXUAL_VIOLENCE", "types": ["SEXUAL_VIOLENCE"]}),
]
PLACES = ("GM0794", "GM0743", "GM0762")
EARLY, LATE = "00:20", "23:40"  # in winter, 00:20 is a day earlier in UTC; in summer 23:40 is the same day
FIRST_RUN, SECOND_RUN = "00:05", "18:00"


@dataclass(frozen=True)
class Term:
    """One term of a referral: whose it is, its last day, and who forwarded it there, if anybody did."""

    referral: UUID
    holder: UUID | None
    due: date
    place: str
    parent: tuple[UUID, UUID] | None = None

    def rungs(self, today: date) -> list[int]:
        """What is climbed by a day: nobody's climbs nothing, a child only tells."""
        if self.holder is None or today <= self.due:
            return []
        if self.parent:
            return [0]
        return [0, 1, 2] if today >= counted(self.due, REGIONAL_AFTER) else [0, 1]


@dataclass
class Year:
    """The register and its clock, and beside them what the oracle knows: the present terms, and what was told."""

    register: Register
    time: MovingClock
    random: Random
    terms: dict[UUID, Term] = field(default_factory=dict)
    rows: set[tuple[Any, ...]] = field(default_factory=set)
    events: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    hands: dict[str, Json] = field(default_factory=dict)
    received: int = 0
    coming: dict[tuple[date, str], list[Story]] = field(default_factory=lambda: defaultdict(list))

    @property
    def today(self) -> date:
        return self.time.now.astimezone(AMSTERDAM).date()

    def organisation(self, name: str) -> UUID:
        return self.register.loaded.organisations[name]

    async def run(self) -> bool:
        """The job; the oracle writes down what it has to do, and says whether there is anything."""
        now, region = self.time.now, self.organisation(REGION)
        known = {row[:3] for row in self.rows}
        for term in self.terms.values():
            for rung in term.rungs(self.today):
                if (term.referral, term.due, rung) in known:
                    continue
                above = region if term.holder != region else None  # nobody stands above the region
                reader, along = [("HOLDER", term.holder), ("DEPUTY", term.holder), ("REGIONAL", above)][rung]
                self.rows.add((term.referral, term.due, rung, reader, along, now))
                told = {(term.referral, term.holder, "recipient" if term.parent else "coordinator")}
                told |= {(term.referral, along, "coordinator")} if rung == 2 and along else set()
                told |= {(*term.parent, "coordinator")} if term.parent else set()
                type = "referral.escalated" if rung else "referral.overdue"
                self.events.update(
                    (type, f"/v1/referrals/{id_}", *who, term.place, now) for id_, *who in told
                )
        await escalate(self.register.database)
        return len(self.rows) > len(known)

    def along(self, name: str) -> set[str]:
        """What an organisation reads along by the oracle: what is open, past its term, and climbed to it."""
        readers = {(row[0], row[1]) for row in self.rows if row[2] > 0 and row[4] == self.organisation(name)}
        return {str(one.referral) for one in self.terms.values() if (one.referral, one.due) in readers}

    async def listed(self, name: str) -> set[str]:
        headers = await self.register.headers(name)
        answer = await self.register.http.get("/v1/referrals?escalated=true&limit=200", headers=headers)
        assert answer.status_code == 200, answer.text
        return {one["id"] for one in answer.json()["items"]}

    async def go_on(self, day: date, at: str) -> bool:
        """What the stories have for this moment; whether there was anything."""
        self.time.to(day, at)
        self.hands = {}
        stories = self.coming.pop((day, at), [])
        for story in stories:
            while (days := await anext(story, None)) == 0:
                pass
            if days:
                self.coming[day + timedelta(days), at].append(story)
        return bool(stories)

    def begin(self, term: Term) -> Term:
        self.terms[term.referral] = term
        return term

    async def receive(self, kind: int | None = None) -> tuple[str, Term]:
        """A signal comes in; its id and the first term of its referral."""
        days, body = BODIES[self.random.randrange(3) if kind is None else kind]
        place, self.received = self.random.choice(PLACES), self.received + 1
        observed = (self.today - timedelta(10)).isoformat()
        body = body | {"observedFrom": observed, "observedUntil": observed}
        body |= {"persons": [person(f"of story {self.received}", municipality=place)]}
        posted = await self.register.post_signal(signal(**body, municipalities={"incident": place}))
        assert posted.status_code == 201, posted.text
        (referral,) = await self.referrals(signal_id=UUID(posted.json()["id"]))
        due = counted(self.today, days)
        return posted.json()["id"], self.begin(Term(referral, self.organisation(LOCAL), due, place))

    async def referrals(self, **of: Any) -> list[UUID]:
        rows = await self.register.rows(Referral)
        return [row.id for row in rows if all(getattr(row, name) == value for name, value in of.items())]

    async def claim(self, term: Term, client: str = LOCAL) -> Json:
        """Claim until this one is in one's hands; what else was claimed lapses."""
        while str(term.referral) not in self.hands:
            answer = await self.register.claim(client=client, limit=50, leaseSeconds=600)
            assert answer.json()["items"], "what waits is claimed"
            self.hands |= {one["id"]: one for one in answer.json()["items"]}
        return dict(self.hands.pop(str(term.referral)))

    async def step(self, referral: Json, step: str, body: Any = None, client: str = LOCAL) -> httpx.Response:
        answer = await self.register.step(referral, step, body, client=client)
        assert answer.status_code == 200, answer.text
        return answer

    async def read(self, term: Term, client: str = LOCAL) -> Json:
        headers = await self.register.headers(client)
        answer = await self.register.http.get(f"/v1/referrals/{term.referral}", headers=headers)
        return dict(answer.json())

    async def release(self, term: Term) -> None:
        await self.step(await self.claim(term), "release")

    async def accept(self, term: Term, client: str = LOCAL) -> Term:
        await self.step(await self.claim(term, client), "acceptance", client=client)
        return self.begin(replace(term, due=counted(self.today, HANDLING)))

    async def forward(self, term: Term) -> tuple[Term, Term]:
        """The parent with its new term, and the child."""
        await self.step(await self.read(term), "forwarding", {"organisation": str(self.organisation(HELP))})
        (child,) = await self.referrals(parent_id=term.referral)
        parent = self.begin(replace(term, due=counted(self.today, HANDLING)))
        above = (term.referral, self.organisation(LOCAL))
        due = counted(self.today, DECISION)
        return parent, self.begin(Term(child, self.organisation(HELP), due, term.place, above))

    async def close(self, term: Term, client: str = LOCAL) -> None:
        await self.step(await self.read(term, client), "closure", {"outcome": "ADVICE_ONLY"}, client)
        del self.terms[term.referral]
        if term.parent:
            self.begin(replace(self.terms[term.parent[0]], due=counted(self.today, HANDLING)))

    async def give_back(self, term: Term, *, received: date | None = None, to: str | None = REGION) -> Term:
        """Return what is claimed, or what was accepted: then its first term holds again, from receipt."""
        client = LOCAL if term.holder == self.organisation(LOCAL) else REGION
        held = await (self.read(term) if received else self.claim(term, client))
        await self.step(held, "return", {"reason": "NO_CAPACITY"}, client)
        del self.terms[term.referral]
        (successor,) = await self.referrals(returned_from_id=term.referral)
        due = counted(received, DECISION) if received else term.due
        return self.begin(replace(term, referral=successor, holder=to and self.organisation(to), due=due))

    async def withdraw(self, signal_id: str) -> None:
        headers = await self.register.headers(REPORTER, if_match='"1"')
        path, body = f"/v1/signals/{signal_id}/withdrawal", {"reason": "UNJUSTIFIED"}
        answer = await self.register.http.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        for id_ in await self.referrals(signal_id=UUID(signal_id)):
            self.terms.pop(id_, None)


async def lies_until_withdrawn(year: Year) -> Story:
    signal_id, _ = await year.receive()
    yield year.random.randint(2, 30)
    await year.withdraw(signal_id)


async def lies_over_a_holiday(year: Year) -> Story:
    signal_id, _ = await year.receive(0)
    yield 16
    await year.withdraw(signal_id)


async def is_closed(year: Year) -> Story:
    _, term = await year.receive()
    yield year.random.randint(0, 14)
    term = await year.accept(term)
    yield year.random.randint(20, 60)
    await year.close(term)


async def is_released_before(year: Year) -> Story:
    _, term = await year.receive()
    yield year.random.randint(0, 8)
    await year.release(term)
    yield year.random.randint(1, 9)
    term = await year.accept(term)
    yield year.random.randint(0, 60)
    await year.close(term)


async def is_forwarded(year: Year) -> Story:
    _, term = await year.receive()
    yield year.random.randint(0, 8)
    term = await year.accept(term)
    yield year.random.randint(0, 50)
    term, child = await year.forward(term)
    yield year.random.randint(0, 14)
    child = await year.accept(child, HELP)
    yield year.random.randint(30, 60)
    await year.close(child, HELP)
    yield year.random.randint(0, 60)
    await year.close(term)


async def is_forwarded_and_withdrawn(year: Year) -> Story:
    signal_id, term = await year.receive()
    term = await year.accept(term)
    yield year.random.randint(0, 5)
    await year.forward(term)
    yield year.random.randint(3, 60)
    await year.withdraw(signal_id)


async def is_returned(year: Year) -> Story:
    _, term = await year.receive()
    yield year.random.randint(0, 12)
    term = await year.give_back(term)
    yield year.random.randint(0, 8)
    term = await year.accept(term, REGION)
    yield year.random.randint(20, 60)
    await year.close(term, REGION)


async def is_returned_late(year: Year) -> Story:
    signal_id, term = await year.receive(0)
    received = year.today
    term = await year.accept(term)
    yield year.random.randint(0, 50)
    await year.give_back(term, received=received)
    yield year.random.randint(1, 9)
    await year.withdraw(signal_id)


async def is_returned_twice(year: Year) -> Story:
    signal_id, term = await year.receive()
    yield year.random.randint(0, 9)
    term = await year.give_back(term)
    yield year.random.randint(0, 5)
    await year.give_back(term, to=None)
    yield year.random.randint(10, 30)
    await year.withdraw(signal_id)


STORIES: list[Callable[[Year], Story]] = [
    lies_until_withdrawn,
    is_closed,
    is_released_before,
    is_forwarded,
    is_forwarded_and_withdrawn,
    is_returned,
    is_returned_late,
    is_returned_twice,
]


def drawn(random: Random, begins: date, last: date, size: int) -> list[tuple[date, Callable[[Year], Story]]]:
    """Days of receipt, and what follows: for each holiday a term that ends just before it, others near or far."""
    holidays = sorted(day for day in HOLIDAYS if begins < day < last)
    lying = [(latest_before(holiday), lies_over_a_holiday) for holiday in holidays]
    near = [day - timedelta(random.randint(1, 10)) for day, _ in zip(cycle(holidays), range(size // 2))]
    far = [begins + timedelta(random.randint(0, (last - begins).days)) for _ in range(size - size // 2)]
    return [*lying, *zip(near + far, cycle(STORIES))]


def latest_before(holiday: date) -> date:
    """The last day of receipt for which the term of the agreement ends before a holiday."""
    day = holiday - timedelta(1)
    while counted(day, DECISION) >= holiday:
        day -= timedelta(1)
    return day


async def test_in_a_year_everybody_is_told_when_a_term_has_passed_and_only_then(
    engine: str, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, last, ends, size = PERIODS[engine]
    year = Year(register, MovingClock(monkeypatch), Random(6))
    for day, story in drawn(year.random, begins, last, size):
        year.coming[day, year.random.choice((EARLY, LATE))].append(story(year))

    for number in range((ends - begins).days + 1):
        day = begins + timedelta(number)
        year.time.to(day, FIRST_RUN)
        told = await year.run()
        done = await year.go_on(day, EARLY)
        year.time.to(day, SECOND_RUN)
        if told or done:
            await year.run()
        if number % 21 == 0:
            for name in (LOCAL, REGION, HELP):
                assert await year.listed(name) == year.along(name), (day, name)
        await year.go_on(day, LATE)

    await the_same_as_the_oracle(year)
    the_year_had_everything(year, [day for day in HOLIDAYS if begins < day < last])


async def the_same_as_the_oracle(year: Year) -> None:
    rows = await year.register.rows(ReferralEscalation)
    climbed = [
        (row.referral_id, row.due_on, row.rung, row.reader, row.organisation_id, row.at) for row in rows
    ]
    assert sorted(climbed, key=str) == sorted(year.rows, key=str)
    events = [
        one
        for one in await year.register.rows(Event)
        if one.type in ("referral.overdue", "referral.escalated")
    ]
    assert (
        Counter(
            (one.type, one.subject, one.organisation_id, one.audience, one.municipality, one.at)
            for one in events
        )
        == year.events
    )
    acts = [one for one in await year.register.rows(AuditEntry) if one.act == "referral.escalate"]
    assert Counter((one.object_id, one.at) for one in acts) == Counter(
        (str(row[0]), row[5]) for row in year.rows
    )
    assert {(one.client_id, one.outcome) for one in acts} == {(None, "done")}


def the_year_had_everything(year: Year, holidays: list[date]) -> None:
    """Else the comparison would say less than it seems to."""
    climbed = {rung: [row for row in year.rows if row[2] == rung] for rung in (0, 1, 2)}
    assert len(climbed[0]) > len(climbed[1]) > len(climbed[2]) > 10
    days = {rung: {row[5].astimezone(AMSTERDAM).date() for row in climbed[rung]} for rung in climbed}
    assert any(not is_working(day) for day in days[0]), "a term until a Friday is over on Saturday"
    for holiday in holidays:
        assert any(row[1] < holiday < row[5].astimezone(AMSTERDAM).date() for row in climbed[2]), (
            f"nothing was climbing on {holiday}"
        )
