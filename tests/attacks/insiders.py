"""Attacks 6 and 8: somebody who knows a part of the cases and subtracts it, in one period and in every one.

An insider posts signals about persons that it made up, in cells that it wants to know; a partner just knows its own
cases. Both know the rest of a number as well as the number, and that the rest is not negative. Claims what subtracting
and programming say about the rest, where that is one value. Another insider chooses a region in which it may be alone,
and numbers that cannot all go up if their total is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.vocabulary.lists import codes
from tests.attacks import programming, subtraction
from tests.attacks.programme import ROUNDED, told_by
from tests.attacks.reading import Number, Release
from tests.attacks.scoring import Claims
from tests.support.bodies import person, signal

INSIDER = "police-utrecht"
DAYS = {"2026-H2": "2026-12-31", "2027-H1": "2027-06-30"}
# Four more than a multiple of five: if such a number is published as that multiple, nobody else is in it.
MANY = {
    "GM0344": ("FORCED_BEGGING", "A00_11", "X", 14),
    "GM0310": ("ORGAN_REMOVAL", "A45_PLUS", "M", 9),
    "GM0356": ("RECRUITMENT", "UNKNOWN", "X", 4),
    "GM0632": ("FORCED_SERVICE", "A00_11", "M", 4),
}
BASE, OFF = ROUNDED.base, ROUNDED.off
FORMS = ("SEXUAL_EXPLOITATION", "CRIMINAL_EXPLOITATION", "FORCED_BEGGING", "SHAME_SEXTING", "ORGAN_REMOVAL")
IN_EACH_FORM = 9
EMPTY = "GM0687"  # no demo partner works in this region
IN_EACH_SETTING = 4
SETTINGS = codes("setting")[-8:]


def made_up(period: str) -> list[dict[str, Any]]:
    """The signals that the insider posts in a period, each about somebody who does not exist."""
    drawn = [
        _signal(period, f"{place} {number}", place, type_, band, gender, "STREET")
        for place, (type_, band, gender, many) in MANY.items()
        for number in range(many)
    ]
    return drawn + [
        _signal(period, f"{setting} {number}", "GM0344", "LOVERBOY", "A16_17", "F", setting)
        for setting in SETTINGS
        for number in range(IN_EACH_SETTING)
    ]


def alone(period: str) -> list[dict[str, Any]]:
    """Five nines in a region where nobody else reports: 45 in all, a multiple of five."""
    return [
        _signal(period, f"{form} {number}", EMPTY, form, "A16_17", "F", "STREET")
        for form in FORMS
        for number in range(IN_EACH_FORM)
    ]


def nobody_else(releases: Sequence[Release], population: str, own: Mapping[Number, int]) -> list[Number]:
    """The numbers that it has alone, for sure: published 4 below what is its own, and nothing is published lower."""
    told = told_by(releases, population)
    its = [number for number in own if number in told.published]
    for number in its:
        low, high = told.published[number]
        told.published[number] = max(low, BASE * -(-(own[number] - OFF) // BASE)), high
    published = subtraction.as_published(told)
    return [number for number in its if published[number][1] == own[number] - OFF]


def _signal(
    period: str, name: str, place: str, type_: str, band: str, gender: str, setting: str
) -> dict[str, Any]:
    who = person(f"made up {period} {name}", municipality=place, ageBand=band, gender=gender)
    return signal(
        primaryType=type_,
        types=[type_],
        observedFrom=DAYS[period],
        observedUntil=DAYS[period],
        municipalities={"incident": "GM0344"},
        settings=[setting],
        persons=[who],
        legalBasis="WPG_20",
    )


def claims_about_the_rest(
    releases: Sequence[Release],
    population: str,
    own: Mapping[Number, int],
    wanted: Iterable[Number],
    *,
    programmes: int,
) -> Claims:
    """What somebody who has `own` of each number knows of the rest of those that are wanted.

    So many that subtracting leaves little room for are looked at by programmes too.
    """
    found = dict(subtraction.claims(releases, population, wanted))
    promising = sorted(found, key=lambda number: found[number][1] - max(found[number][0], own[number]))
    if programmes:
        some = promising[:programmes]
        found |= programming.claims(releases, population, own=own, wanted=some)
    return {number: (max(0, low - own[number]), high - own[number]) for number, (low, high) in found.items()}
