"""The base of every shape on the wire: camelCase, nothing unknown, days that are only days,
moments in UTC and whole seconds."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


class Wire(BaseModel):
    """Base of bodies: only the names of the wire are read."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, serialize_by_alias=True)

    @property
    def is_empty(self) -> bool:
        """Nothing is filled in."""
        return all(value is None for _, value in self)


class Answer(Wire):
    """Base of answers, which the code builds by its own names."""

    model_config = ConfigDict(populate_by_name=True)


# One line without control characters, of which NUL is one that PostgreSQL cannot keep, or spaces around it.
LINE_PATTERN = r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"
_MOMENT_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_Words = Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^\x00]*$")]


class Text(Wire):
    """A text in both languages of the register."""

    nl: _Words
    en: _Words


class Sentence(Answer):
    """Words of ours in both languages, however many."""

    nl: str
    en: str


def fault(code: str, text: str) -> PydanticCustomError:
    """An error for validators: its code and fixed text are told to the sender, the value never is."""
    return PydanticCustomError(f"register.{code}", text)


def faults(several: Sequence[tuple[str, str]]) -> PydanticCustomError:
    """The same for one value with several things wrong: pairs of code and text."""
    return PydanticCustomError("register.several", "several faults", {"faults": list(several)})


def _nothing_twice(value: Any) -> Any:
    if (
        isinstance(value, list)
        and all(isinstance(one, str) for one in value)
        and len(set(value)) < len(value)
    ):
        raise fault("twice", "The same value is there more than once.")
    return value


# For sets: JSON Schema says uniqueItems of them, and pydantic would quietly drop the second.
Distinct = BeforeValidator(_nothing_twice)


def _only_a_day(value: Any) -> Any:
    """Refuse what pydantic would kindly read as a day: numbers and date-times."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) != 10:
        raise fault("wrong-form", "A day is written as YYYY-MM-DD.")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise fault("wrong-form", "A day is written as YYYY-MM-DD.") from None
    if day.isoformat() != value:  # fromisoformat also takes days of a week, as in 2026-W45-1
        raise fault("wrong-form", "A day is written as YYYY-MM-DD.")
    return day


Day = Annotated[date, BeforeValidator(_only_a_day)]


def on_the_wire(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z` and whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


Instant = Annotated[datetime, PlainSerializer(on_the_wire, return_type=str, when_used="json")]


def _only_a_moment(value: Any) -> Any:
    """Refuse what pydantic would kindly read as a moment: numbers, days, and moments of no zone."""
    form = "A moment is written as YYYY-MM-DDThh:mm:ssZ (RFC 3339)."
    if not isinstance(value, str) or _MOMENT_FORM.match(value) is None:
        raise fault("wrong-form", form)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise fault("wrong-form", form) from None


GivenInstant = Annotated[datetime, BeforeValidator(_only_a_moment)]
"""A moment in a body: RFC 3339 with a zone."""
