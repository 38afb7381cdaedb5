"""The municipalities, their safety region and police unit, from `data/municipalities.csv`, and their mergers.

Area hierarchy of the register: municipality < safety region < whole register. Called by routing, statistics,
demo data and the vocabulary's own door. A municipality that is merged into another stays in the file, for what was
recorded under it; `data/municipality_mergers.csv` says into which, and from which day on it is that one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from service.vocabulary.lists import data_rows

LISTED_SINCE = date(2023, 1, 1)  # the day of the file; those of a later day say so themselves


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality by its CBS code (`GM0794`), with its safety region (`VR22`) and inhabitants.

    `valid_from` is the earliest day of all where the file names none.
    """

    code: str
    name: str
    province: str
    region: str
    region_name: str
    police_unit: str
    inhabitants: int
    source: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class Merger:
    """From the day `on`, the municipality is part of the one that it was merged into."""

    municipality: str
    merged_into: str
    on: date


@cache
def municipalities() -> Mapping[str, Municipality]:
    """All municipalities by CBS code, in the order of the file."""
    return MappingProxyType(
        {
            row["gemeentecode"]: Municipality(
                code=row["gemeentecode"],
                name=row["gemeentenaam"],
                province=row["provincie"],
                region=row["veiligheidsregiocode"],
                region_name=row["veiligheidsregio"],
                police_unit=row["politie_eenheid"],
                inhabitants=int(row["inwoners"]),
                source=row["source"],
                valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else date.min,
            )
            for row in data_rows("municipalities.csv")
        }
    )


def region_of(municipality: str) -> str:
    """The safety region of a municipality; KeyError for an unknown code."""
    return municipalities()[municipality].region


@cache
def mergers() -> Sequence[Merger]:
    """All mergers, in the order in which they came."""
    found = (
        Merger(row["municipality"], row["merged_into"], date.fromisoformat(row["on"]))
        for row in data_rows("municipality_mergers.csv")
    )
    return sorted(found, key=lambda merger: (merger.on, merger.municipality))


def municipalities_on(day: date) -> list[str]:
    """The codes of those that there are on a day: not merged into another by then, nor to come."""
    gone = {merger.municipality for merger in mergers() if merger.on <= day}
    return sorted(
        code for code, one in municipalities().items() if one.valid_from <= day and code not in gone
    )
