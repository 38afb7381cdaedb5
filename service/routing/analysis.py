"""What is wrong with a rule set, exactly: over every signal that there can be, each finding with an example. Pure.

Finds rules that never decide, or not about their own example, signals that no rule takes, and overlaps that change the
outcome. Each example is decided again by `decide`'s own rules before it is told. Whether anybody is there to be
referred to, `reach` tells.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

from service.routing.decide import CompiledRule, compile_rule
from service.routing.encoding import Encoding, OutOfTime
from service.routing.facts import Facts, PersonFacts
from service.routing.findings import Finding
from service.routing.rules import Rule
from service.routing.space import Space, every_signal

MOST_SECONDS = 10.0
MOST_OVERLAPS = 200


@dataclass(frozen=True)
class Analysis:
    """The findings, errors first, and for each rule that ever decides a small signal about which it does."""

    findings: Sequence[Finding]
    examples: Mapping[str, Facts]


def analyse(rules: Sequence[Rule], space: Space | None = None, *, seconds: float = MOST_SECONDS) -> Analysis:
    """Every finding; `analysis-incomplete` among them where there was no time for all."""
    found: list[Finding] = []
    examples: dict[str, Facts] = {}
    try:
        compiled = [compile_rule(rule) for rule in rules]
        with Encoding(space or every_signal(), compiled, seconds=seconds) as signals:
            work = _Work(rules, compiled, signals)
            for each in (work.dead_rules, work.wrong_examples, work.untaken, work.overlaps):
                found += each()
            examples.update(work.deciding())
    except OutOfTime:
        found.append(Finding("analysis-incomplete"))
    return Analysis(sorted(found, key=lambda finding: not finding.is_error), examples)


class _Work:
    """One rule set with its formula."""

    def __init__(self, rules: Sequence[Rule], compiled: Sequence[CompiledRule], signals: Encoding) -> None:
        self._rules, self._compiled, self._signals = rules, compiled, signals
        self._dead: set[int] = set()

    def dead_rules(self) -> Iterator[Finding]:
        """Rules that never decide: because nothing meets them, or because earlier ones take whatever does."""
        for number, rule in enumerate(self._rules):
            meets = self._signals.matches[number]
            if self._signals.example(meets) is None:
                self._dead.add(number)
                yield Finding("impossible-rule", (rule.name,))
            elif self._signals.example(meets, *self._no_earlier(number)) is None:
                self._dead.add(number)
                takers = self._takers(number)
                yield Finding(
                    "covered-rule",
                    (*(self._rules[taker].name for taker in takers), rule.name),
                    self._met_by(number),
                )

    def wrong_examples(self) -> Iterator[Finding]:
        """Rules that do not decide the signal that they are meant to."""
        for number, rule in enumerate(self._rules):
            if rule.example is not None and not self._is_decided_by(number, rule.example.facts):
                yield Finding("wrong-example", (rule.name,), rule.example.facts)

    def untaken(self) -> Iterator[Finding]:
        """A signal that no rule takes."""
        example = self._signals.example(*self._no_earlier(len(self._rules)))
        if example is not None:
            shown = _shrunk(example, lambda facts: self._decided_by(facts) is None)
            yield Finding("no-catch-all", example=shown)

    def deciding(self) -> Iterator[tuple[str, Facts]]:
        """For each rule that ever decides, a small signal about which it does."""
        for number in self._alive():
            example = self._signals.example(self._signals.matches[number], *self._no_earlier(number))
            if example is not None:
                decides = partial(self._is_decided_by, number)
                yield self._rules[number].name, _shrunk(example, decides)

    def overlaps(self) -> Iterator[Finding]:
        """Pairs of rules that meet in a signal which the first decides, and the second would decide otherwise.

        After many of them that there are more: nobody reads on.
        """
        for number, overlap in enumerate(self._meetings()):
            if number == MOST_OVERLAPS:
                yield Finding("more-overlaps")
                return
            yield overlap

    def _meetings(self) -> Iterator[Finding]:
        for first, second in combinations(self._alive(), 2):
            one, other = self._rules[first], self._rules[second]
            if other.when.is_empty or one.then == other.then:
                continue
            meet = self._signals.matches[first], self._signals.matches[second]
            example = self._signals.example(*meet, *self._no_earlier(first))
            if example is not None:
                shown = _shrunk(example, partial(self._is_won, first, second))
                yield Finding("overlap", (one.name, other.name), shown)

    def _alive(self) -> list[int]:
        return [number for number in range(len(self._rules)) if number not in self._dead]

    def _is_decided_by(self, number: int, facts: Facts) -> bool:
        return self._decided_by(facts) == number

    def _is_won(self, first: int, second: int, facts: Facts) -> bool:
        return self._matches(second, facts) and self._decided_by(facts) == first

    def _no_earlier(self, number: int) -> list[int]:
        return [-matches for matches in self._signals.matches[:number]]

    def _takers(self, number: int) -> list[int]:
        """A few earlier rules that together take every signal of this one; none of them can be left out."""
        meets, earlier = self._signals.matches[number], self._signals.matches[:number]
        core = self._signals.culprits()
        takers = [taker for taker, matches in enumerate(earlier) if -matches in core]
        for taker in [*takers]:
            others = [one for one in takers if one != taker]
            if self._signals.example(meets, *(-earlier[one] for one in others)) is None:
                takers = others
        return takers

    def _met_by(self, number: int) -> Facts | None:
        """A small signal that a rule matches."""
        example = self._signals.example(self._signals.matches[number])
        return example and _shrunk(example, lambda facts: self._matches(number, facts))

    def _decided_by(self, facts: Facts) -> int | None:
        signal, persons = facts.atoms(), [person.atoms() for person in facts.persons]
        matching = (number for number, rule in enumerate(self._compiled) if rule.matches(signal, persons))
        return next(matching, None)

    def _matches(self, number: int, facts: Facts) -> bool:
        return self._compiled[number].matches(facts.atoms(), [person.atoms() for person in facts.persons])


def _shrunk(example: Facts, shows: Callable[[Facts], bool]) -> Facts:
    """The example without whatever it does not need; raises `AssertionError` where it does not show it at all."""
    if not shows(example):
        raise AssertionError("the formula and the rules do not agree")
    for shorten in _ways_to_shorten(example):
        shorter = shorten(example)
        if shows(shorter):
            example = shorter
    return example


def _ways_to_shorten(facts: Facts) -> Iterator[Callable[[Facts], Facts]]:
    """A way for everything that a signal can be without; of its primary type, for what can take its place."""
    yield from (partial(_led_by, code) for code in sorted(facts.types - {facts.primary_type}))
    yield from (partial(_without_person, person) for person in facts.persons)
    for fact in ("types", "settings", "indicators", "flag_criteria"):
        yield from (partial(_without_code, fact, code) for code in sorted(getattr(facts, fact)))
    yield lambda left: replace(left, urgency=None)
    yield lambda left: replace(left, flag=None)


def _led_by(code: str, facts: Facts) -> Facts:
    return replace(facts, primary_type=code, types=facts.types - {facts.primary_type})


def _without_person(person: PersonFacts, facts: Facts) -> Facts:
    return replace(facts, persons=tuple(one for one in facts.persons if one != person))


def _without_code(fact: str, code: str, facts: Facts) -> Facts:
    left: dict[str, Any] = {fact: getattr(facts, fact) - {code}}
    return facts if code == facts.primary_type else replace(facts, **left)
