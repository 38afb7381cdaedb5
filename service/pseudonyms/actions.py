"""Writing the sealed side, in the transaction of the signal."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service.pseudonyms.models import SealedPerson, SealedQuestion, SealedSignal
from service.pseudonyms.sealing import QUESTIONS, Seal, Sealer
from service.rows import insert_rows

_person, _signal = SealedPerson.__table__, SealedSignal.__table__
_question = SealedQuestion.__table__


async def seal(
    session: AsyncSession, persons: Sequence[dict[str, Any]], signals: Sequence[dict[str, Any]]
) -> None:
    """Write rows made by `Seal.rows` and `Seal.signal_row`."""
    await insert_rows(session, _person, persons)
    await insert_rows(session, _signal, signals)


async def unseal(session: AsyncSession, signal_id: UUID, person_ids: Sequence[UUID]) -> None:
    """Remove all that is sealed of a signal with these persons, for it to be replaced."""
    await session.execute(delete(_person).where(_person.c.person_id.in_(person_ids)))
    await session.execute(delete(_signal).where(_signal.c.signal_id == signal_id))


async def seal_question(session: AsyncSession, row: dict[str, Any]) -> None:
    """Write the sealed row of a new question."""
    await insert_rows(session, _question, [row])


async def seal_answer(
    session: AsyncSession, sealer: Sealer, seal: Seal, *, question_id: UUID, answer: str | None
) -> None:
    """Put the answer beside its question, both under the label of `seal`."""
    row = (
        await session.execute(
            select(_question).where(_question.c.question_id == question_id).with_for_update()
        )
    ).one()
    asked = sealer.open_text(row.question, row.key_label, "question", question_id, table=QUESTIONS)
    values = {
        "key_label": seal.label,
        "question": seal.close_text(asked, "question", question_id, table=QUESTIONS),
        "answer": seal.close_text(answer, "answer", question_id, table=QUESTIONS),
    }
    await session.execute(update(_question).where(_question.c.question_id == question_id).values(**values))
