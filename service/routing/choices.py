"""A condition on one fact: which codes it must and must not have.

The building stone of `rules`. Only codes of the closed lists are let in, and a condition always names one.
"""

from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from service.vocabulary.lists import codes
from service.vocabulary.types import (
    AgeBand,
    FlagCriterion,
    Gender,
    IndicatorCode,
    OneOf,
    OrganisationType,
    PersonRole,
    Setting,
    SignalType,
)
from service.wire import Wire, fault

ABSENT = "ABSENT"
"""The value of a single-valued fact that the signal leaves out; not `UNKNOWN`, which was filled in."""

Code = TypeVar("Code")
Codes = Annotated[tuple[Code, ...], Field(min_length=1, max_length=100)]


class Choice(Wire, Generic[Code]):
    """Condition on a fact with one value; a bare list on the wire means `anyOf`."""

    any_of: Codes[Code] | None = None
    none_of: Codes[Code] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_bare_list(cls, given: Any) -> Any:
        return {"anyOf": given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _names_a_code(self) -> Self:
        if self.is_empty:
            raise fault("empty", "A condition names at least one code.")
        return self

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        excluded = frozenset(self.none_of or ())
        if self.any_of and excluded.issuperset(self.any_of):
            raise fault("contradiction", "It excludes every code of which it asks for one.")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        shape = handler(schema)
        bare_list = handler.resolve_ref_schema(shape)["properties"]["anyOf"]["anyOf"][0]
        return {"anyOf": [shape, bare_list]}


class MultiChoice(Choice[Code]):
    """Condition on a fact with several values."""

    all_of: Codes[Code] | None = None

    @model_validator(mode="after")
    def _asks_for_nothing_that_it_excludes(self) -> Self:
        if not frozenset(self.none_of or ()).isdisjoint(self.all_of or ()):
            raise fault("contradiction", "It excludes a code that it asks for.")
        return self


# One class for each code list: the OpenAPI document takes its names from here.
class TypesChoice(MultiChoice[SignalType]): ...


class SettingsChoice(MultiChoice[Setting]): ...


class IndicatorsChoice(MultiChoice[IndicatorCode]): ...


class FlagCriteriaChoice(MultiChoice[FlagCriterion]): ...


class PrimaryTypeChoice(Choice[SignalType]): ...


class UrgencyChoice(Choice[Annotated[str, OneOf((*codes("urgency"), ABSENT))]]): ...


class FlagChoice(Choice[Annotated[str, OneOf((*codes("severity_flag"), ABSENT))]]): ...


class ReporterTypeChoice(Choice[OrganisationType]): ...


class RoleChoice(Choice[PersonRole]): ...


class AgeBandChoice(Choice[AgeBand]): ...


class GenderChoice(Choice[Gender]): ...


class VictimStatusChoice(Choice[Annotated[str, OneOf((*codes("victim_status"), ABSENT))]]): ...
