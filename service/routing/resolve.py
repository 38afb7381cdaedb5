"""Which contact point handles a signal.

Intake calls it with the level that `decide` chose; the analysis to find municipalities that nobody covers. It
never goes outside the reporter's own agreement: an organisation that is no party to it gets nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from service.routing.facts import CONCERNED
from service.routing.rules import Level

UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """A function of an organisation that receives the signals of some municipalities."""

    id: UUID
    organisation_id: UUID
    level: Level
    municipalities: frozenset[str]
    function: str
    deputy_function: str | None
    phone: str | None
    hours: str | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The contact point found, and the municipality by which it was found."""

    contact_point: ContactPoint
    municipality: str


class Directory:
    """The contact points by level and municipality; who is listed first comes first."""

    def __init__(self, contact_points: Sequence[ContactPoint]) -> None:
        self._by_place: dict[tuple[Level, str], list[ContactPoint]] = {}
        for contact_point in contact_points:
            for municipality in contact_point.municipalities:
                self._by_place.setdefault((contact_point.level, municipality), []).append(contact_point)

    def at(self, level: Level, municipality: str) -> Sequence[ContactPoint]:
        """The contact points of exactly this level."""
        return self._by_place.get((level, municipality), ())

    def nearest(self, level: Level, municipality: str) -> Sequence[ContactPoint]:
        """Those of this level, or the covering regional ones where a municipality has none."""
        return self.at(level, municipality) or self.at("REGIONAL", municipality)


def places_of(
    persons: Sequence[tuple[str, str | None]], incident: str | None, reporter: str | None
) -> tuple[str, ...]:
    """The municipalities that may decide, best first; `persons` are pairs of role and municipality.

    That of the first victim or person at risk, of the first person, of the incident, of the reporter; what is
    left out or `UNKNOWN` falls to the next.
    """
    concerned = next((place for role, place in persons if role in CONCERNED), None)
    first = persons[0][1] if persons else None
    known = (place for place in (concerned, first, incident, reporter) if place and place != UNKNOWN)
    return tuple(dict.fromkeys(known))


def resolve(
    level: Level,
    places: Iterable[str],
    directory: Directory,
    parties: frozenset[UUID],
    agreed: frozenset[str],
    *,
    reporter: str | None,
) -> Resolved | None:
    """The contact point of the first place that has one, if the agreement has both it and the place.

    Otherwise that of the reporter's municipality, otherwise a regional one that covers either of these. None
    if all are missing or not in the agreement (`parties`, `agreed` municipalities): the signal cannot be
    accepted.
    """
    found = next((place for place in places if directory.nearest(level, place)), None)
    tried = [place for place in (found, reporter) if place in agreed]
    candidates = [(place, directory.nearest(level, place)) for place in tried]
    candidates += [(place, directory.at("REGIONAL", place)) for place in tried]
    for place, contact_points in candidates:
        for contact_point in contact_points:
            if contact_point.organisation_id in parties:
                return Resolved(contact_point, place)
    return None
