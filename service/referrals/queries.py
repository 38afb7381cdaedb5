"""Whose referrals a caller may read, and in which order: its queue, one of it, what it reads along, its figures."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, exists, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.errors import NotFound
from service.paging import Page, beyond, page_from, place_of
from service.pseudonyms.sealing import Sealer
from service.referrals.gathering import Gathering
from service.referrals.models import PRIORITIES, Referral, ReferralEscalation
from service.referrals.reading import WHOLE, read_all
from service.referrals.states import OPEN

# The conditions of being in somebody's list, for a role and an organisation.
Whose = Callable[[str, Any], list[ColumnElement[bool]]]

_referral, _escalation = Referral.__table__, ReferralEscalation.__table__

RECEIVED, URGENCY, DUE = "received", "urgency", "due"
ORDERS: Mapping[str, tuple[Any, ...]] = {
    RECEIVED: (_referral.c.received_at, _referral.c.id),
    URGENCY: (_referral.c.priority, _referral.c.due_on, _referral.c.id),
    DUE: (_referral.c.due_on, _referral.c.id),
}
ME = "me"

_BY_ID = Gathering(_referral.c.id, chosen=WHOLE, order=ORDERS[URGENCY])


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


# What each filter asks of a row; its value is the parameter `wanted_…`.
FILTERS: Mapping[str, ColumnElement[bool]] = {
    "status": _referral.c.status == bindparam("wanted_status"),
    "priority": _referral.c.priority == bindparam("wanted_priority"),
    "municipality": _referral.c.municipality == bindparam("wanted_municipality"),
    "assigned_to": _referral.c.assigned_to == bindparam("wanted_assigned_to"),
    "due_before": _referral.c.due_on < bindparam("wanted_due_before"),
    "overdue": _referral.c.due_on < bindparam("wanted_overdue"),
    "in_time": _referral.c.due_on >= bindparam("wanted_in_time"),
}
OF_OPEN = frozenset({"due_before", "overdue", "in_time"})


async def queue_page(
    session: AsyncSession, caller: Caller, sealer: Sealer, part: Part, place: Place
) -> Page[dict[str, Any]]:
    """A page of the caller's queue, or of what it reads along; raises `Invalid` for a cursor not of ours."""
    order, filters = ORDERS[place.order], filters_of(caller, part)
    statement = _page_statement(
        caller.role,
        place.order,
        frozenset(filters),
        place.limit + 1,
        territorial=bool(caller.municipalities),
        escalated=bool(part.escalated),
        only_open=part.status in OPEN or not OF_OPEN.isdisjoint(filters),
        goes_on=place.cursor is not None,
    )
    given = given_for(caller, filters)
    if place.cursor is not None:
        given |= place_of(place.cursor, order)
    page = page_from((await session.execute(statement, given)).all(), order, place.limit)
    return Page(await read_all(session, sealer, page.items), page.next_cursor)


# Statements are made once for each way to ask: building one costs as much as running it.
@lru_cache(256)
def _page_statement(
    role: str,
    order: str,
    filters: frozenset[str],
    limit: int,
    *,
    territorial: bool,
    escalated: bool,
    only_open: bool,
    goes_on: bool,
) -> Select[Any]:
    whose = _escalated_to if escalated else _in_queue
    chosen = WHOLE.where(*part_of_queue(role, filters, territorial=territorial, whose=whose))
    if only_open:
        chosen = chosen.where(_referral.c.ended_at.is_(None))  # so that the index of what is open serves
    if goes_on:
        chosen = chosen.where(beyond(ORDERS[order]))
    return chosen.order_by(*ORDERS[order]).limit(in_the_statement(limit))


def part_of_queue(
    role: str, filters: Collection[str], *, territorial: bool, whose: Whose = _in_queue
) -> list[ColumnElement[bool]]:
    """The conditions of a part of a queue, without their values, which `given_for` has."""
    conditions = [
        *whose(role, bindparam("organisation", type_=Uuid)),
        *(FILTERS[name] for name in sorted(filters)),
    ]
    if territorial:
        conditions.append(_referral.c.municipality.in_(bindparam("territory", expanding=True)))
    return conditions


def given_for(caller: Caller, filters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a statement with `part_of_queue`."""
    given = {f"wanted_{name}": value for name, value in filters.items()}
    given["organisation"] = caller.organisation_id
    if caller.municipalities:
        given["territory"] = list(caller.municipalities)
    return given


def filters_of(caller: Caller, part: Part) -> dict[str, Any]:
    """The filters that are asked for, each with its value."""
    today = clock.local_day(clock.now())
    given = {
        "status": part.status,
        "priority": None if part.priority is None else PRIORITIES.index(part.priority),
        "municipality": part.municipality,
        "assigned_to": caller.actor if part.assigned_to == ME else part.assigned_to,
        "due_before": part.due_before,
        "overdue": today if part.overdue else None,
        "in_time": today if part.overdue is False else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def in_the_statement(value: str | int) -> ColumnElement[Any]:
    """A value written into the statement, for the planner to see.

    PostgreSQL takes a partial index only for a state it knows, and plans for a tenth of the table where it does
    not know the limit.
    """
    return literal_column(str(value) if isinstance(value, int) else f"'{value}'")


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


async def referrals_by_id(session: AsyncSession, sealer: Sealer, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Referrals of which the caller may see all, as `ReferralRead`, most urgent first."""
    return await read_all(session, sealer, await _BY_ID.rows(session, ids))


async def has_open_referrals(session: AsyncSession, **of: UUID) -> bool:
    """Whether a referral with these values (as `organisation_id=…`) has not ended."""
    conditions = [_referral.c[name] == value for name, value in of.items()]
    open_ones = select(_referral.c.id).where(_referral.c.status.in_(OPEN), *conditions).limit(1)
    return (await session.execute(open_ones)).first() is not None
