"""Which municipality decides, and which of its contact points may have the signal."""

from uuid import UUID

import pytest

from service.routing.resolve import ContactPoint, Directory, Resolved, places_of, resolve
from service.routing.rules import Level

HELMOND, ASTEN, DEURNE, EDE, UTRECHT = "GM0794", "GM0743", "GM0762", "GM0228", "GM0344"


def contact_point(number: int, level: Level, *municipalities: str) -> ContactPoint:
    """Number and organisation are the same, so that `parties` reads as a list of contact points."""
    return ContactPoint(
        id=UUID(int=number),
        organisation_id=UUID(int=number),
        level=level,
        municipalities=frozenset(municipalities),
        function="Aandachtsfunctionaris mensenhandel",
        deputy_function=None,
        phone=None,
        hours=None,
    )


IN_HELMOND = contact_point(1, "LOCAL", HELMOND)
IN_HELMOND_TOO = contact_point(2, "LOCAL", HELMOND)
IN_DEURNE = contact_point(3, "LOCAL", DEURNE)
IN_THE_REGION = contact_point(4, "REGIONAL", HELMOND, ASTEN, DEURNE)
IN_EDE = contact_point(5, "LOCAL", EDE)
ALL = [IN_HELMOND, IN_HELMOND_TOO, IN_DEURNE, IN_THE_REGION, IN_EDE]
DIRECTORY = Directory(ALL)
EVERYWHERE = frozenset({HELMOND, ASTEN, DEURNE, EDE, UTRECHT})


@pytest.mark.parametrize(
    ("persons", "incident", "places"),
    [
        ([("SUSPECT", EDE), ("VICTIM", ASTEN), ("VICTIM", DEURNE)], HELMOND, [ASTEN, EDE, HELMOND, UTRECHT]),
        ([("SUSPECT", EDE), ("AT_RISK", ASTEN)], HELMOND, [ASTEN, EDE, HELMOND, UTRECHT]),
        ([("SUSPECT", EDE), ("VICTIM", None)], HELMOND, [EDE, HELMOND, UTRECHT]),
        ([("SUSPECT", EDE), ("VICTIM", "UNKNOWN")], HELMOND, [EDE, HELMOND, UTRECHT]),
        ([("SUSPECT", EDE), ("BYSTANDER", ASTEN)], HELMOND, [EDE, HELMOND, UTRECHT]),
        ([("VICTIM", "UNKNOWN")], HELMOND, [HELMOND, UTRECHT]),
        ([("VICTIM", HELMOND)], HELMOND, [HELMOND, UTRECHT]),
        ([], HELMOND, [HELMOND, UTRECHT]),
        ([], "UNKNOWN", [UTRECHT]),
        ([], None, [UTRECHT]),
    ],
)
def test_the_victim_comes_before_person_incident_and_reporter(
    persons: list[tuple[str, str | None]], incident: str | None, places: list[str]
) -> None:
    assert list(places_of(persons, incident, UTRECHT)) == places


def test_without_any_municipality_there_is_no_place() -> None:
    assert places_of([("VICTIM", None)], "UNKNOWN", None) == ()


@pytest.mark.parametrize(
    ("level", "places", "reporter", "parties", "found"),
    [
        ("LOCAL", [HELMOND, EDE], EDE, ALL, (IN_HELMOND, HELMOND)),
        ("REGIONAL", [HELMOND, EDE], EDE, ALL, (IN_THE_REGION, HELMOND)),
        # no local one there: the covering regional one, before any other place
        ("LOCAL", [ASTEN, HELMOND], HELMOND, ALL, (IN_THE_REGION, ASTEN)),
        # nobody there at all: the next place
        ("LOCAL", [UTRECHT, DEURNE, HELMOND], HELMOND, ALL, (IN_DEURNE, DEURNE)),
        ("REGIONAL", [EDE, HELMOND], HELMOND, ALL, (IN_THE_REGION, HELMOND)),
        # the found one is no party: another of the same place, else the reporter's, else a regional one
        ("LOCAL", [HELMOND], HELMOND, [IN_HELMOND_TOO], (IN_HELMOND_TOO, HELMOND)),
        ("LOCAL", [EDE, DEURNE, HELMOND], HELMOND, [IN_DEURNE, IN_HELMOND], (IN_HELMOND, HELMOND)),
        ("LOCAL", [HELMOND, DEURNE], DEURNE, [IN_DEURNE, IN_THE_REGION], (IN_DEURNE, DEURNE)),
        ("LOCAL", [DEURNE, EDE], EDE, [IN_THE_REGION], (IN_THE_REGION, DEURNE)),
        ("LOCAL", [EDE, HELMOND], HELMOND, [IN_THE_REGION], (IN_THE_REGION, HELMOND)),
        ("LOCAL", [HELMOND], None, [IN_THE_REGION], (IN_THE_REGION, HELMOND)),
        # nothing to be found
        ("LOCAL", [HELMOND, EDE], EDE, [], None),
        ("LOCAL", [HELMOND, DEURNE], EDE, [IN_DEURNE], None),
        ("LOCAL", [UTRECHT], UTRECHT, ALL, None),
        ("REGIONAL", [EDE], EDE, ALL, None),
        ("LOCAL", [], None, ALL, None),
    ],
)
def test_the_contact_point_of_a_signal(
    level: Level,
    places: list[str],
    reporter: str | None,
    parties: list[ContactPoint],
    found: tuple[ContactPoint, str] | None,
) -> None:
    organisations = frozenset(party.organisation_id for party in parties)
    expected = Resolved(*found) if found else None
    assert resolve(level, places, DIRECTORY, organisations, EVERYWHERE, reporter=reporter) == expected


@pytest.mark.parametrize(
    ("agreed", "found"),
    [
        (EVERYWHERE, (IN_DEURNE, DEURNE)),
        ({HELMOND, EDE}, (IN_HELMOND, HELMOND)),  # the place is not in the agreement: the reporter's own
        ({DEURNE}, (IN_DEURNE, DEURNE)),
        ({EDE}, None),
    ],
)
def test_only_municipalities_of_the_agreement_are_looked_at(
    agreed: set[str], found: tuple[ContactPoint, str] | None
) -> None:
    parties = frozenset(one.organisation_id for one in ALL)
    expected = Resolved(*found) if found else None
    places = [DEURNE, HELMOND]
    assert resolve("LOCAL", places, DIRECTORY, parties, frozenset(agreed), reporter=HELMOND) == expected
