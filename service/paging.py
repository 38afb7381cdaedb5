"""One way to page: an opaque cursor over (moment, id), a limit, and a `Link` to the next page.

No totals anywhere: a count of persons or signals could tell who is known. Called by the queries of lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service import base64url
from service.errors import Fault, Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page and the cursor of the next, if there is one."""

    items: Sequence[Row]
    next_cursor: str | None


async def page_of(
    session: AsyncSession, chosen: Select[Any], moment: Any, id_: Any, *, cursor: str | None, limit: int
) -> Page[Any]:
    """A page of what is chosen, in order of two columns of it; raises `Invalid` for a cursor not of ours."""
    if cursor is not None:
        chosen = chosen.where(tuple_(moment, id_) > _position(cursor))
    rows = (await session.scalars(chosen.order_by(moment, id_).limit(limit + 1))).all()
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        last = shown[-1]
        following = encode_cursor(getattr(last, moment.key).isoformat(), str(getattr(last, id_.key)))
    return Page(shown, following)


def _position(cursor: str) -> tuple[datetime, UUID]:
    moment, id_ = decode_cursor(cursor, 2)
    try:
        at = datetime.fromisoformat(moment)
        if at.utcoffset() != timedelta(0):
            raise bad_cursor()
        return at, UUID(id_)
    except ValueError:
        raise bad_cursor() from None


def encode_cursor(*parts: str) -> str:
    """Sort-key parts of the last row as an opaque cursor."""
    return base64url.encode("\x1f".join(parts).encode())


def decode_cursor(cursor: str, parts: int) -> list[str]:
    """The parts of a cursor that `encode_cursor` made; raises `Invalid` for any other string."""
    try:
        decoded = base64url.decode(cursor).decode().split("\x1f")
    except ValueError:
        raise bad_cursor() from None
    if len(decoded) != parts:
        raise bad_cursor()
    return decoded


def bad_cursor() -> Invalid:
    return Invalid(
        errors=[Fault("query:cursor", "wrong-form", "Follow the Link header; do not make cursors.")]
    )
