"""The base of every shape on the wire: camelCase, nothing unknown, days that are only days,
moments in UTC and whole seconds."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from service.clock import on_the_wire


class Wire(BaseModel):
    """Base of bodies and answers."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, serialize_by_alias=True
    )


class Text(Wire):
    """A text in both languages of the register."""

    nl: str = Field(min_length=1, max_length=600)
    en: str = Field(min_length=1, max_length=600)


def fault(code: str, text: str) -> PydanticCustomError:
    """An error for validators: its code and fixed text are told to the sender, the value never is."""
    return PydanticCustomError(f"register.{code}", text)  # type: ignore[arg-type]


def _only_a_day(value: Any) -> Any:
    """Refuse what pydantic would kindly read as a day: numbers and date-times."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) != 10:
        raise fault("wrong-form", "A day is written as YYYY-MM-DD.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise fault("wrong-form", "A day is written as YYYY-MM-DD.") from None


Day = Annotated[date, BeforeValidator(_only_a_day)]
Instant = Annotated[datetime, PlainSerializer(on_the_wire, return_type=str, when_used="json")]
