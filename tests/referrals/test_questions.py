"""Questions to the reporter and their answers: who may ask and answer when, and what becomes of it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from service.events.models import Event
from service.pseudonyms.models import SealedQuestion
from service.referrals.models import Feedback, Question, Referral, ReferralStep
from service.trail import AuditEntry
from tests.support.bodies import person, signal
from tests.support.days import MovingClock
from tests.support.register import Register
from tests.support.talking import (
    ANSWER,
    HELP,
    INFORMATION,
    LOCAL,
    OBSERVED,
    OTHER_REPORTER,
    QUESTION,
    REGION,
    REPORTER,
    Talk,
    faults,
    refusal,
    talk,
)

NOT_NOW = (409, "not-possible-now")


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    clock = MovingClock(monkeypatch)
    clock.to("2026-04-01")
    return clock


async def everything(register: Register) -> list[Any]:
    """All that a question or an answer may write, to see that nothing moved."""
    models = (Referral, ReferralStep, Event, Question, SealedQuestion, Feedback)
    return [sorted(map(str, await register.rows(model))) for model in models]


async def test_a_question_and_its_answer_go_to_and_fro(register: Register, time: MovingClock) -> None:
    one = await talk(register)
    await one.claim()
    asked = await one.ask()
    question = {
        "id": asked["id"],
        "kind": "INFORMATION",
        "text": QUESTION,
        "askedAt": "2026-04-01T08:00:00Z",
        "dueOn": "2026-04-10",  # five working days, over Good Friday and Easter
    }
    assert asked == question
    heard = {"code": "F05_NEED_INFO", "at": "2026-04-01T08:00:00Z", "question": question}
    assert (await one.heard())[1:] == [heard]

    time.to("2026-04-02")
    answered = await one.answer(asked)
    assert answered.status_code == 201
    question |= {"answeredAt": "2026-04-02T08:00:00Z", "answer": ANSWER}
    assert answered.json() == question
    assert (await one.heard())[1:] == [heard | {"question": question}]
    read = await one.read()
    assert read["questions"] == [question]
    assert read["history"][1:] == [
        {
            "at": "2026-04-01T08:00:00Z",
            "move": "ask",
            "status": "CLAIMED",
            "actor": "staff.one",
            "detail": "INFORMATION",
        },
        {"at": "2026-04-02T08:00:00Z", "move": "answer", "status": "CLAIMED", "detail": "INFORMATION"},
    ]


async def test_a_question_and_its_answer_are_in_the_trail_and_the_feed(register: Register) -> None:
    one = await talk(register)
    await one.claim()
    asked = await one.ask()
    assert (await one.answer(asked)).status_code == 201
    names = {id_: name for name, id_ in register.loaded.organisations.items()}
    entries = {
        (row.act, row.object_type, row.object_id, names.get(row.organisation_id), row.actor)
        for row in await register.rows(AuditEntry)
        if row.act in ("referral.ask", "question.answer", "referral.answer")
    }
    id_ = one.referral["id"]
    assert entries == {
        ("referral.ask", "referral", id_, LOCAL, "staff.one"),
        ("question.answer", "question", asked["id"], REPORTER, None),
        ("referral.answer", "referral", id_, REPORTER, None),
    }
    events = [
        (row.type, row.subject, names[row.organisation_id], row.audience)
        for row in await register.rows(Event)
        if row.type in ("referral.ask", "signal.feedback", "referral.answer")
    ]
    assert sorted(events) == [
        ("referral.answer", f"/v1/referrals/{id_}", LOCAL, "coordinator"),
        ("referral.ask", f"/v1/referrals/{id_}", LOCAL, "coordinator"),
        ("signal.feedback", f"/v1/signals/{one.signal_id}/feedback", REPORTER, "reporter"),
    ]


@pytest.mark.parametrize("status", ["CLAIMED", "ACCEPTED", "FORWARDED"])
async def test_a_question_changes_neither_state_nor_term(
    register: Register, time: MovingClock, status: str
) -> None:
    one = await talk(register)
    await (one.claim() if status == "CLAIMED" else one.accept())
    if status == "FORWARDED":
        await one.forward()
    before = dict(one.referral)
    time.to("2026-04-01", "10:05")
    asked = await one.ask()
    same = ("status", "dueOn", "leaseUntil", "assignedTo")
    assert [one.referral.get(name) for name in same] == [before.get(name) for name in same]
    assert (one.referral["status"], one.referral["version"]) == (status, before["version"] + 1)
    assert (await one.answer(asked)).status_code == 201
    read = await one.read()
    assert [read.get(name) for name in same] == [before.get(name) for name in same]


async def test_whoever_does_not_hold_it_does_not_ask(register: Register) -> None:
    one = await talk(register)
    before = await everything(register)
    await one.step("questions", INFORMATION, refused=NOT_NOW)
    other = Talk(register, one.signal_id, one.referral, holder=REGION)
    await other.step("questions", INFORMATION, refused=(404, "not-found"))
    assert await everything(register) == before
    await one.accept()
    stale = dict(one.referral)
    await one.ask()
    before = await everything(register)
    for tag, status in (('"3"', 412), (None, 428), ("3", 400)):
        headers = await register.headers(LOCAL, **({"if_match": tag} if tag else {}))
        path = f"/v1/referrals/{stale['id']}/questions"
        assert (await register.http.post(path, json=INFORMATION, headers=headers)).status_code == status
    assert await everything(register) == before
    await one.step("closure", {"outcome": "ADVICE_ONLY"})
    await one.step("questions", INFORMATION, refused=NOT_NOW)


async def test_a_recipient_does_not_ask_the_reporter_and_reads_no_questions(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    asked = await one.ask()
    await one.answer(asked)
    await one.read()
    await one.forward()
    child = Talk(register, one.signal_id, {}, holder=HELP)
    assert (await child.claim())["questions"] == []
    before = await everything(register)
    await child.step("questions", INFORMATION, refused=NOT_NOW)
    await child.step("acceptance")
    await child.step("questions", INFORMATION, refused=NOT_NOW)
    assert len(await register.rows(Question)) == 1
    assert (await everything(register))[3:5] == before[3:5]
    assert QUESTION not in str(await child.read())


WRONG_QUESTIONS = {
    "nothing": ({}, ("/kind", "required")),
    "no such kind": ({"kind": "CHAT", "text": QUESTION}, ("/kind", "unknown-code")),
    "information without words": ({"kind": "INFORMATION"}, ("", "incomplete")),
    "empty words": ({"kind": "INFORMATION", "text": ""}, ("/text", "too-short")),
    "too many words": ({"kind": "INFORMATION", "text": "a " * 141}, ("/text", "too-long")),
    "a control character": ({"kind": "INFORMATION", "text": "ja\u0007"}, ("/text", "wrong-form")),
    "information to forward": (INFORMATION | {"organisationType": "HALT"}, ("", "incomplete")),
    "permission for nobody": ({"kind": "PERMISSION"}, ("", "incomplete")),
    "no such type": ({"kind": "PERMISSION", "organisationType": "X"}, ("/organisationType", "unknown-code")),
    "more than there is": (INFORMATION | {"urgent": True}, ("/urgent", "unknown-field")),
}


async def test_a_question_of_a_wrong_form_says_where(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    before = await everything(register)
    for name, (body, fault) in WRONG_QUESTIONS.items():
        answer = await register.step(one.referral, "questions", body)
        assert faults(answer) == [fault], name
    assert await everything(register) == before


async def test_an_answer_of_a_wrong_form_says_where(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    words = await one.ask()
    permission = await one.ask(kind="PERMISSION", organisationType="HALT")
    before = await everything(register)
    wrong: list[tuple[Any, dict[str, Any], tuple[str, str]]] = [
        (words, {"permitted": True}, ("/text", "required")),
        (words, {"text": "Ja.", "permitted": True}, ("/permitted", "not-for-this-kind")),
        (permission, {"text": "Ja."}, ("/permitted", "required")),
        (permission, {"permitted": "perhaps"}, ("/permitted", "wrong-type")),
        (words, {"text": ""}, ("/text", "too-short")),
        (words, {"text": "a " * 141}, ("/text", "too-long")),
        ({"id": "x"}, {"text": "Ja."}, ("/question", "wrong-form")),
        (words, {"text": "Ja.", "note": "Nee."}, ("/note", "unknown-field")),
    ]
    for question, body, fault in wrong:
        assert faults(await one.answer(question, **body)) == [fault], body
    assert await everything(register) == before


async def test_only_the_reporter_answers_and_only_a_question_about_that_signal(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    asked = await one.ask()
    another = await talk(register)
    theirs = await talk(register, OTHER_REPORTER, persons=[person()])
    before = await everything(register)
    for stranger, expected in (
        (OTHER_REPORTER, (404, "not-found")),
        (LOCAL, (404, "not-found")),  # did not enter it
        (HELP, (403, "forbidden")),
    ):
        assert refusal(await one.answer(asked, by=stranger)) == expected, stranger
    assert refusal(await one.answer({"id": str(uuid.uuid4())})) == (409, "no-such-question")
    assert refusal(await another.answer(asked)) == (409, "no-such-question")
    assert refusal(await theirs.answer(asked)) == (409, "no-such-question")
    nowhere = Talk(register, str(uuid.uuid4()), {})
    assert refusal(await nowhere.answer(asked)) == (404, "not-found")
    path, body = f"/v1/signals/{one.signal_id}/answers", {"question": asked["id"], "text": ANSWER}
    assert (await register.http.post(path, json=body)).status_code == 401
    assert await everything(register) == before


async def test_the_first_answer_stays(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    asked = await one.ask()
    first = await one.answer(asked)
    before = await everything(register)
    again = await one.answer(asked)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert refusal(await one.answer(asked, text="Toch wel.")) == (409, "answered-already")
    assert await everything(register) == before


async def test_two_answers_at_once_are_one(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    asked = await one.ask()
    texts = ("Ja, gisteren.", "Nee, nog niet.")
    async with held_up(register, len(texts)):
        answering = [asyncio.create_task(one.answer(asked, text=words)) for words in texts]
    answers = await asyncio.gather(*answering)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (stands,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert (await one.read())["questions"] == [stands]
    assert [step["move"] for step in one.referral["history"]].count("answer") == 1


@asynccontextmanager
async def held_up(register: Register, answers: int) -> AsyncIterator[None]:
    """On PostgreSQL: let so many answers get as far as they can beside each other (SQLite has one writer)."""
    if register.database.is_sqlite:
        yield
        return
    waiting = text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
    async with register.database.writing() as session:
        await session.execute(text("LOCK TABLE sealed_question IN EXCLUSIVE MODE"))
        yield
        for _ in range(500):
            if (await session.execute(waiting)).scalar_one() == answers:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the answers did not wait for each other")


async def test_when_the_referral_has_ended_nobody_waits_for_an_answer(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    answered, left = await one.ask(), await one.ask()
    first = await one.answer(answered)
    await one.read()
    await one.step("closure", {"outcome": "ADVICE_ONLY"})
    before = await everything(register)
    assert refusal(await one.answer(left)) == (409, "nobody-asks-any-more")
    again = await one.answer(answered)
    assert (again.status_code, again.json()) == (201, first.json())
    assert await everything(register) == before


async def test_at_most_five_questions_about_a_signal_are_open(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    asked = [await one.ask() for _ in range(5)]
    assert [question["id"] for question in one.referral["questions"]] == [
        question["id"] for question in asked
    ]
    before = await everything(register)
    await one.step("questions", INFORMATION, refused=(409, "too-many-questions"))
    assert await everything(register) == before
    headers = await register.headers(LOCAL)
    assert (await register.http.get("/v1/workload", headers=headers)).json()["questionsOpen"] == 5
    await one.answer(asked[2])
    await one.read()
    await one.ask()
    await one.step("questions", INFORMATION, refused=(409, "too-many-questions"))

    await one.step("return", {"reason": "INVOLVED"})  # what the one before waits for leaves room for the next
    await one.claim(REGION)
    assert len([await one.ask() for _ in range(5)]) == 5
    await one.step("questions", INFORMATION, refused=(409, "too-many-questions"))


async def test_an_answer_makes_whoever_holds_it_read_it_again(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    asked = await one.ask()
    held = dict(one.referral)
    await one.answer(asked)
    await one.step("closure", {"outcome": "ADVICE_ONLY"}, refused=(412, "stale"))
    read = await one.read()
    assert read["version"] == held["version"] + 1
    await one.step("closure", {"outcome": "ADVICE_ONLY"})


async def test_after_a_return_the_new_holder_reads_what_was_asked_and_answered(register: Register) -> None:
    one = await talk(register)
    await one.claim()
    answered, left = await one.ask(), await one.ask(kind="INFORMATION", text="Waar is dit gezien?")
    await one.answer(answered)
    await one.read()
    await one.step("return", {"reason": "NO_CAPACITY"})
    held = await one.claim(REGION)
    assert [(asked["id"], asked.get("answer")) for asked in held["questions"]] == [
        (answered["id"], ANSWER),
        (left["id"], None),
    ]
    assert (await one.answer(left, text="Op het plein, twee keer.")).status_code == 201
    read = await one.read()
    assert [asked["answer"] for asked in read["questions"]] == [ANSWER, "Op het plein, twee keer."]
    assert read["version"] == held["version"] + 1
    told = [row for row in await register.rows(Event) if row.type == "referral.answer"]
    organisations = register.loaded.organisations
    assert [row.organisation_id for row in told] == [organisations[LOCAL], organisations[REGION]]


async def test_after_a_correction_another_contact_point_reads_them_too(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    await one.answer(await one.ask())
    corrected = signal(
        **OBSERVED, municipalities={"incident": "GM0772"}, persons=[person(municipality="GM0772")]
    )
    headers = await register.headers(REPORTER, if_match='"1"')
    path = f"/v1/signals/{one.signal_id}/corrections"
    assert (await register.http.post(path, json=corrected, headers=headers)).status_code == 201
    held = await one.claim(REGION)
    assert [asked["answer"] for asked in held["questions"]] == [ANSWER]
