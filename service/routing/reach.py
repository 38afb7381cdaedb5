"""Whether those whom a rule set sends signals to, or suggests, are there at all. Pure.

A signal stays within its reporter's working agreement: so each is looked at by itself, besides the whole register.
Called by the analysis, at activation, by a job, and before anything that a rule set may need is ended.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from uuid import UUID

from service.routing.coverage import Post, first_gap
from service.routing.facts import Facts
from service.routing.findings import Finding
from service.routing.rules import RuleSetContent
from service.routing.targets import TYPES_OF_TARGET

Examples = Mapping[str, Facts]
NO_EXAMPLES: Examples = {}


@dataclass(frozen=True)
class Circle:
    """Whom a signal can reach: the parties of an agreement, or without one every organisation that has not ended.

    `municipalities` are those of the agreement; None: all. `members` are the parties with their kinds.
    """

    agreement: UUID | None
    municipalities: frozenset[str] | None
    members: Mapping[UUID, str]

    @cached_property
    def types(self) -> frozenset[str]:
        return frozenset(self.members.values())

    def covers(self, municipality: str) -> bool:
        return self.municipalities is None or municipality in self.municipalities


@dataclass(frozen=True)
class Surroundings:
    """The whole register, each agreement, and the contact points that serve on a day or later."""

    everybody: Circle
    agreements: Sequence[Circle]
    posts: Sequence[Post]
    day: date

    def without(self, organisation: UUID) -> "Surroundings":
        """As they would be if an organisation ended."""

        def left(circle: Circle) -> Circle:
            members = {id_: kind for id_, kind in circle.members.items() if id_ != organisation}
            return replace(circle, members=members)

        posts = [post for post in self.posts if post.organisation_id != organisation]
        return Surroundings(left(self.everybody), list(map(left, self.agreements)), posts, self.day)


def unreached(
    content: RuleSetContent, around: Surroundings, examples: Examples = NO_EXAMPLES
) -> list[Finding]:
    """What cannot be reached from a day on; `examples` has for each rule a signal that it decides."""
    return [
        *_without_contact_point(content, around, examples),
        *_without_organisation(content, around, examples),
    ]


def lost(before: Iterable[Finding], after: Iterable[Finding]) -> list[Finding]:
    """What is unreached after a change, and was not, or not so soon, before it."""
    known = {_about(finding): finding.until for finding in before}
    return [
        finding
        for finding in after
        if _about(finding) not in known or (finding.until or date.max) < (known[_about(finding)] or date.max)
    ]


def _about(finding: Finding) -> tuple[object, ...]:
    return finding.municipality, finding.level, finding.target, finding.agreement


def _without_contact_point(
    content: RuleSetContent, around: Surroundings, examples: Examples
) -> Iterator[Finding]:
    """A finding for each municipality, level and circle that nobody serves, where it is sooner than for everybody."""
    for level in sorted({rule.then.contact_point for rule in content.rules}):
        rules = [rule.name for rule in content.rules if rule.then.contact_point == level]
        shown = next((name for name in rules if name in examples), rules[0])
        for municipality in content.municipalities:
            serving = [post for post in around.posts if post.serves(level, municipality)]
            for circle, gap in _gaps(serving, municipality, around):
                yield Finding(
                    "no-contact-point" if gap == around.day else "contact-point-ends",
                    (shown,),
                    examples.get(shown),
                    municipality=municipality,
                    level=level,
                    agreement=circle.agreement,
                    until=gap,
                )


def _gaps(serving: Sequence[Post], municipality: str, around: Surroundings) -> Iterator[tuple[Circle, date]]:
    """The circles in which nobody serves a municipality from a day on."""
    everywhere = first_gap((post for post in serving), around.day)
    if everywhere is not None:
        yield around.everybody, everywhere
    for circle in around.agreements:
        if circle.covers(municipality):
            gap = first_gap((post for post in serving if post.organisation_id in circle.members), around.day)
            if gap is not None and gap != everywhere:
                yield circle, gap


def _without_organisation(
    content: RuleSetContent, around: Surroundings, examples: Examples
) -> Iterator[Finding]:
    """A finding for each target and circle in which nobody is that; where nobody is at all, only this."""
    suggesting: dict[str, list[str]] = {}
    for rule in content.rules:
        for suggestion in rule.then.suggest:
            suggesting.setdefault(suggestion.target, []).append(rule.name)
    concerned = [circle for circle in around.agreements if any(map(circle.covers, content.municipalities))]
    for target, rules in suggesting.items():
        possible = TYPES_OF_TARGET.get(target)
        if possible is None:
            continue
        example = next((examples[name] for name in rules if name in examples), None)
        circles = concerned if around.everybody.types & possible else [around.everybody]
        for circle in circles:
            if circle.types.isdisjoint(possible):
                yield Finding(
                    "no-organisation", tuple(rules), example, target=target, agreement=circle.agreement
                )
