"""Whose referrals a caller may read, and in which order: its queue, one of it, what it reads along, its figures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    exists,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.errors import NotFound
from service.paging import Page, beyond, page_from, place_of
from service.pseudonyms.sealing import Sealer
from service.referrals.models import PRIORITIES, Referral, ReferralEscalation
from service.referrals.reading import WHOLE, read_all
from service.referrals.states import OPEN

_referral, _escalation = Referral.__table__, ReferralEscalation.__table__

RECEIVED, URGENCY, DUE = "received", "urgency", "due"
ORDERS: Mapping[str, tuple[Any, ...]] = {
    RECEIVED: (_referral.c.received_at, _referral.c.id),
    URGENCY: (_referral.c.priority, _referral.c.due_on, _referral.c.id),
    DUE: (_referral.c.due_on, _referral.c.id),
}
ME = "me"


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a queue; None where it does not matter."""

    status: str | None = None
    priority: str | None = None
    municipality: str | None = None
    assigned_to: str | None = None
    due_before: date | None = None
    overdue: bool | None = None
    escalated: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which order a page begins, and how long it is."""

    order: str
    cursor: str | None
    limit: int


def own_queue(caller: Caller) -> list[Any]:
    """The conditions of a caller's own queue: its organisation's, narrowed by its territory."""
    return [*_in_queue(caller.role, caller.organisation_id), *_in_territory(caller)]


def reading_along(caller: Caller) -> ColumnElement[bool]:
    """The condition of what a caller reads along: it is open past its term and has climbed to its organisation."""
    return and_(*_escalated_to(caller.role, caller.organisation_id), *_in_territory(caller))


def _in_territory(caller: Caller) -> list[ColumnElement[bool]]:
    return [_referral.c.municipality.in_(caller.municipalities)] if caller.municipalities else []


def _in_queue(role: str, organisation: Any) -> list[ColumnElement[bool]]:
    """The conditions of the queue of an organisation.

    A recipient never sees the rest of a signal, also where its organisation has a contact point.
    """
    forwarded = [_referral.c.parent_id.is_not(None)] if role == "recipient" else []
    return [_referral.c.organisation_id == organisation, *forwarded]


def _escalated_to(role: str, organisation: Any) -> list[ColumnElement[bool]]:
    """The conditions of what has climbed to an organisation; for anybody but a coordinator there is nothing."""
    climbed = exists().where(
        _escalation.c.organisation_id == organisation,
        _escalation.c.referral_id == _referral.c.id,
        _escalation.c.due_on == _referral.c.due_on,
        _escalation.c.rung > 0,
    )
    nothing = [] if role == "coordinator" else [_referral.c.id.is_(None)]
    return [climbed, _referral.c.ended_at.is_(None), *nothing]


# What each filter asks of a row; its value is the parameter of the same name.
FILTERS: Mapping[str, ColumnElement[bool]] = {
    "status": _referral.c.status == bindparam("status"),
    "priority": _referral.c.priority == bindparam("priority"),
    "municipality": _referral.c.municipality == bindparam("municipality"),
    "assigned_to": _referral.c.assigned_to == bindparam("assigned_to"),
    "due_before": _referral.c.due_on < bindparam("due_before"),
    "overdue": _referral.c.due_on < bindparam("overdue"),
}
OF_OPEN = frozenset({"due_before", "overdue"})


async def queue_page(
    session: AsyncSession, caller: Caller, sealer: Sealer, part: Part, place: Place
) -> Page[dict[str, Any]]:
    """A page of the caller's queue, or of what it reads along; raises `Invalid` for a cursor not of ours."""
    order, values = ORDERS[place.order], _values(caller, part)
    statement = _page_statement(
        caller.role,
        place.order,
        frozenset(values),
        territorial=bool(caller.municipalities),
        escalated=bool(part.escalated),
        only_open=part.status in OPEN or not OF_OPEN.isdisjoint(values),
        goes_on=place.cursor is not None,
    )
    given = values | {"organisation_id": caller.organisation_id, "limit": place.limit + 1}
    if caller.municipalities:
        given["territory"] = list(caller.municipalities)
    if place.cursor is not None:
        given |= place_of(place.cursor, order)
    page = page_from((await session.execute(statement, given)).all(), order, place.limit)
    return Page(await read_all(session, sealer, page.items), page.next_cursor)


@cache
def _page_statement(
    role: str,
    order: str,
    filters: frozenset[str],
    *,
    territorial: bool,
    escalated: bool,
    only_open: bool,
    goes_on: bool,
) -> Select[Any]:
    """The statement of a page, without its values: made once for each way to ask."""
    whose = _escalated_to if escalated else _in_queue
    organisation = bindparam("organisation_id", type_=Uuid)
    chosen = WHOLE.where(*whose(role, organisation), *(FILTERS[name] for name in sorted(filters)))
    if territorial:
        chosen = chosen.where(_referral.c.municipality.in_(bindparam("territory", expanding=True)))
    if only_open:
        chosen = chosen.where(_referral.c.ended_at.is_(None))  # so that the index of what is open serves
    if goes_on:
        chosen = chosen.where(beyond(ORDERS[order]))
    # Told in the statement itself: PostgreSQL plans for a tenth of the table where it does not know the limit.
    return chosen.order_by(*ORDERS[order]).limit(bindparam("limit", type_=Integer, literal_execute=True))


def _values(caller: Caller, part: Part) -> dict[str, Any]:
    """The filters that are asked for, with what is bound to each."""
    given = {
        "status": part.status,
        "priority": None if part.priority is None else PRIORITIES.index(part.priority),
        "municipality": part.municipality,
        "assigned_to": caller.actor if part.assigned_to == ME else part.assigned_to,
        "due_before": part.due_before,
        "overdue": clock.local_day(clock.now()) if part.overdue else None,
    }
    return {name: value for name, value in given.items() if value is not None}


async def get_referral(
    session: AsyncSession, caller: Caller, sealer: Sealer, referral_id: UUID
) -> dict[str, Any]:
    """One referral of the caller's queue, or that it reads along, as `ReferralRead`.

    Raises `NotFound`, the same for another's as for none.
    """
    readable = or_(and_(*own_queue(caller)), reading_along(caller))
    rows = (await session.execute(WHOLE.where(_referral.c.id == referral_id, readable))).all()
    if not rows:
        raise NotFound
    return (await read_all(session, sealer, rows))[0]


async def referrals_by_id(
    session: AsyncSession, caller: Caller, sealer: Sealer, ids: Iterable[UUID]
) -> list[dict[str, Any]]:
    """Referrals of one's own queue as `ReferralRead`, most urgent first."""
    its = WHOLE.where(_referral.c.id.in_(list(ids)), *own_queue(caller))
    return await read_all(session, sealer, (await session.execute(its.order_by(*ORDERS[URGENCY]))).all())


async def has_open_referrals(session: AsyncSession, **of: UUID) -> bool:
    """Whether a referral with these values (as `organisation_id=…`) has not ended."""
    conditions = [_referral.c[name] == value for name, value in of.items()]
    open_ones = select(_referral.c.id).where(_referral.c.status.in_(OPEN), *conditions).limit(1)
    return (await session.execute(open_ones)).first() is not None
