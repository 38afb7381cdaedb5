"""Reading the questions about signals with their answers, in clear: for the holder of the referral and the reporter."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from service.pseudonyms.models import SealedQuestion
from service.pseudonyms.sealing import QUESTIONS, Sealer
from service.referrals.gathering import Gathering, without_nothing
from service.referrals.models import Question
from service.wire import on_the_wire

_question, _words = Question.__table__, SealedQuestion.__table__

_QUESTIONS = Gathering(
    _question.c.signal_id,
    select(_question, _words.c.key_label, _words.c.question, _words.c.answer).select_from(
        _question.outerjoin(_words, _words.c.question_id == _question.c.id)
    ),
    order=(_question.c.id,),
)


async def questions_of(
    session: AsyncSession, sealer: Sealer, signal_ids: Iterable[UUID]
) -> Mapping[UUID, list[dict[str, Any]]]:
    """The questions about signals with their answers, as `QuestionRead`, oldest first."""
    rows = await _QUESTIONS.of(session, signal_ids)
    return {signal_id: [_told_question(row, sealer) for row in its] for signal_id, its in rows.items()}


def _told_question(row: Row[Any], sealer: Sealer) -> dict[str, Any]:
    def words(column: str, sealed: bytes | None) -> str | None:
        return sealer.open_text(sealed, row.key_label, column, row.id, table=QUESTIONS)

    return without_nothing(
        {
            "id": row.id,
            "kind": row.kind,
            "organisationType": row.organisation_type,
            "text": words("question", row.question),
            "askedAt": on_the_wire(row.asked_at),
            "dueOn": row.due_on,
            "answeredAt": row.answered_at and on_the_wire(row.answered_at),
            "answer": words("answer", row.answer),
            "permitted": row.permitted,
        }
    )
