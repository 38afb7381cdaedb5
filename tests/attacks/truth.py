"""What is true of a filled register, counted anew from the bodies that were posted.

Decides who is a person first seen in a period, as the definitions of the release say. Called by the tests to judge
claims, and by the naive variants, which answer from the same truth. Never reads the register.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from service.clock import LOCAL
from service.synthesis.pack import load_pack
from service.vocabulary.lists import group_of
from service.vocabulary.municipalities import region_of
from tests.attacks.reading import Number, Release, number_of, rows_above

GROUPS = {"VICTIM": "VICTIMS", "AT_RISK": "VICTIMS"}
POPULATIONS = ("VICTIMS", "OFFENDERS")
COUNTED_AGAIN_AFTER = 2  # half-years


@dataclass(frozen=True, slots=True)
class Posted:
    """A signal that was registered, with what its receipt told."""

    received_at: str
    id: str
    organisation: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """A person or signal as it is counted once."""

    period: str
    population: str
    day: date
    municipality: str
    organisation: str
    categories: Mapping[str, str]


class Truth:
    """Every unit that counts, and the exact value of every number that was released."""

    def __init__(self, posted: Iterable[Posted], releases: Sequence[Release]) -> None:
        self._posted = sorted(posted, key=lambda one: (one.received_at, one.id))
        self._releases = {release.period: release for release in releases}

    @cached_property
    def units(self) -> list[Unit]:
        signals = [_signal_unit(one) for one in self._posted]
        return [*self._persons(), *signals, *_organisation_units(signals)]

    @cached_property
    def numbers(self) -> Counter[Number]:
        """The exact value of every released number; what nobody counts for is zero."""
        return self.counted(self.units)

    def counted(self, units: Iterable[Unit]) -> Counter[Number]:
        """How many of some units count for each released number."""
        found: Counter[Number] = Counter()
        for unit in units:
            release = self._releases.get(unit.period)
            found.update(numbers_of(release, unit) if release else ())
        return found

    def _persons(self) -> Iterable[Unit]:
        counted_in: dict[tuple[str, str], int] = {}
        for one in self._posted:
            for person in one.body.get("persons", ()):
                population = GROUPS.get(person["role"]) or str(group_of("person_role", person["role"]))
                unit = _person_unit(one, person, population)
                half, name = _half(unit.period), (population, person["pseudonym"])
                last = counted_in.get(name)
                known = last is not None and half - last <= COUNTED_AGAIN_AFTER
                if population not in POPULATIONS or (person["pseudonym"] != "UNKNOWN" and known):
                    continue
                counted_in[name] = half
                yield unit


def numbers_of(release: Release, unit: Unit) -> set[Number]:
    """The released numbers that a unit counts for."""
    found = set()
    for table in release.tables:
        if table.population == unit.population:
            row, column = table.dimensions
            here = unit.municipality if row in ("area", "region") else unit.categories[row]
            for code in rows_above(release, table, here):
                for category in ("TOTAL", unit.categories[column]):
                    found.add(number_of(release, table, code, category))
    return found


def _person_unit(one: Posted, person: Mapping[str, Any], population: str) -> Unit:
    place = person.get("municipality") or "UNKNOWN"
    categories = {
        "form": _group("signal_type", one.body["primaryType"]),
        "age": _group("age_band", person["ageBand"]),
        "gender": _group("gender", person["gender"]),
        "reporterType": organisation_type(one.organisation),
        "setting": next(iter(one.body.get("settings", ())), "UNKNOWN"),
    }
    return _unit(
        one, population, one.body["municipalities"]["incident"] if place == "UNKNOWN" else place, categories
    )


def _signal_unit(one: Posted) -> Unit:
    """No test closes a referral, so that nothing came of any signal yet."""
    categories = {
        "reporterType": organisation_type(one.organisation),
        "form": _group("signal_type", one.body["primaryType"]),
        "outcome": "RECEIVED",
        "feedback": "NONE",
    }
    return _unit(one, "SIGNALS", one.body["municipalities"]["incident"], categories)


def _organisation_units(signals: Iterable[Unit]) -> Iterable[Unit]:
    """Each organisation once for each region that it reported from in a period."""
    once = {(one.period, one.organisation, region(one)): one for one in signals}
    return (replace(one, population="ORGANISATIONS") for one in once.values())


def _unit(one: Posted, population: str, place: str, categories: Mapping[str, str]) -> Unit:
    day = datetime.fromisoformat(one.received_at).astimezone(LOCAL).date()
    period = f"{day.year}-H{1 + (day.month > 6)}"
    return Unit(period, population, day, place, one.organisation, categories)


def organisation_type(name: str) -> str:
    return next(one.type for one in load_pack().organisations if one.name == name)


def region(unit: Unit) -> str:
    return region_of(unit.municipality)


def _group(code_list: str, code: str) -> str:
    return str(group_of(code_list, code))


def _half(period: str) -> int:
    return 2 * int(period[:4]) + int(period[-1])
