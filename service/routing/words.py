"""A rule set in words, and what changed between two: in Dutch and English, with the labels of the code lists. Pure.

For whoever puts a set in force and did not write it. Called by the reads of rule sets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from service.routing.choices import ABSENT, Choice, MultiChoice
from service.routing.rules import Conditions, Outcome, Rule, RuleSetContent
from service.vocabulary.lists import label
from service.vocabulary.municipalities import municipalities
from service.wire import Sentence

Told = TypeVar("Told")
# Of each condition: its code list, and its name in both languages.
CONDITIONS: Mapping[str, tuple[str, str, str]] = {
    "types": ("signal_type", "vorm", "form"),
    "primary_type": ("signal_type", "hoofdvorm", "primary form"),
    "settings": ("setting", "plaats", "setting"),
    "indicators": ("indicator", "gezien signaal", "indicator seen"),
    "urgency": ("urgency", "urgentie", "urgency"),
    "flag": ("severity_flag", "vlag", "flag"),
    "flag_criteria": ("flag_criterion", "criterium van de vlag", "criterion of the flag"),
    "reporter_type": ("org_type", "melder", "reporter"),
    "roles": ("person_role", "rol", "role"),
    "age_bands": ("age_band", "leeftijd", "age"),
    "genders": ("gender", "geslacht", "gender"),
    "victim_statuses": ("victim_status", "slachtofferschap", "victim status"),
}
LANGUAGES = ("nl", "en")
PHRASES: Mapping[str, tuple[str, str]] = {
    "any_of": ("een van", "one of"),
    "all_of": ("alle van", "all of"),
    "none_of": ("geen van", "none of"),
    ABSENT: ("niet ingevuld", "left out"),
    "person": ("een persoon met", "one person with"),
    "everything": ("elk signaal", "every signal"),
    "LOCAL": ("gemeentelijk meldpunt", "local contact point"),
    "REGIONAL": ("regionaal meldpunt", "regional contact point"),
    "HIGH": ("hoge prioriteit", "high priority"),
    "NORMAL": ("gewone prioriteit", "normal priority"),
    "LOW": ("lage prioriteit", "low priority"),
    "days": ("werkdagen", "working days"),
    "agreed": ("termijn van de afspraken", "term of the agreement"),
    "suggests": ("denk aan", "think of"),
    "advises": ("advies", "advice"),
}
# What happened to a set, a rule or a municipality, with the places of its parts.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "title": ("De titel was “{0}” en wordt “{1}”.", "The title was “{0}” and becomes “{1}”."),
    "municipality-added": ("{0} komt erbij.", "{0} is added."),
    "municipality-removed": ("{0} valt af.", "{0} is taken out."),
    "added": (
        "Regel “{0}” komt erbij op plaats {1}. Bij: {2}. Dan: {3}.",
        "Rule “{0}” is added at place {1}. For: {2}. Then: {3}.",
    ),
    "removed": ("Regel “{0}” op plaats {1} vervalt.", "Rule “{0}” at place {1} is taken out."),
    "moved": ("Regel “{0}” gaat van plaats {1} naar {2}.", "Rule “{0}” moves from place {1} to {2}."),
    "when": (
        "Regel “{0}” geldt nu bij: {2}. Dat was: {1}.",
        "Rule “{0}” now holds for: {2}. That was: {1}.",
    ),
    "then": ("Regel “{0}” zegt nu: {2}. Dat was: {1}.", "Rule “{0}” now says: {2}. That was: {1}."),
    "texts": (
        "Regel “{0}” heeft andere teksten van uitleg, suggesties of adviezen.",
        "Rule “{0}” has other texts of its explanation, suggestions or advice.",
    ),
    "basis": ("De bron van regel “{0}” is veranderd.", "The source of rule “{0}” has changed."),
    "example": ("Het voorbeeld van regel “{0}” is veranderd.", "The example of rule “{0}” has changed."),
}


def changes(before: RuleSetContent, after: RuleSetContent) -> list[Sentence]:
    """What is different now, one sentence each: the set, then its rules in the order of their places."""
    found = [Sentence(nl=dutch, en=english) for dutch, english in _of_set(before, after)]
    return found + [Sentence(nl=dutch, en=english) for dutch, english in _of_rules(before.rules, after.rules)]


def conditions(when: Conditions, language: str) -> str:
    """For which signals a rule holds."""
    parts = [_choice(name, choice, language) for name, choice in when if isinstance(choice, Choice)]
    if when.person is not None:
        its = [_choice(name, choice, language) for name, choice in when.person if isinstance(choice, Choice)]
        parts.append(f"{_phrase('person', language)} {', '.join(its)}")
    return "; ".join(parts) or _phrase("everything", language)


def outcome(then: Outcome, language: str) -> str:
    """What a rule says."""
    days = f"{then.due_working_days} {_phrase('days', language)}"
    parts = [
        _phrase(then.contact_point, language),
        _phrase(then.priority, language),
        days if then.due_working_days else _phrase("agreed", language),
    ]
    if then.suggest:
        targets = ", ".join(label("referral_target", one.target, language) for one in then.suggest)
        parts.append(f"{_phrase('suggests', language)} {targets}")
    if then.advise:
        parts.append(f"{_phrase('advises', language)} {', '.join(one.code for one in then.advise)}")
    return ", ".join(parts)


def _phrase(name: str, language: str) -> str:
    return PHRASES[name][LANGUAGES.index(language)]


def _choice(name: str, choice: Choice[str], language: str) -> str:
    """One condition: `urgency: one of Acute, left out`."""
    listed, *named = CONDITIONS[name]
    kinds = {"any_of": choice.any_of, "none_of": choice.none_of}
    if isinstance(choice, MultiChoice):
        kinds["all_of"] = choice.all_of

    def told(code: str) -> str:
        return _phrase(ABSENT, language) if code == ABSENT else label(listed, code, language)

    parts = [
        f"{_phrase(kind, language)} {', '.join(map(told, codes))}" for kind, codes in kinds.items() if codes
    ]
    return f"{named[LANGUAGES.index(language)]}: {' / '.join(parts)}"


def _said(name: str, *parts: object) -> tuple[str, str]:
    """A sentence in both languages; a part that differs between them is a pair."""
    dutch, english = SENTENCES[name]
    both = [part if isinstance(part, tuple) else (part, part) for part in parts]
    return dutch.format(*(one for one, _ in both)), english.format(*(other for _, other in both))


def _in_both(tell: Callable[[Told, str], str], value: Told) -> tuple[str, str]:
    return tell(value, "nl"), tell(value, "en")


def _of_set(before: RuleSetContent, after: RuleSetContent) -> Iterator[tuple[str, str]]:
    if before.title != after.title:
        yield _said("title", before.title, after.title)
    names = municipalities()
    for name, gone, there in (
        ("municipality-removed", before.municipalities, after.municipalities),
        ("municipality-added", after.municipalities, before.municipalities),
    ):
        for code in gone:
            if code not in there:
                yield _said(name, names[code].name)


def _of_rules(before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    old = {rule.name: (place, rule) for place, rule in enumerate(before, start=1)}
    new = {rule.name for rule in after}
    moved = _moved(
        [rule.name for rule in before if rule.name in new], [rule.name for rule in after if rule.name in old]
    )
    for name, (place, _) in old.items():
        if name not in new:
            yield _said("removed", name, place)
    for place, rule in enumerate(after, start=1):
        if rule.name not in old:
            told = _in_both(conditions, rule.when), _in_both(outcome, rule.then)
            yield _said("added", rule.name, place, *told)
            continue
        was_at, was = old[rule.name]
        if rule.name in moved:
            yield _said("moved", rule.name, was_at, place)
        yield from _of_rule(was, rule)


def _moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """Names that are not in their order any more: what is left beside the parts that are."""
    kept = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return set(after).difference(*(after[block.b : block.b + block.size] for block in kept))


def _of_rule(was: Rule, rule: Rule) -> Iterator[tuple[str, str]]:
    if was.when != rule.when:
        yield _said("when", rule.name, _in_both(conditions, was.when), _in_both(conditions, rule.when))
    told = _in_both(outcome, was.then), _in_both(outcome, rule.then)
    if told[0] != told[1]:
        yield _said("then", rule.name, *told)
    if _texts(was) != _texts(rule):
        yield _said("texts", rule.name)
    if was.basis != rule.basis:
        yield _said("basis", rule.name)
    if was.example != rule.example:
        yield _said("example", rule.name)


def _texts(rule: Rule) -> tuple[object, ...]:
    suggested = tuple((one.target, one.why) for one in rule.then.suggest)
    return rule.why, suggested, tuple((one.code, one.text) for one in rule.then.advise)
