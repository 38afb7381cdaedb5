"""What rules cost: deciding by 50 of them, and the analysis of 200 with six conditions each; CPU, in this process."""

import time
from collections.abc import Callable, Sequence
from random import Random

from service.routing.analysis import analyse
from service.routing.decide import compile_rule, decide
from service.routing.rules import Rule
from service.routing.synthetic import synthetic_signals
from service.vocabulary.lists import codes
from tests.bench.results import Row, Section, written
from tests.bench.windows import Pairs, Spread, spread

SIGNALS = 5_000
LISTS = {
    "types": ("signal_type", 3),
    "settings": ("setting", 4),
    "indicators": ("indicator", 6),
    "urgency": ("urgency", 2),
    "reporterType": ("org_type", 6),
}


def rules(count: int, seed: int = 1) -> list[Rule]:
    """So many rules, the last of them the catch-all; each other has six conditions, the sixth on two attributes."""
    random = Random(seed)
    return [*(_rule(number, random) for number in range(count - 1)), _named("the-rest", {}, random)]


def what_rules_cost(times: int) -> Section:
    """The section of the results; each figure is taken so many times."""
    fifty = [compile_rule(rule) for rule in rules(50)]
    signals = list(synthetic_signals(SIGNALS, 1))
    many = rules(200)
    print("deciding by 50 rules, analysing 200")
    deciding = _cpu(times, lambda: [decide(signal, fifty) for signal in signals], each=SIGNALS / 1e6)
    analysing = _cpu(times, lambda: analyse(many))
    found = analyse(many)
    if any(one.kind == "analysis-incomplete" for one in found.findings):
        raise RuntimeError("the analysis did not come to its end")
    return Section(
        "Rules: deciding and analysing",
        ["in process: decide(facts, rules), analyse(rules)  # tests/bench/rules.py"],
        [
            Row("CPU per decision, 50 rules of six conditions", written(deciding, " µs", 1), "≤ 20 µs", ""),
            Row("CPU per analysis, 200 rules of six conditions", written(analysing, " s", 1), "≤ 10 s", ""),
        ],
        Pairs([], []),
        [
            f"{SIGNALS:,} signals of the generator, of which few match an early rule; facts are made ready within it.",
            f"The analysis comes to its end with {len(found.findings)} findings and {len(found.examples)} examples.",
        ],
    )


def _cpu(times: int, work: Callable[[], object], *, each: float = 1.0) -> Spread:
    work()
    took: list[float] = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) / each)
    return spread(took)


def _rule(number: int, random: Random) -> Rule:
    when = {name: random.sample(codes(listed), many) for name, (listed, many) in LISTS.items()}
    person = {
        "roles": random.sample(codes("person_role"), 2),
        "ageBands": random.sample(codes("age_band"), 3),
    }
    return _named(f"rule-{number}", when | {"person": person}, random)


def _named(name: str, when: object, random: Random) -> Rule:
    levels: Sequence[str] = ("LOCAL", "REGIONAL")
    then = {"contactPoint": random.choice(levels), "priority": random.choice(("HIGH", "NORMAL", "LOW"))}
    why = {"nl": "Daarom.", "en": "Therefore."}
    return Rule.model_validate({"name": name, "when": when, "then": then, "why": why, "basis": "a benchmark"})
