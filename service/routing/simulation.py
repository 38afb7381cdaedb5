"""What a draft would decide otherwise than the set in force, over facts that somebody gives or made-up ones. Pure.

Never over the live register: what is known there stays there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.routing.decide import CompiledRule, Decision, decide
from service.routing.facts import Facts

EXAMPLES = 3
MOST_CHANGES = 200

Both = tuple[Decision | None, Decision | None]


@dataclass(frozen=True, slots=True)
class Change:
    """Signals that one rule decided and another decides now, with another outcome; some of them as examples.

    None: no rule decides, as a draft may have it.
    """

    before: Decision | None
    after: Decision | None
    times: int
    examples: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """How many were looked at, how many would be decided otherwise, and how: the 200 most frequent ways first."""

    signals: int
    changed: int
    changes: tuple[Change, ...]


def simulate(
    signals: Iterable[Facts], before: Sequence[CompiledRule], after: Sequence[CompiledRule]
) -> Simulation:
    """Decide each signal by both sets."""
    looked_at, times = 0, Counter[Both]()
    examples: defaultdict[Both, list[Facts]] = defaultdict(list)
    for facts in signals:
        looked_at += 1
        both = _decision(facts, before), _decision(facts, after)
        if not _same(*both):
            times[both] += 1
            if len(examples[both]) < EXAMPLES:
                examples[both].append(facts)
    changes = tuple(
        Change(*both, many, tuple(examples[both])) for both, many in times.most_common(MOST_CHANGES)
    )
    return Simulation(looked_at, times.total(), changes)


def _decision(facts: Facts, rules: Sequence[CompiledRule]) -> Decision | None:
    try:
        return decide(facts, rules)
    except LookupError:
        return None


def _same(one: Decision | None, other: Decision | None) -> bool:
    """Whether the same follows for the signal; by which rule, and how that is told, is all one."""
    return _what_follows(one) == _what_follows(other)


def _what_follows(decision: Decision | None) -> tuple[object, ...]:
    if decision is None:
        return ()
    targets = tuple(each.target for each in decision.suggestions)
    advice = tuple(each.code for each in decision.advice)
    return decision.level, decision.priority, decision.due_working_days, targets, advice
