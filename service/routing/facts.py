"""What rules may know of a signal: codes only, never who somebody is, where or when. Pure.

A signal is turned into a set of atoms (`urgency=ACUTE`) and so is each of its persons: comparing prepared sets takes
microseconds for a whole rule set.
"""

from dataclasses import dataclass
from typing import Any

from service.routing.choices import ABSENT

CONCERNED = frozenset({"VICTIM", "AT_RISK"})
MOST_PERSONS = 10

Atoms = frozenset[str]


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the rules may know of one person."""

    role: str
    age_band: str
    gender: str
    victim_status: str | None

    def atoms(self) -> Atoms:
        return frozenset(
            (
                f"roles={self.role}",
                f"age_bands={self.age_band}",
                f"genders={self.gender}",
                f"victim_statuses={self.victim_status or ABSENT}",
            )
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "ageBand": self.age_band,
            "gender": self.gender,
            "victimStatus": self.victim_status,
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules may know of a signal; `types` includes the primary, `indicators` only those observed."""

    primary_type: str
    types: frozenset[str]
    settings: frozenset[str]
    indicators: frozenset[str]
    urgency: str | None
    flag: str | None
    flag_criteria: frozenset[str]
    reporter_type: str
    persons: tuple[PersonFacts, ...]
    group: bool

    def atoms(self) -> Atoms:
        atoms = [
            f"primary_type={self.primary_type}",
            f"urgency={self.urgency or ABSENT}",
            f"flag={self.flag or ABSENT}",
            f"reporter_type={self.reporter_type}",
        ]
        atoms += [f"types={code}" for code in self.types]
        atoms += [f"settings={code}" for code in self.settings]
        atoms += [f"indicators={code}" for code in self.indicators]
        atoms += [f"flag_criteria={code}" for code in self.flag_criteria]
        return frozenset(atoms)

    def as_json(self) -> dict[str, Any]:
        """The facts used, as stored beside the decision; codes in order, so that equal facts look equal."""
        return {
            "primaryType": self.primary_type,
            "types": sorted(self.types),
            "settings": sorted(self.settings),
            "indicators": sorted(self.indicators),
            "urgency": self.urgency,
            "flag": self.flag,
            "flagCriteria": sorted(self.flag_criteria),
            "reporterType": self.reporter_type,
            "persons": [person.as_json() for person in self.persons],
            "group": self.group,
        }
