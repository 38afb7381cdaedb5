"""Which signals there can be, as far as rules can tell them apart. Pure.

What intake refuses is not in here: a green flag, a victim status of somebody who is no victim, a primary type that is
not among the types. Called by the analysis, which looks at all of them, and by its tests, which make a small one.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

from service.routing.facts import CONCERNED, MOST_PERSONS, PersonFacts
from service.vocabulary.lists import codes


@dataclass(frozen=True)
class Space:
    """The codes of each fact; None among the single-valued ones is a fact that is left out.

    `persons` are the kinds of person that rules can tell apart; a signal has at most `most_persons` of them.
    """

    types: tuple[str, ...]
    settings: tuple[str, ...]
    indicators: tuple[str, ...]
    flag_criteria: tuple[str, ...]
    urgencies: tuple[str | None, ...]
    flags: tuple[str | None, ...]
    reporter_types: tuple[str, ...]
    persons: tuple[PersonFacts, ...]
    most_persons: int = MOST_PERSONS


@cache
def every_signal() -> Space:
    """All that the code lists allow."""
    return Space(
        types=codes("signal_type"),
        settings=codes("setting"),
        indicators=codes("indicator"),
        flag_criteria=codes("flag_criterion"),
        urgencies=(None, *codes("urgency")),
        flags=(None, *(code for code in codes("severity_flag") if code != "GREEN")),
        reporter_types=codes("org_type"),
        persons=persons_of(codes("person_role"), codes("age_band"), codes("gender"), codes("victim_status")),
    )


def persons_of(
    roles: tuple[str, ...], age_bands: tuple[str, ...], genders: tuple[str, ...], statuses: tuple[str, ...]
) -> tuple[PersonFacts, ...]:
    """Every kind of person with these attributes; only a victim or a person at risk has a victim status."""
    return tuple(
        PersonFacts(role, age_band, gender, status)
        for role, age_band, gender in product(roles, age_bands, genders)
        for status in (None, *(statuses if role in CONCERNED else ()))
    )
