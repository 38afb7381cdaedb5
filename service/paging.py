"""One way to page: an opaque cursor over (moment, id), a limit, and a `Link` to the next page.

No totals anywhere: a count of persons or signals could tell who is known. Called by the queries of lists.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Integer, Select, Uuid, bindparam, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from service import base64url
from service.columns import Moment
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
        chosen = chosen.where(tuple_(moment, id_) > _values(cursor, (moment, id_)))
    rows = (await session.scalars(chosen.order_by(moment, id_).limit(limit + 1))).all()
    return page_from(rows, (moment, id_), limit)


def beyond(order: Sequence[Any]) -> ColumnElement[bool]:
    """The condition of what comes after a cursor in the order of several columns, with the parameters of `place_of`."""
    places = (bindparam(f"after_{at}", type_=column.type) for at, column in enumerate(order))
    return tuple_(*order) > tuple_(*places)


def place_of(cursor: str, order: Sequence[Any]) -> dict[str, Any]:
    """The parameters of `beyond`; raises `Invalid` for a cursor not of ours."""
    return {f"after_{at}": value for at, value in enumerate(_values(cursor, order))}


def page_from(rows: Sequence[Any], order: Sequence[Any], limit: int) -> Page[Any]:
    """A page from one row more than it shows; the last column of the order tells all rows apart."""
    shown = rows[:limit]
    if len(rows) <= limit:
        return Page(shown, None)
    values = (getattr(shown[-1], column.key) for column in order)
    return Page(
        shown, encode_cursor(*(one.isoformat() if isinstance(one, date) else str(one) for one in values))
    )


def _values(cursor: str, order: Sequence[Any]) -> tuple[Any, ...]:
    texts = decode_cursor(cursor, len(order))
    try:
        return tuple(_read(column, text) for column, text in zip(order, texts, strict=True))
    except (ValueError, OverflowError):
        raise bad_cursor() from None


def _read(column: Any, text: str) -> Any:
    return next(read for type, read in READ.items() if isinstance(column.type, type))(text)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() != timedelta(0):
        raise ValueError("not in UTC")
    return at


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise ValueError("not a number of ours")
    return int(text)


# By the type of a column; the first that fits.
READ: Mapping[type, Callable[[str], Any]] = {
    Moment: _moment,
    Date: date.fromisoformat,
    Integer: _number,
    Uuid: UUID,
}


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


def bad_cursor(pointer: str = "query:cursor") -> Invalid:
    return Invalid(errors=[Fault(pointer, "wrong-form", "Follow the Link header; do not make cursors.")])
