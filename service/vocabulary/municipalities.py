"""The 342 municipalities, their safety region and police unit, from `data/municipalities.csv`.

Area hierarchy of the register: municipality < safety region < whole register. Called by routing, statistics,
demo data and the vocabulary's own door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from service.vocabulary.lists import data_rows

VALID_FROM = "2023-01-01"


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality by its CBS code (`GM0794`), with its safety region (`VR22`) and inhabitants."""

    code: str
    name: str
    province: str
    region: str
    region_name: str
    police_unit: str
    inhabitants: int
    source: str


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
            )
            for row in data_rows("municipalities.csv")
        }
    )


def region_of(municipality: str) -> str:
    """The safety region of a municipality; KeyError for an unknown code."""
    return municipalities()[municipality].region
