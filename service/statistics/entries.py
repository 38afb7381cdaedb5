"""Reading what is counted: person entries and courses of signals, and who was counted before. Called by `tallies`.

Each signal is read once, whatever populations it is counted in.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.organisations.queries import organisations_by_id
from service.pseudonyms.models import SealedPerson
from service.referrals.models import Feedback, Referral
from service.signals.actions import ACTIVE
from service.signals.models import Signal, SignalPerson
from service.statistics.counting import Course, Entry
from service.statistics.menu import Population
from service.vocabulary.lists import code_lists
from service.vocabulary.municipalities import municipalities

Entries = Mapping[str, Sequence[Entry]]


def roles_of(population: Population) -> list[str]:
    """The person roles that belong to a population."""
    return [code.code for code in code_lists()["person_role"].values() if code.group == population.code]


async def entries_between(session: AsyncSession, begin: datetime, end: datetime) -> Entries:
    """The person entries of valid signals received in [begin, end), by population, in order of receipt."""
    population_of = {code.code: code.group for code in code_lists()["person_role"].values() if code.group}
    chosen = (
        Signal.received_at >= begin,
        Signal.received_at < end,
        Signal.status == ACTIVE,
        SignalPerson.role.in_(population_of),
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
    types = {id_: one.type for id_, one in (await organisations_by_id(session)).items()}
    rows = await session.execute(
        select(
            SignalPerson.id,
            SignalPerson.signal_id,
            SignalPerson.role,
            Signal.received_at,
            Signal.organisation_id,
            SignalPerson.municipality,
            Signal.incident_municipality,
            Signal.municipality.label("routed"),
            Signal.primary_type,
            SignalPerson.age_band,
            SignalPerson.gender,
            Signal.content["settings"].label("settings"),
        )
        .join(Signal, Signal.id == SignalPerson.signal_id)
        .where(*chosen)
        .order_by(Signal.received_at, Signal.id, SignalPerson.position)
    )
    found: dict[str, list[Entry]] = {population: [] for population in population_of.values()}
    for row in rows:
        found[population_of[row.role]].append(_entry(row, tuple(subjects.get(row.id, ())), types))
    return found


async def courses_between(session: AsyncSession, begin: datetime, end: datetime) -> list[Course]:
    """What the valid signals received in [begin, end) have come to by now."""
    chosen = (Signal.received_at >= begin, Signal.received_at < end, Signal.status == ACTIVE)
    types = {id_: one.type for id_, one in (await organisations_by_id(session)).items()}
    heard = dict(
        await _pairs(
            session,
            select(Feedback.signal_id, Feedback.within_term)
            .join(Signal, Signal.id == Feedback.signal_id)
            .where(*chosen, Feedback.within_term.is_not(None)),
        )
    )
    referrals: dict[UUID, list[Any]] = defaultdict(list)
    for row in await session.execute(
        select(Referral.signal_id, Referral.decided_at, Referral.ended_at, Referral.outcome)
        .join(Signal, Signal.id == Referral.signal_id)
        .where(*chosen, Referral.parent_id.is_(None))
        .order_by(Referral.received_at, Referral.id)
    ):
        referrals[row.signal_id].append(row)
    rows = await session.execute(
        select(
            Signal.id,
            Signal.organisation_id,
            Signal.incident_municipality,
            Signal.municipality,
            Signal.primary_type,
        )
        .where(*chosen)
        .order_by(Signal.received_at, Signal.id)
    )
    return [
        Course(
            organisation_id=row.organisation_id,
            municipality=_place(row.incident_municipality, row.municipality),
            primary_type=row.primary_type,
            reporter_type=types[row.organisation_id],
            is_decided=any(one.decided_at is not None for one in referrals[row.id]),
            outcome=_outcome(referrals[row.id]),
            feedback_within_term=heard.get(row.id),
        )
        for row in rows
    ]


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


async def _pairs(session: AsyncSession, chosen: Any) -> list[tuple[UUID, bool]]:
    return [(row[0], row[1]) for row in await session.execute(chosen)]


def _entry(row: Any, subjects: tuple[bytes, ...], types: Mapping[UUID, str]) -> Entry:
    return Entry(
        person_id=row.id,
        signal_id=row.signal_id,
        received_at=row.received_at,
        subjects=subjects,
        organisation_id=row.organisation_id,
        municipality=_place(row.municipality, row.incident_municipality, row.routed),
        primary_type=row.primary_type,
        age_band=row.age_band,
        gender=row.gender,
        reporter_type=types[row.organisation_id],
        setting=next(iter(row.settings or ()), None),
    )


def _outcome(referrals: Sequence[Any]) -> str | None:
    """With what a signal was closed; None while somebody has it, or where nobody closed it."""
    if any(one.ended_at is None for one in referrals):
        return None
    return next((one.outcome for one in reversed(referrals) if one.outcome is not None), None)


def _place(*known: str | None) -> str:
    """Where it is counted: residence, else the incident, else (both unknown) where it was routed."""
    return next(place for place in known if place and place in municipalities())
