"""Counting a period: the persons first seen in it, and what its signals came to. Reads; called by the compilation.

Each signal is read once, whatever it is counted in. Nothing of this leaves the house: see `compiling`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.statistics.areas import (
    Area,
    Standing,
    area_index,
    join_smallest,
    places_in,
    plan_areas,
    regions_only,
)
from service.statistics.background import Background
from service.statistics.counting import (
    Entry,
    closed_over,
    first_seen,
    reporting,
    shares_of,
    standings_of,
    tabulate,
)
from service.statistics.entries import counted_between, courses_between, entries_between, roles_of
from service.statistics.grid import Counts, Shares
from service.statistics.menu import OFFENDERS, ORGANISATIONS, SIGNALS, VICTIMS, Menu
from service.statistics.periods import Period, year_of
from service.statistics.queries import area_plans

COUNTED_AGAIN_AFTER = relativedelta(months=12)
LINKED_WITHIN = relativedelta(months=24)  # as long as a signal may exist
PERSONS = (VICTIMS.code, OFFENDERS.code)
NOTHING_RELEASED = Background(0, 1, {}, frozenset())

Tells = Callable[[str, Iterable[Mapping[str, int]]], bool]
"""Whether it would tell something that a municipality stands alone, to organisations that know so many of each."""


class Mark(NamedTuple):
    """Somebody who was counted: the person, its signal, and the roles of the population it was counted in."""

    person_id: UUID
    signal_id: UUID
    roles: Sequence[str]


@dataclass(frozen=True)
class Counted:
    """What was counted in a period, by population: exact counts, areas, which of these were planned for it now.

    `shares`: what each organisation knows of them.
    """

    counts: Mapping[str, Counts]
    shares: Mapping[str, Shares]
    areas: Mapping[str, tuple[Area, ...]]
    planned: Mapping[str, tuple[Area, ...]]
    marks: Sequence[Mark]


async def count_period(
    session: AsyncSession, period: Period, menu: Menu, background: Background = NOTHING_RELEASED
) -> Counted:
    """The persons first seen in the period, what its signals came to, and who reported; each signal is read once.

    `background` is what was released of the year before: areas that are planned now tell no more than that.
    """
    begin, end = period.moments(clock.LOCAL)
    entries = await entries_between(session, begin - LINKED_WITHIN, end)
    now = places_in(period.first.year)
    courses = [
        replace(one, municipality=now[one.municipality]) for one in await courses_between(session, begin, end)
    ]
    plans = await area_plans(session, period.first.year)
    planned: dict[str, tuple[Area, ...]] = {}
    by_region = {code: regions_only(period.first.year) for code in (SIGNALS.code, ORGANISATIONS.code)}
    counts: dict[str, Counts] = {}
    shares: dict[str, Shares] = {ORGANISATIONS.code: {}}
    marks: list[Mark] = []
    for code in PERSONS:
        population, its = menu.populations[code], entries.get(code, ())
        counted = await counted_between(
            session, population, period.first - COUNTED_AGAIN_AFTER, period.first - relativedelta(days=1)
        )
        earlier = [entry for entry in its if entry.received_at < begin]
        present = [entry for entry in its if entry.received_at >= begin]
        persons = first_seen(present, closed_over(counted, earlier))
        firsts = [replace(one.first, municipality=now[one.first.municipality]) for one in persons]
        if code not in plans:
            planned[code] = _areas_by_last_year(its, period.first.year, partial(background.tells, code))
        areas = plans.get(code) or planned[code]
        index = area_index(areas)
        counts[code] = tabulate(firsts, population, index)
        shares[code] = shares_of(
            zip(firsts, (one.organisations for one in persons), strict=True), population, index
        )
        roles = roles_of(population)
        marks += [Mark(one.person_id, one.signal_id, roles) for person in persons for one in person.entries]
    signals = menu.populations[SIGNALS.code]
    counts[SIGNALS.code] = tabulate(courses, signals, {})
    shares[SIGNALS.code] = shares_of(
        ((one, frozenset({one.organisation_id})) for one in courses), signals, {}
    )
    counts[ORGANISATIONS.code] = tabulate(reporting(courses), menu.populations[ORGANISATIONS.code], {})
    return Counted(counts, shares, {**plans, **planned, **by_region}, planned, marks)


def _areas_by_last_year(entries: Sequence[Entry], year: int, tells: Tells) -> tuple[Area, ...]:
    """Areas from the counts of the year before; regions only where there are none.

    Which would tell something by standing alone are joined.
    """
    begin, end = year_of(year - 1).moments(clock.LOCAL)
    persons = first_seen((one for one in entries if begin <= one.received_at < end), frozenset())
    if not persons:
        return regions_only(year)
    standings = standings_of(persons).items()
    areas = plan_areas((Standing(place, by_organisation) for place, by_organisation in standings), year)
    now = places_in(year)
    sizes = Counter(now[one.first.municipality] for one in persons)
    known: dict[UUID, Counter[str]] = defaultdict(Counter)
    for one in persons:
        for organisation in one.organisations:
            known[organisation][one.first.municipality] += 1
    telling = {
        area.code: -1
        for area in areas
        if area.municipalities == (area.code,) and tells(area.code, known.values())
    }
    while any(area.code in telling for area in areas):
        fewer = join_smallest(areas, {**sizes, **telling})
        assert fewer is not None
        areas = fewer
    return areas
