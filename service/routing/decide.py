"""Which rule decides about a signal: the first one that matches.

Intake calls `decide` for every signal, simulation and analysis for made-up ones. The facts hold codes only,
never a pseudonym or a date; the same facts under the same rules always give the same decision. Who handles
the signal is not decided here but in `resolve`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from service.routing.choices import Choice, MultiChoice
from service.routing.facts import Atoms, Facts
from service.routing.rules import Advice, Level, Priority, Rule, RuleSetContent, Suggestion
from service.wire import Text, Wire


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule decides. The explanation is the rule's own: nothing in it comes from the signal."""

    rule: str
    level: Level
    priority: Priority
    due_working_days: int | None
    suggestions: tuple[Suggestion, ...]
    advice: tuple[Advice, ...]
    explanation: Text

    def as_json(self) -> dict[str, Any]:
        """The part that reporter and contact point read: rule, explanation, suggestions and advice."""
        return {
            "rule": self.rule,
            "explanation": _both_languages(self.explanation),
            "suggestions": [
                {"target": each.target, "why": _both_languages(each.why)} for each in self.suggestions
            ],
            "advice": [{"code": each.code, "text": _both_languages(each.text)} for each in self.advice],
        }


@dataclass(frozen=True, slots=True)
class Clause:
    """Conditions as sets of atoms: one of each `any_of`, all of `all_of`, none of `none_of`."""

    any_of: tuple[Atoms, ...]
    all_of: Atoms
    none_of: Atoms

    def holds(self, atoms: Atoms) -> bool:
        for choice in self.any_of:  # not any(): that takes half as long again
            if choice.isdisjoint(atoms):
                return False
        return self.all_of <= atoms and self.none_of.isdisjoint(atoms)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to be compared: what must hold for the signal, and for one and the same person."""

    signal: Clause
    person: Clause | None
    decision: Decision

    def matches(self, signal: Atoms, persons: Iterable[Atoms]) -> bool:
        return self.signal.holds(signal) and (self.person is None or any(map(self.person.holds, persons)))


def compile_rules(content: RuleSetContent) -> tuple[CompiledRule, ...]:
    """The rules in their order, prepared once for many signals."""
    return tuple(map(compile_rule, content.rules))


def compile_rule(rule: Rule) -> CompiledRule:
    """A rule prepared for many signals."""
    return CompiledRule(
        signal=_clause(rule.when),
        person=_clause(rule.when.person) if rule.when.person else None,
        decision=Decision(
            rule=rule.name,
            level=rule.then.contact_point,
            priority=rule.then.priority,
            due_working_days=rule.then.due_working_days,
            suggestions=rule.then.suggest,
            advice=rule.then.advise,
            explanation=rule.why,
        ),
    )


def decide(facts: Facts, rules: Iterable[CompiledRule]) -> Decision:
    """The decision of the first rule that matches; LookupError when none does (a set without catch-all)."""
    signal = facts.atoms()
    persons = [person.atoms() for person in facts.persons]
    for rule in rules:
        if rule.matches(signal, persons):
            return rule.decision
    raise LookupError("the rule set has no catch-all: no rule matches this signal")


def _both_languages(text: Text) -> dict[str, str]:
    return {"nl": text.nl, "en": text.en}


def _clause(conditions: Wire) -> Clause:
    choices = [(fact, choice) for fact, choice in conditions if isinstance(choice, Choice)]
    multiple = [(fact, choice) for fact, choice in choices if isinstance(choice, MultiChoice)]
    return Clause(
        any_of=tuple(_atoms(fact, choice.any_of) for fact, choice in choices if choice.any_of),
        all_of=frozenset().union(*(_atoms(fact, choice.all_of) for fact, choice in multiple)),
        none_of=frozenset().union(*(_atoms(fact, choice.none_of) for fact, choice in choices)),
    )


def _atoms(fact: str, codes: Iterable[str] | None) -> Atoms:
    return frozenset(f"{fact}={code}" for code in codes or ())
