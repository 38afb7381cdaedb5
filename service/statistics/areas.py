"""Which municipalities stand alone in a year, and which are shown together.

Decides the areas of a calendar year from the counts of the year before, or checks the plan that an
administrator set, so that standing alone tells nothing about the present. Called when a year is planned and
when a release is compiled. Never gives up an area of the plan unless no rounding can be found with it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from service.vocabulary.municipalities import mergers, municipalities_on, region_of

WHOLE = "ALL"
FEWEST_PERSONS = 10
FEWEST_ORGANISATIONS = 2
LARGEST_SHARE = 0.80


@dataclass(frozen=True, slots=True)
class Standing:
    """The persons of a municipality in the year before, by the organisation of their first signal.

    Each person counts for one organisation, so that standings can be added up exactly.
    """

    municipality: str
    by_organisation: Mapping[str, int]

    @property
    def persons(self) -> int:
        return sum(self.by_organisation.values())

    @property
    def organisations(self) -> int:
        return sum(persons > 0 for persons in self.by_organisation.values())

    @property
    def largest_share(self) -> float:
        return max(self.by_organisation.values(), default=0) / self.persons if self.persons else 1.0

    @property
    def suffices(self) -> bool:
        """At least 10 persons, at least 2 organisations and none with more than 80 %."""
        return (
            self.persons >= FEWEST_PERSONS
            and self.organisations >= FEWEST_ORGANISATIONS
            and self.largest_share <= LARGEST_SHARE
        )


@dataclass(frozen=True, slots=True)
class Area:
    """Municipalities of one region shown as one.

    The code is that of the municipality which stands alone (`GM0794`), of the region when only the region is
    shown (`VR22`), or that of the region's other municipalities (`VR22-OTHER`).
    """

    code: str
    region: str
    municipalities: tuple[str, ...]


class InvalidAreas(ValueError):
    """A plan that is no division of the municipalities within their regions; `faults` names all reasons."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def plan_areas(standings: Iterable[Standing], year: int) -> tuple[Area, ...]:
    """The areas of a year, all municipalities in them; nobody was counted where no standing is given.

    Those that were merged since are counted where they are now. KeyError for an unknown municipality.
    """
    found: dict[str, Counter[str]] = {code: Counter() for code in municipalities_on(date(year, 1, 1))}
    place = places_in(year)
    for standing in standings:
        found[place[standing.municipality]].update(standing.by_organisation)
    return _in_order(
        area
        for members in _regions(year).values()
        for area in _plan_region([Standing(code, found[code]) for code in members])
    )


def regions_only(year: int) -> tuple[Area, ...]:
    """The areas of a first year, without counts or a plan: every region as a whole."""
    return _in_order(Area(region, region, tuple(members)) for region, members in _regions(year).items())


def standing_alone(codes: Iterable[str], year: int) -> tuple[Area, ...]:
    """The areas of a year in which these municipalities stand alone and the rest of each region is joined.

    KeyError for an unknown municipality; a rest of one municipality is a fault that `check_areas` finds.
    """
    alone = {code: region_of(code) for code in codes}
    regions = _regions(year)
    rest = {region: [code for code in members if code not in alone] for region, members in regions.items()}
    return _in_order(
        [
            *(Area(code, region, (code,)) for code, region in alone.items()),
            *(_together(region, members, regions[region]) for region, members in rest.items() if members),
        ]
    )


def check_areas(areas: Sequence[Area], year: int) -> None:
    """Accept a plan of a year that was set by hand, or raise InvalidAreas with everything that is wrong with it."""
    placed = Counter(code for area in areas for code in area.municipalities)
    there = set(municipalities_on(date(year, 1, 1)))
    faults = [f"{code} is no municipality" for code in sorted(placed.keys() - there)]
    faults += [f"{code} is in no area" for code in sorted(there - placed.keys())]
    faults += [f"{code} is in {times} areas" for code, times in sorted(placed.items()) if times > 1]
    repeated = Counter(area.code for area in areas)
    faults += [
        f"{code} is the code of {times} areas" for code, times in sorted(repeated.items()) if times > 1
    ]
    faults += [f"{area.code} {fault}" for area in areas for fault in _faults_of(area, _regions(year))]
    if faults:
        raise InvalidAreas(faults)


