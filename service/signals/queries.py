"""Reading signals: a reporter its own, other rooms by id."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.errors import NotFound
from service.signals.models import PersonContent, Signal, SignalContent, SignalPerson, SignalRead


async def get_own_signal(session: AsyncSession, organisation_id: UUID, signal_id: UUID) -> SignalRead:
    """A signal of this organisation; raises `NotFound`, the same for another's as for none."""
    signal = (
        await session.scalars(
            select(Signal).where(Signal.id == signal_id, Signal.organisation_id == organisation_id)
        )
    ).one_or_none()
    if signal is None:
        raise NotFound
    persons = await persons_of(session, [signal.id])
    return SignalRead(
        id=signal.id,
        version=signal.version,
        status=signal.status,
        received_at=signal.received_at,
        remove_by=signal.remove_by,
        body_digest=signal.body_digest,
        signal=SignalContent.model_validate(signal.content),
        persons=[person_content(person) for person in persons[signal.id]],
    )


async def persons_of(
    session: AsyncSession, signal_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[SignalPerson]]:
    """The persons of signals, in the order of the body."""
    found: dict[UUID, list[SignalPerson]] = defaultdict(list)
    rows = await session.scalars(
        select(SignalPerson)
        .where(SignalPerson.signal_id.in_(signal_ids))
        .order_by(SignalPerson.signal_id, SignalPerson.position)
    )
    for person in rows:
        found[person.signal_id].append(person)
    return found


def person_content(person: SignalPerson) -> PersonContent:
    """A stored person as it goes over the wire."""
    return PersonContent.model_validate(
        {
            "role": person.role,
            "ageBand": person.age_band,
            "gender": person.gender,
            "municipality": person.municipality,
            "victimStatus": person.victim_status,
        }
    )
