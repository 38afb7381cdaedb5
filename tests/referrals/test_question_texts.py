"""The words of questions and answers: screened before they are read, sealed where they are kept."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from service.pseudonyms.models import SealedQuestion
from service.pseudonyms.sealing import QUESTIONS, SIGNALS, Sealer
from service.referrals.models import Question
from tests.house.test_canaries import columns_of
from tests.pseudonyms.test_sealing_keys import Steps
from tests.support.register import Register
from tests.support.talking import ANSWER, QUESTION, Talk, faults, talk

PERSONAL = {
    "bsn": "haar nummer is 111222333",
    "name": "vraag het aan Sanne de Vries",
    "phone": "bel 0612345678",
    "address": "woont op de Kerkstraat 12",
}


async def kept(register: Register, *words: str) -> set[str]:
    """Which of these words stand in clear anywhere in the database."""
    columns = await columns_of(register.database)
    assert columns["question.kind"]
    return {word for word in words if any(word.encode() in written for written in columns.values())}


async def same_again(one: Talk, questions: list[dict[str, Any]]) -> None:
    """Both sides read what they read before."""
    assert (await one.read())["questions"] == questions
    assert [told["question"] for told in await one.heard() if "question" in told] == questions


async def test_personal_data_in_a_question_or_an_answer_is_refused_and_kept_nowhere(
    register: Register,
) -> None:
    one = await talk(register)
    await one.accept()
    asked = await one.ask()
    permission = await one.ask(kind="PERMISSION", organisationType="HALT")
    for kind, text in PERSONAL.items():
        about_halt = {"kind": "PERMISSION", "organisationType": "HALT", "text": text}
        for answer in (
            await register.step(one.referral, "questions", {"kind": "INFORMATION", "text": text}),
            await register.step(one.referral, "questions", about_halt),
            await one.answer(asked, text=text),
            await one.answer(permission, permitted=True, text=text),
        ):
            assert faults(answer) == [("/text", f"note.{kind}")]
            assert text not in answer.text
    assert await kept(register, *PERSONAL.values(), "111222333", "Sanne", "0612345678") == set()
    rows = await register.rows(Question)
    assert [(row.answered_at, row.permitted) for row in rows] == [(None, None)] * 2
    assert [row.answer for row in await register.rows(SealedQuestion)] == [None, None]
    assert (await one.read())["version"] == 5


async def test_no_words_stand_in_the_database_in_clear(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    permission = await one.ask(kind="PERMISSION", organisationType="HALT", text="Mag dit worden doorgezet?")
    asked = await one.ask()
    await one.answer(asked)
    await one.answer(permission, permitted=False, text="Nee, nog even niet.")
    await one.read()
    words = (QUESTION, ANSWER, "Mag dit worden doorgezet?", "Nee, nog even niet.", "mentor", "doorgezet")
    assert await kept(register, *words) == set()
    assert await kept(register, "PERMISSION", "staff.one") == {"PERMISSION", "staff.one"}, (
        "else it sees nothing"
    )
    assert [row.question and row.answer and True for row in await register.rows(SealedQuestion)] == [
        True,
        True,
    ]


async def test_the_same_words_are_not_the_same_when_sealed(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    for _ in range(2):
        await one.answer(await one.ask(), text=QUESTION)
        await one.read()
    sealed = [value for row in await register.rows(SealedQuestion) for value in (row.question, row.answer)]
    assert len(set(sealed)) == 4


async def test_a_rotation_keeps_questions_and_answers_readable(register: Register, tmp_path: Path) -> None:
    one, steps = await talk(register), Steps(register, tmp_path)
    await one.accept()
    answered, left = await one.ask(), await one.ask()
    wordless = await one.ask(kind="PERMISSION", organisationType="HALT")
    await one.answer(answered)
    await one.answer(wordless, permitted=True)
    questions = (await one.read())["questions"]
    before = {row.question_id: row for row in await register.rows(SealedQuestion)}

    await steps.done("make")
    await steps.done("use", "k2")
    await same_again(one, questions)
    await one.answer(left, text="Ja, sinds vorige week.")
    assert {row.key_label for row in await register.rows(SealedQuestion) if row.answer} == {"k1", "k2"}
    questions = (await one.read())["questions"]
    words = [(asked.get("text"), asked.get("answer")) for asked in questions]
    assert words == [(QUESTION, ANSWER), (QUESTION, "Ja, sinds vorige week."), (None, None)]
    assert "sealed under this label" in await steps.refused("delete", "k1")

    assert await steps.done("rekey") == "4"  # a person, two questions, the digest of the post
    after = await register.rows(SealedQuestion)
    assert {row.key_label for row in after} == {"k2"}
    assert all(row.question is None or row.question != before[row.question_id].question for row in after)
    await same_again(one, questions)
    assert await steps.done("delete", "k1") == "k1"
    await same_again(one, questions)
    assert (await one.answer(left, text="Ja, sinds vorige week.")).status_code == 201, "the same answer again"


async def test_a_label_that_only_a_question_is_sealed_under_is_not_deleted(
    register: Register, tmp_path: Path
) -> None:
    one, steps = await talk(register), Steps(register, tmp_path)
    await one.accept()
    await steps.done("make")
    await steps.done("use", "k2")
    await one.ask()
    await steps.done("make")
    await steps.done("use", "k3")
    assert await steps.refused("delete", "k2") == "1 values are sealed under this label: re-key first"
    await steps.done("rekey")
    assert await steps.done("delete", "k2") == "k2"
    assert (await one.read())["questions"][0]["text"] == QUESTION


async def test_words_open_in_their_own_place_only(register: Register, tmp_path: Path) -> None:
    one = await talk(register)
    await one.accept()
    await one.answer(await one.ask())
    await one.read()
    await one.ask()
    answered, other = await register.rows(SealedQuestion)
    sealer = Sealer(tmp_path / "keys")

    def opened(sealed: bytes, column: str, row: Any, table: str = QUESTIONS) -> str | None:
        return sealer.open_text(sealed, "k1", column, row.question_id, table=table)

    assert opened(answered.question, "question", answered) == QUESTION
    assert opened(answered.answer, "answer", answered) == ANSWER
    for sealed, column, row, table in (
        (answered.question, "question", other, QUESTIONS),
        (answered.question, "answer", answered, QUESTIONS),
        (answered.answer, "note", answered, SIGNALS),
    ):
        with pytest.raises(InvalidTag):
            opened(sealed, column, row, table)