def area_index(areas: Iterable[Area]) -> dict[str, str]:
    """The code of the area in which each municipality is counted.

    Besides those of the plan: one that was merged before its year, where the one is into which it went; one that came
    about since, where a municipality is that went into it.
    """
    index = {municipality: area.code for area in areas for municipality in area.municipalities}
    for merger in reversed(mergers()):
        if merger.merged_into in index:
            index.setdefault(merger.municipality, index[merger.merged_into])
    for merger in mergers():
        if merger.municipality in index:
            index.setdefault(merger.merged_into, index[merger.municipality])
    return index


def places_in(year: int) -> dict[str, str]:
    """Of each municipality the one that it is, or belongs to, as the year begins."""
    there = municipalities_on(date(year, 1, 1))
    return area_index(Area(code, region_of(code), (code,)) for code in there)


def hierarchy(areas: Iterable[Area]) -> dict[str, tuple[str, ...]]:
    """Which rows add up to a row: `ALL` from its regions, then each divided region from its areas."""
    tree: dict[str, tuple[str, ...]] = {WHOLE: ()}
    for area in _in_order(areas):
        if area.region not in tree[WHOLE]:
            tree[WHOLE] += (area.region,)
        if area.code != area.region:
            tree[area.region] = (*tree.get(area.region, ()), area.code)
    return tree


def join_smallest(areas: Sequence[Area], persons: Mapping[str, int]) -> tuple[Area, ...] | None:
    """The plan with its smallest area joined to the others of its region; None when only regions are left.

    It joins the region's other municipalities, or with them (or without them) the next smallest.
    """

    def size(area: Area) -> tuple[int, str]:
        return persons.get(area.code, 0), area.code

    divided = [area for area in areas if area.code != area.region]
    if not divided:
        return None
    smallest = min(divided, key=size)
    rest = sorted((area for area in divided if area.region == smallest.region and area != smallest), key=size)
    partner = next((area for area in rest if area.code == _other(area.region)), rest[0] if rest else smallest)
    joined = {*smallest.municipalities, *partner.municipalities}
    whole = {code for area in areas if area.region == smallest.region for code in area.municipalities}
    kept = [area for area in areas if area not in (smallest, partner)]
    return _in_order([*kept, _together(smallest.region, joined, whole)])


def _plan_region(standings: Sequence[Standing]) -> list[Area]:
    """The failing ones join; while these fail together, and a single one does, so does the next smallest."""
    alone = sorted((s for s in standings if s.suffices), key=lambda s: (s.persons, s.municipality))
    joined = [standing for standing in standings if not standing.suffices]
    while joined and alone and not _added_up(joined).suffices:
        joined.append(alone.pop(0))
    areas = [Area(s.municipality, region_of(s.municipality), (s.municipality,)) for s in alone]
    if joined:
        region, members = region_of(joined[0].municipality), [s.municipality for s in joined]
        areas.append(_together(region, members, [s.municipality for s in standings]))
    return areas


def _added_up(standings: Iterable[Standing]) -> Standing:
    total: Counter[str] = Counter()
    for standing in standings:
        total.update(standing.by_organisation)
    return Standing("", total)


def _together(region: str, members: Iterable[str], whole: Iterable[str]) -> Area:
    """Municipalities of a region as one area, which is the region itself when they are all of them."""
    joined = tuple(sorted(members))
    return Area(region if set(joined) == set(whole) else _other(region), region, joined)


def _faults_of(area: Area, regions: Mapping[str, Sequence[str]]) -> Iterable[str]:
    members = regions.get(area.region)
    if members is None:
        yield f"names {area.region}, which is no region"
        return
    if set(area.municipalities) - set(members):
        yield f"holds municipalities outside {area.region}"
    if area.code == area.region:
        if set(area.municipalities) != set(members):
            yield "is shown as a whole region but does not hold all of it"
    elif area.code == _other(area.region):
        if len(area.municipalities) < 2:
            yield "joins fewer than two municipalities"
        if set(area.municipalities) == set(members):
            yield f"holds its whole region and should be {area.region}"
    elif area.municipalities != (area.code,):
        yield "stands alone and should hold the municipality of its code, nothing else"


@cache
def _regions(year: int) -> dict[str, tuple[str, ...]]:
    """The municipalities of each region as the year begins, in the order of their codes."""
    regions: dict[str, tuple[str, ...]] = {}
    for code in municipalities_on(date(year, 1, 1)):
        regions[region_of(code)] = (*regions.get(region_of(code), ()), code)
    return regions


def _other(region: str) -> str:
    return f"{region}-OTHER"


def _in_order(areas: Iterable[Area]) -> tuple[Area, ...]:
    return tuple(sorted(areas, key=lambda area: (area.region, area.code)))
