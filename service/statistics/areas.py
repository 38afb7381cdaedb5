"""Which municipalities stand alone in a year, and which are shown together.

Decides the areas of a calendar year from the counts of the year before, or checks the plan that an
administrator set, so that standing alone tells nothing about the present. Called when a year is planned and
when a release is compiled. Never gives up an area of the plan unless no rounding can be found with it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from service.vocabulary.municipalities import municipalities, region_of

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


def plan_areas(standings: Iterable[Standing]) -> tuple[Area, ...]:
    """The areas of a year, all municipalities in them; nobody was counted where no standing is given.

    KeyError for an unknown municipality.
    """
    found: dict[str, Counter[str]] = {code: Counter() for code in municipalities()}
    for standing in standings:
        found[standing.municipality].update(standing.by_organisation)
    return _in_order(
        area
        for members in _regions().values()
        for area in _plan_region([Standing(code, found[code]) for code in members])
    )


def regions_only() -> tuple[Area, ...]:
    """The areas of a first year, without counts or a plan: every region as a whole."""
    return _in_order(Area(region, region, tuple(members)) for region, members in _regions().items())


def standing_alone(codes: Iterable[str]) -> tuple[Area, ...]:
    """The areas in which these municipalities stand alone and the rest of each region is joined.

    KeyError for an unknown municipality; a rest of one municipality is a fault that `check_areas` finds.
    """
    alone = {code: region_of(code) for code in codes}
    rest = {region: [code for code in members if code not in alone] for region, members in _regions().items()}
    return _in_order(
        [
            *(Area(code, region, (code,)) for code, region in alone.items()),
            *(_together(region, members) for region, members in rest.items() if members),
        ]
    )


def check_areas(areas: Sequence[Area]) -> None:
    """Accept a plan set by hand, or raise InvalidAreas with everything that is wrong with it."""
    placed = Counter(code for area in areas for code in area.municipalities)
    faults = [f"{code} is no municipality" for code in sorted(placed.keys() - municipalities().keys())]
    faults += [f"{code} is in no area" for code in sorted(municipalities().keys() - placed.keys())]
    faults += [f"{code} is in {times} areas" for code, times in sorted(placed.items()) if times > 1]
    repeated = Counter(area.code for area in areas)
    faults += [
        f"{code} is the code of {times} areas" for code, times in sorted(repeated.items()) if times > 1
    ]
    faults += [f"{area.code} {fault}" for area in areas for fault in _faults_of(area)]
    if faults:
        raise InvalidAreas(faults)


def area_index(areas: Iterable[Area]) -> dict[str, str]:
    """The code of the area in which each municipality is counted."""
    return {municipality: area.code for area in areas for municipality in area.municipalities}


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
    kept = [area for area in areas if area not in (smallest, partner)]
    return _in_order([*kept, _together(smallest.region, joined)])


def _plan_region(standings: Sequence[Standing]) -> list[Area]:
    """The failing ones join; while these fail together, and a single one does, so does the next smallest."""
    alone = sorted((s for s in standings if s.suffices), key=lambda s: (s.persons, s.municipality))
    joined = [standing for standing in standings if not standing.suffices]
    while joined and alone and not _added_up(joined).suffices:
        joined.append(alone.pop(0))
    areas = [Area(s.municipality, region_of(s.municipality), (s.municipality,)) for s in alone]
    if joined:
        areas.append(_together(region_of(joined[0].municipality), [s.municipality for s in joined]))
    return areas


def _added_up(standings: Iterable[Standing]) -> Standing:
    total: Counter[str] = Counter()
    for standing in standings:
        total.update(standing.by_organisation)
    return Standing("", total)


def _together(region: str, members: Iterable[str]) -> Area:
    """Municipalities of a region as one area, which is the region itself when they are all of them."""
    joined = tuple(sorted(members))
    return Area(region if joined == _regions()[region] else _other(region), region, joined)


def _faults_of(area: Area) -> Iterable[str]:
    members = _regions().get(area.region)
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
def _regions() -> dict[str, tuple[str, ...]]:
    """The municipalities of each region, in the order of their codes."""
    regions: dict[str, tuple[str, ...]] = {}
    for code in sorted(municipalities()):
        regions[region_of(code)] = (*regions.get(region_of(code), ()), code)
    return regions


def _other(region: str) -> str:
    return f"{region}-OTHER"


def _in_order(areas: Iterable[Area]) -> tuple[Area, ...]:
    return tuple(sorted(areas, key=lambda area: (area.region, area.code)))
