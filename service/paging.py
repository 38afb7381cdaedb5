"""One way to page: an opaque cursor over (moment, id), a limit, and a `Link` to the next page.

No totals anywhere: a count of persons or signals could tell who is known. Called by the queries of lists.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.errors import Fault, Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page and the cursor of the next, if there is one."""

    items: Sequence[Row]
    next_cursor: str | None


def encode_cursor(*parts: str) -> str:
    """Sort-key parts of the last row as an opaque cursor."""
    return base64.urlsafe_b64encode("\x1f".join(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, parts: int) -> list[str]:
    """The parts of a cursor that `encode_cursor` made; raises `Invalid` for any other string."""
    try:
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\x1f")
    except (binascii.Error, ValueError):
        raise bad_cursor() from None
    if len(decoded) != parts:
        raise bad_cursor()
    return decoded


def bad_cursor() -> Invalid:
    return Invalid(
        errors=[Fault("query:cursor", "wrong-form", "Follow the Link header; do not make cursors.")]
    )
