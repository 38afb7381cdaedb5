"""Counting: who is a person first seen in a period, what a signal came to, and under what each is counted. Pure.

Persons are the linked entries of signals: entries that share a subject are one person, an entry without a
subject is a person of its own. The first signal of the period decides place and categories; who was counted in
the twelve months before is not counted again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.statistics.grid import Counts, Shares
from service.statistics.menu import Population, Table
from service.vocabulary.lists import group_of
from service.vocabulary.municipalities import region_of

UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Entry:
    """One person entry of a valid signal, as it is counted; entries come in order of receipt."""

    person_id: UUID
    signal_id: UUID
    received_at: datetime
    subjects: tuple[bytes, ...]
    organisation_id: UUID
    municipality: str
    primary_type: str
    age_band: str
    gender: str
    reporter_type: str
    setting: str | None

    @property
    def categories(self) -> Mapping[str, str]:
        """Under what it is counted, by the name of each category."""
        return {
            "form": _group("signal_type", self.primary_type),
            "age": _group("age_band", self.age_band),
            "gender": _group("gender", self.gender),
            "reporterType": self.reporter_type,
            "setting": self.setting or UNKNOWN,
        }


@dataclass(frozen=True, slots=True)
class Course:
    """What a valid signal came to; `outcome` None: it has not been closed."""

    organisation_id: UUID
    municipality: str
    primary_type: str
    reporter_type: str
    is_decided: bool
    outcome: str | None
    feedback_within_term: bool | None

    @property
    def categories(self) -> Mapping[str, str]:
        """Under what it is counted, by the name of each category."""
        waiting = "DECIDED" if self.is_decided else "RECEIVED"
        closed = _group("referral_outcome", self.outcome) if self.outcome else waiting
        heard = {True: "WITHIN", False: "LATE", None: "NONE"}
        return {
            "reporterType": self.reporter_type,
            "form": _group("signal_type", self.primary_type),
            "outcome": closed,
            "feedback": heard[self.feedback_within_term],
        }


@dataclass(frozen=True, slots=True)
class Reporting:
    """An organisation that reported from a region, by one of the municipalities there."""

    municipality: str
    reporter_type: str

    @property
    def categories(self) -> Mapping[str, str]:
        """Under what it is counted, by the name of each category."""
        return {"reporterType": self.reporter_type}


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """A counted person: its first entry of the period, and all of its entries there."""

    first: Entry
    entries: tuple[Entry, ...]

    @property
    def organisations(self) -> frozenset[UUID]:
        """Those that reported it in the period."""
        return frozenset(entry.organisation_id for entry in self.entries)


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


def reporting(courses: Iterable[Course]) -> list[Reporting]:
    """Each organisation that reported, once for each region that it reported from."""
    found = {(one.organisation_id, region_of(one.municipality)): one for one in courses}
    return [Reporting(one.municipality, one.reporter_type) for one in found.values()]


def tabulate(
    counted: Iterable[Entry | Course | Reporting], population: Population, area_of: Mapping[str, str]
) -> Counts:
    """Exact counts by table, then by (row, column)."""
    counts: dict[str, Counter[tuple[str, str]]] = {table.code: Counter() for table in population.tables}
    for one in counted:
        categories = one.categories
        for table in population.tables:
            row = _row(table, one.municipality, categories, area_of)
            counts[table.code][row, categories[table.column.name]] += 1
    return counts


def shares_of(
    counted: Iterable[tuple[Entry | Course, frozenset[UUID]]],
    population: Population,
    area_of: Mapping[str, str],
) -> Shares:
    """The exact counts of what each organisation knows; given with each who knows it."""
    known: dict[UUID, list[Entry | Course]] = defaultdict(list)
    for one, organisations in counted:
        for organisation in organisations:
            known[organisation].append(one)
    return {organisation: tabulate(its, population, area_of) for organisation, its in known.items()}


def standings_of(persons: Sequence[FirstSeen]) -> Mapping[str, Mapping[str, int]]:
    """Persons by municipality and by the organisation that reported them first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for person in persons:
        found[person.first.municipality][str(person.first.organisation_id)] += 1
    return found


def _row(table: Table, municipality: str, categories: Mapping[str, str], area_of: Mapping[str, str]) -> str:
    if table.row is not None:
        return categories[table.row.name]
    return area_of[municipality] if table.level == "area" else region_of(municipality)


def _group(code_list: str, code: str) -> str:
    return str(group_of(code_list, code))


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
