"""The types of strings that a person fills freely, for the models of every room: screened before they are read.

What does not pass is stored, logged and echoed nowhere.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from service import clock
from service.caller import ACTOR_PATTERN
from service.screening.guard import screen
from service.screening.kinds import TOLD
from service.screening.staff import is_opaque
from service.wire import fault, faults

MAX_NOTE = 280


def _without_persons(text: str) -> str:
    """Refuse a text that may identify somebody, by everything that was found."""
    found = screen(text, clock.local_day(clock.now()))
    if found:
        raise faults([(f"note.{kind}", TOLD[kind]) for kind in found])
    return text


def _opaque(staff_id: str) -> str:
    if not is_opaque(staff_id):
        raise fault("not-opaque", "A staff id that names nobody: no name, no number of a person.")
    return staff_id


Note = Annotated[
    str,
    Field(min_length=1, max_length=MAX_NOTE, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
    AfterValidator(_without_persons),
]
StaffId = Annotated[str, Field(max_length=64, pattern=f"^{ACTOR_PATTERN}$"), AfterValidator(_opaque)]
StaffIdOrMe = Annotated[str, Field(max_length=64, pattern=f"^(me|{ACTOR_PATTERN})$"), AfterValidator(_opaque)]
