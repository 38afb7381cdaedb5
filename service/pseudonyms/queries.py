"""Reading the sealed side: the subjects of persons, and the texts of signals for those who may read them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.pseudonyms.models import SealedPerson, SealedSignal
from service.pseudonyms.sealing import Sealer


@dataclass(frozen=True, slots=True)
class SealedTexts:
    """What a signal keeps sealed besides its persons."""

    note: str | None = None
    partner_reference: str | None = None


async def texts_of(
    session: AsyncSession, sealer: Sealer, signal_ids: Sequence[UUID]
) -> Mapping[UUID, SealedTexts]:
    """Notes and partner references in clear, by signal; signals without either are left out."""
    rows = await session.scalars(select(SealedSignal).where(SealedSignal.signal_id.in_(signal_ids)))
    return {
        row.signal_id: SealedTexts(
            note=row.note and sealer.open_text(row.note, "note", row.signal_id),
            partner_reference=row.partner_reference
            and sealer.open_text(row.partner_reference, "partner_reference", row.signal_id),
        )
        for row in rows
    }


async def subjects_of(session: AsyncSession, person_ids: Sequence[UUID]) -> Mapping[UUID, frozenset[bytes]]:
    """The subjects of persons in signals; those who are UNKNOWN have none."""
    rows = await session.execute(
        select(SealedPerson.person_id, SealedPerson.subject).where(SealedPerson.person_id.in_(person_ids))
    )
    found: dict[UUID, set[bytes]] = defaultdict(set)
    for person_id, subject in rows:
        found[person_id].add(subject)
    return {person_id: frozenset(subjects) for person_id, subjects in found.items()}
