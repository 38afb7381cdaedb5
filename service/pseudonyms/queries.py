"""Reading the sealed side: which label is in use, tokens to compare, texts for those who may read them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.pseudonyms.errors import KeysRotating
from service.pseudonyms.models import SealedPerson, SealingKey
from service.pseudonyms.sealing import Seal, Sealer
from service.snapshot import hold_reference

_key = SealingKey.__table__


async def label_in_use(session: AsyncSession) -> str:
    """The label under which is sealed: the one that came into use last."""
    return (await labels(session))[-1]


async def present_seal(session: AsyncSession, sealer: Sealer) -> Seal:
    """What seals now, and until this transaction ends: nobody leaves its label meanwhile."""
    await hold_reference(session)
    return sealer.under(await label_in_use(session))


async def labels(session: AsyncSession) -> Sequence[str]:
    """The labels that something may be sealed under."""
    kept = select(_key.c.label).where(_key.c.used_from.is_not(None), _key.c.deleted_at.is_(None))
    return (await session.scalars(kept.order_by(_key.c.used_from))).all()


async def settled_label(session: AsyncSession) -> str:
    """The label under which everything is sealed; raises `KeysRotating` while some is under another.

    Subjects of different labels say nothing about each other: who compares those of many signals asks this before
    and after, and believes the comparison if the answer was the same.
    """
    label = await label_in_use(session)
    other = await session.scalars(
        select(SealedPerson.key_label).where(SealedPerson.key_label != label).limit(1)
    )
    if other.first() is not None:
        raise KeysRotating
    return label


async def tokens_of(
    session: AsyncSession, sealer: Sealer, person_ids: Sequence[UUID]
) -> Mapping[UUID, frozenset[str]]:
    """The tokens of persons, in clear, whatever the label; those who are UNKNOWN have none."""
    rows = await session.scalars(select(SealedPerson).where(SealedPerson.person_id.in_(person_ids)))
    found: dict[UUID, set[str]] = defaultdict(set)
    for row in rows:
        found[row.person_id].add(sealer.open_token(row.token, row.key_label, row.person_id, row.position))
    return {person_id: frozenset(tokens) for person_id, tokens in found.items()}
