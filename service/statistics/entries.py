"""Reading what is counted: the person entries of a time, and who was counted before. Called by `actions`."""

from collections import defaultdict
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.pseudonyms.models import SealedPerson
from service.signals.actions import ACTIVE
from service.signals.models import Signal, SignalPerson
from service.statistics.counting import Entry
from service.statistics.menu import Population
from service.vocabulary.lists import code_lists
from service.vocabulary.municipalities import municipalities


def roles_of(population: Population) -> list[str]:
    """The person roles that belong to a population."""
    return [code.code for code in code_lists()["person_role"].values() if code.group == population.code]


async def entries_between(
    session: AsyncSession, population: Population, begin: datetime, end: datetime
) -> list[Entry]:
    """The person entries of valid signals received in [begin, end), in order of receipt; two statements."""
    chosen = (
        Signal.received_at >= begin,
        Signal.received_at < end,
        Signal.status == ACTIVE,
        SignalPerson.role.in_(roles_of(population)),
    )
    sealed = await session.execute(
        select(SealedPerson.person_id, SealedPerson.subject)
        .join(SignalPerson, SignalPerson.id == SealedPerson.person_id)
        .join(Signal, Signal.id == SignalPerson.signal_id)
        .where(*chosen)
    )
    subjects: dict[UUID, list[bytes]] = defaultdict(list)
    for person_id, subject in sealed:
        subjects[person_id].append(subject)
    rows = await session.execute(
        select(
            SignalPerson.id,
            Signal.organisation_id,
            SignalPerson.municipality,
            Signal.incident_municipality,
            Signal.municipality,
            Signal.primary_type,
            SignalPerson.age_band,
        )
        .join(Signal, Signal.id == SignalPerson.signal_id)
        .where(*chosen)
        .order_by(Signal.received_at, Signal.id, SignalPerson.position)
    )
    return [
        Entry(id_, tuple(subjects.get(id_, ())), organisation, _place(home, incident, routed), kind, age)
        for id_, organisation, home, incident, routed, kind, age in rows
    ]


def _place(home: str | None, incident: str, routed: str) -> str:
    """Where a person is counted: residence, else the incident, else (both unknown) where it was routed."""
    return next(place for place in (home, incident, routed) if place and place in municipalities())


async def counted_between(
    session: AsyncSession, population: Population, first: date, last: date
) -> frozenset[bytes]:
    """The subjects counted on a day in [first, last]."""
    rows = await session.scalars(
        select(SealedPerson.subject)
        .join(SignalPerson, SignalPerson.id == SealedPerson.person_id)
        .where(SignalPerson.counted_on.between(first, last), SignalPerson.role.in_(roles_of(population)))
    )
    return frozenset(rows)
