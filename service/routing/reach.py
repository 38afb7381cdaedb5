"""Whether those whom a rule set sends signals to, or suggests, are there at all. Pure.

A signal stays within its reporter's working agreement: so each is looked at by itself, besides the whole register.
Called by the analysis and at activation, with what is agreed on the first day of the set.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from service.routing.coverage import Post, first_gap
from service.routing.facts import Facts
from service.routing.findings import Finding
from service.routing.rules import RuleSetContent
from service.routing.targets import TYPES_OF_TARGET

Examples = Mapping[str, Facts]


@dataclass(frozen=True, slots=True)
class Circle:
    """Whom a signal can reach: the parties of an agreement, or without one every organisation that has not ended.

    `municipalities` are those of the agreement; None: all. `types` are the kinds of organisation among the parties.
    """

    agreement: UUID | None
    municipalities: frozenset[str] | None
    parties: frozenset[UUID]
    types: frozenset[str]

    def covers(self, municipality: str) -> bool:
        return self.municipalities is None or municipality in self.municipalities


def unreached(
    content: RuleSetContent, circles: Sequence[Circle], posts: Sequence[Post], day: date, examples: Examples
) -> list[Finding]:
    """What cannot be reached from a day on; `examples` has for each rule a signal that it decides."""
    return [
        *_without_contact_point(content, circles, posts, day, examples),
        *_without_organisation(content, circles, examples),
    ]


def _without_contact_point(
    content: RuleSetContent, circles: Sequence[Circle], posts: Sequence[Post], day: date, examples: Examples
) -> Iterator[Finding]:
    """A finding for each municipality, level and circle in which nobody serves it; one, where nobody does at all."""
    for level in sorted({rule.then.contact_point for rule in content.rules}):
        rules = [rule.name for rule in content.rules if rule.then.contact_point == level]
        shown = next((name for name in rules if name in examples), rules[0])
        for municipality in content.municipalities:
            serving = [post for post in posts if post.serves(level, municipality)]
            for circle in circles:
                if not circle.covers(municipality):
                    continue
                gap = first_gap((post for post in serving if post.organisation_id in circle.parties), day)
                if gap is not None:
                    yield Finding(
                        "no-contact-point" if gap == day else "contact-point-ends",
                        (shown,),
                        examples.get(shown),
                        municipality=municipality,
                        level=level,
                        agreement=circle.agreement,
                        until=gap,
                    )
                    if circle.agreement is None:
                        break


def _without_organisation(
    content: RuleSetContent, circles: Sequence[Circle], examples: Examples
) -> Iterator[Finding]:
    """A finding for each suggestion and circle in which nobody is the target; one, where nobody is at all."""
    concerned = [circle for circle in circles if any(map(circle.covers, content.municipalities))]
    for rule in content.rules:
        for suggestion in rule.then.suggest:
            possible = TYPES_OF_TARGET.get(suggestion.target)
            for circle in concerned:
                if possible is not None and circle.types.isdisjoint(possible):
                    yield Finding(
                        "no-organisation",
                        (rule.name,),
                        examples.get(rule.name),
                        target=suggestion.target,
                        agreement=circle.agreement,
                    )
                    if circle.agreement is None:
                        break
