"""The shape of a rule set: which conditions a rule may name and which outcome it may give.

Each rule set passes here, whether it comes from an administrator, from `data/` or from the database; `decide`
relies on it. Whether rules contradict or hide one another is not judged here: that is the analysis.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from service.routing.choices import (
    AgeBandChoice,
    FlagChoice,
    FlagCriteriaChoice,
    GenderChoice,
    IndicatorsChoice,
    PrimaryTypeChoice,
    ReporterTypeChoice,
    RoleChoice,
    SettingsChoice,
    TypesChoice,
    UrgencyChoice,
    VictimStatusChoice,
)
from service.routing.given import SignalFacts
from service.vocabulary.types import MunicipalityCode, ReferralTarget
from service.wire import LINE_PATTERN, Distinct, Text, Wire, fault

Level = Literal["LOCAL", "REGIONAL"]
Priority = Literal["HIGH", "NORMAL", "LOW"]
AdviceCode = Literal[
    "PHONE_FIRST",
    "DO_NOT_CONFRONT",
    "PRESERVE_IMAGES",
    "ASK_CONSENT",
    "VICTIM_FIRST",
    "CONSULT_VEILIG_THUIS",
]
MOST_RULES = 200
RuleName = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class PersonConditions(Wire):
    """Conditions that hold together for one and the same person."""

    roles: RoleChoice | None = None
    age_bands: AgeBandChoice | None = None
    genders: GenderChoice | None = None
    victim_statuses: VictimStatusChoice | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.is_empty:
            raise fault("empty", "A person condition names at least one attribute.")
        return self


class Conditions(Wire):
    """What must all be true of a signal; without any condition it is the catch-all."""

    types: TypesChoice | None = None
    primary_type: PrimaryTypeChoice | None = None
    settings: SettingsChoice | None = None
    indicators: IndicatorsChoice | None = None
    urgency: UrgencyChoice | None = None
    flag: FlagChoice | None = None
    flag_criteria: FlagCriteriaChoice | None = None
    reporter_type: ReporterTypeChoice | None = None
    person: PersonConditions | None = None


_Words = Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^\s\x00]([^\x00]*[^\s\x00])?$")]


class RuleText(Text):
    """A text of a rule: without space around it, which a spreadsheet would not keep."""

    nl: _Words
    en: _Words


class Suggestion(Wire):
    """A partner that the contact point may think of, and why."""

    target: ReferralTarget
    why: RuleText


class Advice(Wire):
    """What the reporter had better do or leave meanwhile."""

    code: AdviceCode
    text: RuleText


def _once(name: str, told: str) -> AfterValidator:
    """Refuses parts of a tuple of which an earlier one has the same in some field, each at its place."""

    def check(parts: tuple[Any, ...]) -> tuple[Any, ...]:
        values = [getattr(part, name) for part in parts]
        repeated = [
            InitErrorDetails(type=fault("twice", told), loc=(place, name), input=None)
            for place, value in enumerate(values)
            if value in values[:place]
        ]
        if repeated:
            raise ValidationError.from_exception_data(name, repeated)
        return parts

    return AfterValidator(check)


class Outcome(Wire):
    """What follows when a rule decides; without `dueWorkingDays` the term of the agreement holds."""

    contact_point: Level
    priority: Priority
    due_working_days: StrictInt | None = Field(default=None, ge=1, le=30)
    suggest: Annotated[
        tuple[Suggestion, ...], Field(max_length=12), _once("target", "It is suggested already.")
    ] = ()
    advise: Annotated[tuple[Advice, ...], Field(max_length=6), _once("code", "It is advised already.")] = ()


class Rule(Wire):
    """One row of the decision table, with its explanation, its source, and a signal that it is meant to decide."""

    name: RuleName
    when: Conditions
    then: Outcome
    why: RuleText
    basis: str = Field(min_length=1, max_length=300, pattern=LINE_PATTERN)
    example: SignalFacts | None = None


Rules = Annotated[
    tuple[Rule, ...],
    Field(min_length=1, max_length=MOST_RULES),
    _once("name", "Another rule has this name."),
]


class RuleSetContent(Wire):
    """An ordered decision table for some municipalities. Whether it takes every signal, the analysis tells."""

    title: str = Field(min_length=1, max_length=120, pattern=LINE_PATTERN)
    municipalities: Annotated[tuple[MunicipalityCode, ...], Field(min_length=1, max_length=400), Distinct]
    rules: Rules

    @property
    def takes_all(self) -> bool:
        """Whether its last rule has no conditions, as whatever is in force must."""
        return self.rules[-1].when.is_empty

    def as_json(self) -> dict[str, Any]:
        """As on the wire and in the database, without the conditions that are not named."""
        return self.model_dump(mode="json", exclude_none=True)
