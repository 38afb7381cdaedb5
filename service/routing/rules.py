"""The shape of a rule set: which conditions a rule may name and which outcome it may give.

Each rule set passes here, whether it comes from an administrator, from `data/` or from the database; `decide`
relies on it. Whether rules contradict or hide one another is not judged here: that is the analysis.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

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
from service.vocabulary.types import MunicipalityCode, ReferralTarget
from service.wire import Text, Wire

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
            raise ValueError("a person condition names at least one attribute")
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


class Suggestion(Wire):
    """A partner that the contact point may think of, and why."""

    target: ReferralTarget
    why: Text


class Advice(Wire):
    """What the reporter had better do or leave meanwhile."""

    code: AdviceCode
    text: Text


class Outcome(Wire):
    """What follows when a rule decides; without `dueWorkingDays` the term of the agreement holds."""

    contact_point: Level
    priority: Priority
    due_working_days: int | None = Field(default=None, ge=1, le=30)
    suggest: tuple[Suggestion, ...] = Field(default=(), max_length=12)
    advise: tuple[Advice, ...] = Field(default=(), max_length=6)


class Rule(Wire):
    """One row of the decision table, with its explanation and its source."""

    name: RuleName
    when: Conditions
    then: Outcome
    why: Text
    basis: str = Field(min_length=1, max_length=300)


class RuleSetContent(Wire):
    """An ordered decision table for some municipalities; its last rule, and only that, takes every signal."""

    title: str = Field(min_length=1, max_length=120)
    municipalities: tuple[MunicipalityCode, ...] = Field(min_length=1, max_length=400)
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        if len({rule.name for rule in self.rules}) < len(self.rules):
            raise ValueError("two rules have the same name")
        if len(set(self.municipalities)) < len(self.municipalities):
            raise ValueError("a municipality is named twice")
        return self

    @model_validator(mode="after")
    def _only_the_last_rule_takes_all(self) -> Self:
        *others, last = self.rules
        if not last.when.is_empty:
            raise ValueError("the last rule takes every signal: its `when` is empty")
        if any(rule.when.is_empty for rule in others):
            raise ValueError("only the last rule takes every signal")
        return self

    def as_json(self) -> dict[str, Any]:
        """As on the wire and in the database, without the conditions that are not named."""
        return self.model_dump(mode="json", exclude_none=True)
