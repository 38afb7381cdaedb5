"""Work on rule sets stands in nobody's way: one at a time, beside the loop, ended in time, remembered."""

import asyncio
import threading
import time
from itertools import count
from typing import Any

import pytest

from service.errors import Overloaded
from service.routing import analysis, workbench
from service.routing.analysis import Analysis, analyse
from service.routing.rules import Rule
from service.routing.workbench import MOST_WAITING, Workbench
from service.vocabulary.lists import codes
from tests.support.rules import rule


def pigeons() -> list[Rule]:
    """Ten of them, and nine holes: small, and no solver tells soon that they do not fit."""
    seen, places = codes("indicator"), codes("setting")
    forms, criteria = codes("signal_type"), codes("flag_criterion")
    holes = [[("indicators", code) for code in seen[start : start + 10]] for start in range(0, 60, 10)]
    holes += [[("settings", code) for code in places[:10]], [("types", code) for code in forms[:10]]]
    holes += [
        [*(("settings", code) for code in places[10:17]), *(("flagCriteria", code) for code in criteria[:3])]
    ]
    rules = []
    for pigeon in range(10):
        sits: dict[str, Any] = {}
        for hole in holes:
            fact, code = hole[pigeon]
            sits.setdefault(fact, {"noneOf": []})["noneOf"].append(code)
        rules.append(rule(f"pigeon-{pigeon}", sits))
    number = count()
    for hole in holes:
        for pigeon in range(9):
            fact, code = hole[pigeon]
            others: dict[str, list[str]] = {}
            for other, its in hole[pigeon + 1 :]:
                others.setdefault(other, []).append(its)
            for other, its_codes in others.items():
                both: dict[str, Any] = {fact: {"allOf": [code]}}
                both.setdefault(other, {})["anyOf"] = its_codes
                rules.append(rule(f"hole-{next(number)}", both))
    return [Rule.model_validate(one) for one in rules]


async def test_the_loop_goes_on_during_a_question_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver gives the interpreter up, and is interrupted in the middle of it."""
    monkeypatch.setattr(workbench, "analyse", lambda rules: analyse(rules, seconds=1.0))
    turns = 0

    async def live() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    living = asyncio.create_task(live())
    found = await Workbench().analyse(pigeons())
    living.cancel()
    assert [one.kind for one in found.findings] == ["analysis-incomplete"]
    assert turns > 50


async def test_an_analysis_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def made_up(rules: tuple[Rule, ...]) -> Analysis:
        made.append(len(rules))
        return analysis.Analysis((), {})

    monkeypatch.setattr(workbench, "analyse", made_up)
    bench, rules = Workbench(), [Rule.model_validate(rule(f"rule-{number}", {})) for number in range(3)]
    one, other = await asyncio.gather(bench.analyse(rules), bench.analyse(list(rules)))
    assert one is other
    assert await bench.analyse(rules[:2]) is not one
    assert await bench.analyse(rules) is one
    assert made == [3, 2]


class Work:
    """Something that takes a while, and knows how many of it went on at once."""

    def __init__(self) -> None:
        self.now = self.most = self.done = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self._lock:
            self.now -= 1
            self.done += 1


async def test_there_is_one_at_a_time_also_when_those_who_asked_have_gone() -> None:
    bench, work = Workbench(), Work()
    asked = [asyncio.create_task(bench.run(work)) for _ in range(5)]
    await asyncio.sleep(0.005)
    for one in asked[:4]:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await bench.run(work)
    assert (work.most, work.done) == (1, 6)


async def test_more_than_a_few_who_wait_are_turned_away() -> None:
    bench, work = Workbench(), Work()
    answers = await asyncio.gather(
        *(bench.run(work) for _ in range(MOST_WAITING + 5)), return_exceptions=True
    )
    assert [type(one) for one in answers].count(Overloaded) == 4
    assert (work.most, work.done) == (1, MOST_WAITING + 1)


async def test_what_fails_is_told_and_the_next_has_its_turn() -> None:
    def fail() -> None:
        raise LookupError

    bench = Workbench()
    with pytest.raises(LookupError):
        await bench.run(fail)
    assert await bench.run(lambda: 7) == 7
