"""The facts of a signal on the wire: what somebody gives a simulation to look at, and what shows a finding. Pure.

The two have one shape, so an example of the analysis can be given to a simulation as it is.
"""

from typing import Annotated, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from service.routing.facts import CONCERNED, MOST_PERSONS, Facts, PersonFacts
from service.vocabulary.types import (
    AgeBand,
    FlagCriterion,
    Gender,
    IndicatorCode,
    OrganisationType,
    PersonRole,
    Setting,
    SeverityFlag,
    SignalType,
    Urgency,
    VictimStatus,
)
from service.wire import Wire, fault


class SignalPerson(Wire):
    """What rules may know of one person."""

    role: PersonRole
    age_band: AgeBand
    gender: Gender
    victim_status: VictimStatus | None = None

    @model_validator(mode="after")
    def _status_of_a_victim(self) -> Self:
        if self.victim_status is not None and self.role not in CONCERNED:
            raise fault("not-for-this-role", "victimStatus belongs to a victim or a person at risk.")
        return self


class SignalFacts(Wire):
    """What rules may know of a signal: `types` may leave out the primary one; `indicators` are those observed."""

    primary_type: SignalType
    types: Annotated[tuple[SignalType, ...], Field(max_length=60)] = ()
    settings: Annotated[tuple[Setting, ...], Field(max_length=40)] = ()
    indicators: Annotated[tuple[IndicatorCode, ...], Field(max_length=200)] = ()
    urgency: Urgency | None = None
    flag: SeverityFlag | None = None
    flag_criteria: Annotated[tuple[FlagCriterion, ...], Field(max_length=20)] = ()
    reporter_type: OrganisationType
    persons: Annotated[tuple[SignalPerson, ...], Field(max_length=MOST_PERSONS)] = ()
    group: StrictBool = False

    @field_validator("flag")
    @classmethod
    def _no_green_flag(cls, flag: str | None) -> str | None:
        if flag == "GREEN":
            raise fault("no-signal", "What is green is no signal.")
        return flag

    @property
    def facts(self) -> Facts:
        """As the rules take them."""
        return Facts(
            primary_type=self.primary_type,
            types=frozenset((self.primary_type, *self.types)),
            settings=frozenset(self.settings),
            indicators=frozenset(self.indicators),
            urgency=self.urgency,
            flag=self.flag,
            flag_criteria=frozenset(self.flag_criteria),
            reporter_type=self.reporter_type,
            persons=tuple(
                PersonFacts(one.role, one.age_band, one.gender, one.victim_status) for one in self.persons
            ),
            group=self.group,
        )

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """As told on the wire."""
        return cls.model_validate(facts.as_json())
