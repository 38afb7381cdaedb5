"""The queue as a state machine: many clients, lapses, crashes and jumps of the clock, on both databases.

Hypothesis chooses the acts; the model beside the register (`queue_model`) foretells each, and the rules of the queue
(`queue_rules`) hold after each: no referral lost, none held twice, none open without a deadline, every move of the
table reached, every other refused. `FAULTS=heavy` looks much longer.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from service.referrals.states import MOVES, Move, State
from tests.support.queue_acts import QueueActs, modelled, working
from tests.support.queue_model import (
    CLIENTS,
    HALT,
    HELMOND,
    IN_REGION,
    IN_TOWN,
    JOBS,
    PATHS,
    RECIPIENTS,
    REGION,
    SECOND,
    VEILIG_THUIS,
    Cut,
    Expected,
    KnownSignal,
)
from tests.support.register import Templates, apart

HEAVY = os.environ.get("FAULTS") == "heavy"
RUNS, ACTS = (300, 60) if HEAVY else (10, 25)
STATES = ("WAITING", "CLAIMED", "ACCEPTED", "FORWARDED", "RETURNED", "CLOSED", "WITHDRAWN", "EXPIRED")
Draw = Callable[..., Any]
OVER_A_YEAR = 430  # what is registered is kept for twelve months

ANY = st.integers(0, 63)
OFF = st.sampled_from((0, 0, 0, 0, 0, 0, 0, -1, 1))
CUTS = st.one_of(st.just(Cut()), st.builds(Cut, statement=st.integers(1, 16), caller_goes=st.booleans()))
CUT = st.one_of(st.none(), st.none(), st.none(), st.none(), CUTS)
PLACE = st.sampled_from((IN_TOWN, IN_TOWN, IN_REGION))
CLIENT = st.sampled_from(tuple(CLIENTS))
TOGETHER = st.sampled_from(((HELMOND, SECOND), (SECOND, SECOND, HELMOND), (REGION, REGION)))
POINT = st.sampled_from((HELMOND, REGION, "contact-point-ede"))
MORE = st.sampled_from(({}, {}, {}, {"permission": True}, {"twice": True}))
SECONDS = st.sampled_from((60, 60, 901, 901, 20_000, 86_400, 9 * 86_400, -90, OVER_A_YEAR * 86_400))
# What somebody who works a queue would do next.
NEXT: dict[str, tuple[Move, ...]] = {
    "CLAIMED": ("accept", "accept", "accept", "accept", "return", "release", "renew", "ask"),
    "ACCEPTED": ("forward", "forward", "forward", "close", "return", "assign", "ask"),
    "FORWARDED": ("forward", "forward", "recall", "ask"),
}
# One rule that chooses among these: hypothesis leaves whole rules out of a run, and would hardly get anywhere.
ACTS_BY_WEIGHT = (
    *("work",) * 16,
    *("post", "correct", "withdraw", "claim", "claim_together", "claim_again", "lapse"),
    *("step", "step", "answer", "answer", "answer", "place", "place", "jump", "jump", "run_job"),
)


class QueueMachine(RuleBasedStateMachine):
    """Acts in any order, on a register of its own and in a loop of its own."""

    def __init__(
        self,
        enter: Callable[[AsyncExitStack], Coroutine[Any, Any, QueueActs]],
        reached: set[tuple[str, str]],
    ) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.acts = self.runner.run(enter(self.stack))
        self.reached = reached

    def teardown(self) -> None:
        self.reached |= self.acts.taken
        try:
            self.runner.run(self.acts.nothing_is_lost())
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()

    def do(self, act: Coroutine[Any, Any, None]) -> None:
        self.runner.run(act)

    @initialize()
    def begin(self) -> None:
        for place in (IN_TOWN, IN_REGION):
            self.do(self.acts.post(place))

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        getattr(self, data.draw(st.sampled_from(ACTS_BY_WEIGHT), "act"))(data.draw)

    def work(self, draw: Draw) -> None:
        """Go on with something that is open, mostly the newest: what is far along stays in sight."""
        still_open = [one for one in reversed(self.acts.referrals) if one.open]
        if not still_open:
            return self.post(draw)
        one = still_open[draw(ANY) % len(still_open)]
        if one.queue is None:
            return self.do(self.acts.place(one, draw(POINT), cut=draw(CUT)))
        if one.status == "WAITING":
            return self.do(self.acts.claim(working(one), limit=5, cut=draw(CUT)))
        move, to = draw(st.sampled_from(NEXT[one.status])), draw(st.sampled_from(RECIPIENTS))
        return self.do(self.acts.step(working(one), one, move, to=to, cut=draw(CUT), **draw(MORE)))

    def step(self, draw: Draw) -> None:
        """Any step, by anybody, on anything."""
        one = self.acts.referrals[draw(ANY) % len(self.acts.referrals)]
        move, to = draw(st.sampled_from(tuple(PATHS))), draw(st.sampled_from(RECIPIENTS))
        self.do(self.acts.step(draw(CLIENT), one, move, off=draw(OFF), to=to, cut=draw(CUT), **draw(MORE)))

    def post(self, draw: Draw) -> None:
        self.do(self.acts.post(draw(PLACE)))

    def known(self, draw: Draw) -> KnownSignal:
        return self.acts.signals[-1 - draw(ANY) % len(self.acts.signals)]

    def correct(self, draw: Draw) -> None:
        self.do(self.acts.change_signal(self.known(draw), draw(PLACE), off=draw(OFF), cut=draw(CUT)))

    def withdraw(self, draw: Draw) -> None:
        self.do(self.acts.change_signal(self.known(draw), None, off=draw(OFF), cut=draw(CUT)))

    def answer(self, draw: Draw) -> None:
        asked = [one.signal for one in self.acts.referrals if "ask" in one.moves]
        known = [known for known in self.acts.signals if known.id in asked] or self.acts.signals
        self.do(self.acts.answer(known[draw(ANY) % len(known)], which=draw(ANY), cut=draw(CUT)))

    def claim(self, draw: Draw) -> None:
        self.do(self.acts.claim(draw(CLIENT), limit=draw(st.integers(1, 3)), cut=draw(CUT)))

    def claim_together(self, draw: Draw) -> None:
        self.do(self.acts.claim_together(draw(TOGETHER), draw(st.integers(1, 3))))

    def claim_again(self, draw: Draw) -> None:
        """The answer was lost on the wire."""
        if self.acts.claims:
            known = self.acts.claims[-1 - draw(ANY) % len(self.acts.claims)]
            limit = known.limit + draw(st.sampled_from((0, 0, 0, 1)))
            self.do(self.acts.claim(known.client, limit=limit, again=known, cut=draw(CUT)))

    def place(self, draw: Draw) -> None:
        one = self.acts.referrals[draw(ANY) % len(self.acts.referrals)]
        self.do(self.acts.place(one, draw(POINT), off=draw(OFF), cut=draw(CUT)))

    def jump(self, draw: Draw) -> None:
        self.acts.jump(seconds=draw(SECONDS))

    def lapse(self, draw: Draw) -> None:
        self.acts.jump(seconds=901)
        self.do(self.acts.run_job("lapse"))

    def run_job(self, draw: Draw) -> None:
        self.do(self.acts.run_job(draw(st.sampled_from(tuple(JOBS)))))


def test_whatever_is_done_the_queue_stays_whole(
    engine: str, templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def enter(stack: AsyncExitStack) -> QueueActs:
        url = stack.enter_context(templates.copy(engine))
        return await stack.enter_async_context(modelled(url, templates.loaded[engine], tmp_path, monkeypatch))

    few = settings(
        max_examples=RUNS,
        stateful_step_count=ACTS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if HEAVY else (Phase.generate,),  # shrinking takes minutes
        suppress_health_check=list(HealthCheck),
    )
    reached: set[tuple[str, str]] = set()
    apart(lambda: run_state_machine_as_test(lambda: QueueMachine(enter, reached), settings=few))
    assert reached == set(MOVES) or not HEAVY


async def in_state(acts: QueueActs, state: State, *, child: bool = False) -> Expected:
    """A new referral in this state, by the shortest way; or one that was forwarded to a recipient."""
    known = await acts.post(IN_TOWN)
    one = acts.referrals[-1]
    if child:
        await come(acts, one, "ACCEPTED")
        await acts.step(HELMOND, one, "forward", to=HALT)
        one = acts.referrals[-1]
    await come(acts, one, state)
    if state == "WITHDRAWN":
        await acts.change_signal(known, None)
    assert one.status == state
    return one


async def come(acts: QueueActs, one: Expected, state: State) -> None:
    """Lead a waiting referral to a state."""
    who = working(one)
    if state in ("CLAIMED", "ACCEPTED", "FORWARDED", "RETURNED", "CLOSED"):
        await acts.claim(who, limit=50)
    if state in ("ACCEPTED", "FORWARDED", "CLOSED"):
        await acts.step(who, one, "accept")
    if state == "FORWARDED":
        await acts.step(who, one, "forward", to=HALT)
    if state == "RETURNED":
        await acts.step(who, one, "return")
    if state == "CLOSED":
        await acts.step(who, one, "close")
    if state == "EXPIRED":
        acts.jump(days=OVER_A_YEAR)
        await acts.run_job("expire")


async def test_every_move_of_the_table_is_reached_and_every_other_refused(
    engine: str, database_url: str, templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with modelled(database_url, templates.loaded[engine], tmp_path, monkeypatch) as acts:
        for state in STATES:
            stays = await in_state(acts, state)
            for move in PATHS:
                one = stays if (state, move) not in MOVES else await in_state(acts, state)
                to = {"forward": VEILIG_THUIS, "recall": HALT}.get(move, "")
                await acts.step(working(one), one, move, to=to)
        assert acts.refused == {
            (state, move) for state in STATES for move in PATHS if (state, move) not in MOVES
        }
        await by_others_than_its_holder(acts)
        assert acts.taken == set(MOVES)
        await acts.nothing_is_lost()


async def by_others_than_its_holder(acts: QueueActs) -> None:
    """The moves that no holder takes: of the reporter, the administration, the recipient and the clock."""
    for state in ("WAITING", "CLAIMED", "ACCEPTED", "FORWARDED"):
        for act in ("answer", "correct", "withdraw", "expire"):
            one = await in_state(acts, state)
            known = next(known for known in acts.signals if known.id == one.signal)
            if act == "answer":
                await asked_while(acts, one, state)
                await acts.answer(known)
            elif act == "expire":
                acts.jump(days=OVER_A_YEAR)
                await acts.run_job("expire")
            else:
                await acts.change_signal(known, IN_TOWN if act == "correct" else None)
    one = await in_state(acts, "CLAIMED")
    acts.jump(seconds=901)
    await acts.run_job("lapse")
    assert one.status == "WAITING"
    await lost_on_the_wire(acts)
    await one_of_two_children_ends(acts)
    child = await in_state(acts, "CLOSED", child=True)
    assert acts.by_id(str(child.parent)).moves[-1] == "resume"
    await acts.post(IN_REGION)
    await acts.claim(REGION)
    await acts.step(REGION, acts.referrals[-1], "return")
    await acts.place(acts.referrals[-1], HELMOND)
    assert acts.referrals[-1].moves == ["place"]


async def lost_on_the_wire(acts: QueueActs) -> None:
    """A claim that is asked for again, also when the same client has claimed the same once more since."""
    one = await in_state(acts, "CLAIMED")
    first = acts.claims[-1]
    await acts.claim(HELMOND, limit=first.limit, again=first)
    await acts.step(HELMOND, one, "release")
    await acts.claim(HELMOND, limit=first.limit)
    assert one.holder == HELMOND
    await acts.claim(HELMOND, limit=first.limit, again=first)
    await acts.step(HELMOND, one, "release")


async def one_of_two_children_ends(acts: QueueActs) -> None:
    """The parent waits for the last."""
    one = await in_state(acts, "FORWARDED")
    await acts.step(HELMOND, one, "forward", to=VEILIG_THUIS)
    for client, state in ((HALT, "FORWARDED"), (VEILIG_THUIS, "ACCEPTED")):
        await acts.claim(client, limit=50)
        child = next(child for child in acts.children(one) if child.queue == client)
        await acts.step(client, child, "return")
        assert one.status == state


async def asked_while(acts: QueueActs, one: Expected, state: State) -> None:
    """A question about a referral, which is then in this state again."""
    if state == "WAITING":
        await acts.claim(HELMOND, limit=50)
    await acts.step(working(one), one, "ask")
    if state == "WAITING":
        await acts.step(working(one), one, "release")
