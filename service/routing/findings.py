"""What there is to know of a rule set: the kinds of findings, and each in words. Pure.

Errors keep a set from being activated: a rule that no signal meets (`impossible-rule`), one whose signals are all
taken by earlier rules (`covered-rule`), one that does not decide its own example (`wrong-example`), signals that no
rule takes (`no-catch-all`), a municipality whose signals would reach nobody (`no-contact-point`), a target that nobody
is (`no-organisation`), and an analysis that did not come to its end. The others are notes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from service.errors import Fault
from service.routing.facts import Facts
from service.routing.rules import RuleSetContent
from service.vocabulary.lists import label
from service.vocabulary.municipalities import municipalities
from service.wire import Sentence

Kind = Literal[
    "impossible-rule",
    "covered-rule",
    "wrong-example",
    "no-catch-all",
    "no-contact-point",
    "no-organisation",
    "analysis-incomplete",
    "overlap",
    "more-overlaps",
    "contact-point-ends",
]
NOTES: frozenset[Kind] = frozenset({"overlap", "more-overlaps", "contact-point-ends"})

LEVELS = {
    "LOCAL": ("gemeentelijk of regionaal", "local or regional"),
    "REGIONAL": ("regionaal", "regional"),
}
SENTENCES: Mapping[Kind, tuple[str, str]] = {
    "impossible-rule": (
        "Geen enkel signaal kan aan regel “{last}” voldoen.",
        "No signal can meet rule “{last}”.",
    ),
    "covered-rule": (
        "Regel “{last}” beslist nooit: over elk signaal dat eraan voldoet is al beslist door {others}.",
        "Rule “{last}” never decides: every signal that meets it is taken by {others}.",
    ),
    "wrong-example": (
        "Regel “{last}” beslist niet over haar eigen voorbeeld.",
        "Rule “{last}” does not decide its own example.",
    ),
    "no-catch-all": (
        "Er zijn signalen waarover geen regel beslist.",
        "There are signals about which no rule decides.",
    ),
    "no-contact-point": (
        "{municipality} heeft geen {level} meldpunt{circle}.",
        "{municipality} has no {level} contact point{circle}.",
    ),
    "no-organisation": (
        "Niemand is {target}{circle}.",
        "Nobody is {target}{circle}.",
    ),
    "analysis-incomplete": (
        "De analyse was niet op tijd klaar: maak de regels eenvoudiger.",
        "The analysis did not finish in time: make the rules simpler.",
    ),
    "overlap": (
        "Een signaal kan aan {others} en aan “{last}” voldoen; dan beslist {others}.",
        "A signal can meet {others} and “{last}”; then {others} decides.",
    ),
    "more-overlaps": ("Er zijn nog meer overlappingen.", "There are more overlaps."),
    "contact-point-ends": (
        "{municipality} heeft vanaf {until} geen {level} meldpunt meer{circle}.",
        "{municipality} has no {level} contact point any more from {until} on{circle}.",
    ),
}
CIRCLE = " onder werkafspraak {}", " in working agreement {}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know of a rule set; `rules` are those concerned, the one that wins first.

    `example` is a signal that shows it; of what is impossible there is none. `agreement`: in which working agreement,
    None: in the whole register. `until`: the first day that it is so.
    """

    kind: Kind
    rules: tuple[str, ...] = ()
    example: Facts | None = None
    municipality: str | None = None
    level: str | None = None
    target: str | None = None
    agreement: UUID | None = None
    until: date | None = None

    @property
    def is_error(self) -> bool:
        return self.kind not in NOTES

    @property
    def told(self) -> Sentence:
        """The finding as a sentence."""
        dutch, english = SENTENCES[self.kind]
        return Sentence(nl=dutch.format(**self._parts("nl")), en=english.format(**self._parts("en")))

    def _parts(self, language: str) -> Mapping[str, object]:
        *others, last = self.rules or ("",)
        which = ("nl", "en").index(language)
        return {
            "last": last,
            "others": ", ".join(f"“{other}”" for other in others),
            "municipality": municipalities()[self.municipality].name if self.municipality else "",
            "level": LEVELS[self.level][which] if self.level else "",
            "target": label("referral_target", self.target, language) if self.target else "",
            "circle": CIRCLE[which].format(self.agreement) if self.agreement else "",
            "until": self.until,
        }


def faults_in(findings: Sequence[Finding], content: RuleSetContent) -> list[Fault]:
    """The errors among findings, each at its places in the set."""
    return [
        Fault(pointer, finding.kind, finding.told.en)
        for finding in findings
        if finding.is_error
        for pointer in _pointers(finding, content)
    ]


def _pointers(finding: Finding, content: RuleSetContent) -> list[str]:
    places = {rule.name: place for place, rule in enumerate(content.rules)}
    if finding.municipality is not None:
        return [f"/municipalities/{content.municipalities.index(finding.municipality)}"]
    if finding.target is not None:
        return [_suggested(places[name], finding.target, content) for name in finding.rules]
    return [f"/rules/{places[finding.rules[-1]]}" if finding.rules else "/rules"]


def _suggested(place: int, target: str, content: RuleSetContent) -> str:
    targets = [suggestion.target for suggestion in content.rules[place].then.suggest]
    return f"/rules/{place}/then/suggest/{targets.index(target)}"
