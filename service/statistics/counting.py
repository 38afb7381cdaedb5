"""Counting persons first seen: who is counted in a period, and under what. Pure.

Persons are the linked entries of signals: entries that share a subject are one person, an entry without a
subject is a person of its own. The first signal of the period decides area, form and age; who was counted in
the twelve months before is not counted again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from service.statistics.disclosure import Counts
from service.statistics.menu import Population
from service.vocabulary.lists import group_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One person entry of a valid signal, as it is counted; entries come in order of receipt."""

    person_id: UUID
    subjects: tuple[bytes, ...]
    organisation_id: UUID
    municipality: str
    primary_type: str
    age_band: str


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """A counted person: its first entry of the period, and all of its entries there."""

    first: Entry
    entries: tuple[Entry, ...]


CATEGORY = {
    "form_group": lambda entry: group_of("signal_type", entry.primary_type),
    "age_group": lambda entry: group_of("age_band", entry.age_band),
}


def first_seen(entries: Iterable[Entry], counted_before: frozenset[bytes]) -> list[FirstSeen]:
    """The persons to count, in order of their first entry."""
    return [
        FirstSeen(linked[0], tuple(linked))
        for linked in _linked(list(entries))
        if not any(subject in counted_before for entry in linked for subject in entry.subjects)
    ]


def closed_over(counted: frozenset[bytes], earlier: Iterable[Entry]) -> frozenset[bytes]:
    """Every subject of the persons who were counted: also a token that came with a later, uncounted signal."""
    groups = [
        {subject for entry in linked for subject in entry.subjects} for linked in _linked(list(earlier))
    ]
    return counted.union(*(group for group in groups if group & counted))


def tabulate(persons: Sequence[FirstSeen], population: Population, area_of: Mapping[str, str]) -> Counts:
    """Exact counts by table, then by (area, category)."""
    counts: dict[str, Counter[tuple[str, str]]] = {table.code: Counter() for table in population.tables}
    for person in persons:
        area = area_of[person.first.municipality]
        for table in population.tables:
            counts[table.code][area, str(CATEGORY[table.code_list](person.first))] += 1
    return counts


def standings_of(persons: Sequence[FirstSeen]) -> Mapping[str, Mapping[str, int]]:
    """Persons by municipality and by the organisation that reported them first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for person in persons:
        found[person.first.municipality][str(person.first.organisation_id)] += 1
    return found


def _linked(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries grouped by shared subject (union-find), each group in order, groups by their first entry."""
    parent = list(range(len(entries)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    seen: dict[bytes, int] = {}
    for place, entry in enumerate(entries):
        for subject in entry.subjects:
            other = root(seen.setdefault(subject, place))
            mine = root(place)
            parent[max(mine, other)] = min(mine, other)
    groups: dict[int, list[Entry]] = {}
    for place, entry in enumerate(entries):
        groups.setdefault(root(place), []).append(entry)
    return list(groups.values())
