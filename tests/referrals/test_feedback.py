"""What a reporter hears of its signal at each step, and whether the first word came within the term."""

import uuid
from typing import Any

import pytest

from service.events.models import Event
from service.events.numbering import number_events
from service.referrals.models import Feedback
from service.trail import AuditEntry
from tests.support.bodies import person
from tests.support.days import MovingClock
from tests.support.register import Register
from tests.support.talking import (
    ANSWER,
    HALT,
    HELP,
    LOCAL,
    OTHER_REPORTER,
    QUESTION,
    REGION,
    REPORTER,
    Talk,
    faults,
    refusal,
    talk,
)

AT = "2026-11-02T09:00:00Z"
RECEIVED = {"code": "F01_RECEIVED", "at": AT}
TAKEN_UP = {"code": "F02_TAKEN_UP", "at": AT}
CLOSED = {"code": "F07_CLOSED", "at": AT}
WITHHELD = {"code": "F08_NO_FEEDBACK_POSSIBLE", "at": AT}


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    clock = MovingClock(monkeypatch)
    clock.to("2026-11-02")
    return clock


def referred(type: str) -> dict[str, Any]:
    return {"code": "F04_REFERRED", "at": AT, "organisationType": type}


async def within(one: Talk) -> list[tuple[str, bool | None]]:
    """What is written about the term, in the order in which it was told."""
    rows = [row for row in await one.register.rows(Feedback) if str(row.signal_id) == one.signal_id]
    return [(row.code[:3], row.within_term) for row in sorted(rows, key=lambda row: (row.at, row.id))]


async def test_each_step_of_the_contact_point_is_told_by_its_code(
    register: Register, time: MovingClock
) -> None:
    one = await talk(register)
    answer = await one.feedback()
    assert (answer.status_code, answer.json()) == (200, {"items": [RECEIVED]})
    await one.claim()
    assert await one.heard() == [RECEIVED]
    await one.step("acceptance")
    heard: list[Any] = [RECEIVED, TAKEN_UP]
    assert await one.heard() == heard

    asked = await one.ask()
    question = {
        "id": asked["id"],
        "kind": "INFORMATION",
        "text": QUESTION,
        "askedAt": AT,
        "dueOn": "2026-11-09",
    }
    heard.append({"code": "F05_NEED_INFO", "at": AT, "question": question})
    assert await one.heard() == heard
    await one.answer(asked)
    question |= {"answeredAt": AT, "answer": ANSWER}
    assert await one.heard() == heard

    await one.read()
    await one.forward(HELP)
    heard.append(referred("VEILIG_THUIS"))
    assert await one.heard() == heard
    child = Talk(register, one.signal_id, {}, holder=HELP)
    await child.accept()
    await child.step("closure", {"outcome": "SUPPORT_STARTED"})
    await one.read()
    await one.step("closure", {"outcome": "SUPPORT_STARTED"})
    assert await one.heard() == [*heard, CLOSED]


async def test_what_was_not_taken_up_is_told_with_its_reason(register: Register, time: MovingClock) -> None:
    for reason in ("DECLINED_INSUFFICIENT", "DECLINED_NOT_COMPETENT"):
        one = await talk(register)
        await one.accept()
        await one.step("closure", {"outcome": reason})
        declined = {"code": "F03_NOT_TAKEN_UP", "at": AT, "reason": reason}
        assert await one.heard() == [RECEIVED, TAKEN_UP, declined]


async def test_another_outcome_is_not_told(register: Register, time: MovingClock) -> None:
    for outcome in ("CRIMINAL_CASE", "REFUSED_HELP", "NO_CONTACT"):
        one = await talk(register)
        await one.accept()
        await one.step("closure", {"outcome": outcome})
        assert await one.heard() == [RECEIVED, TAKEN_UP, CLOSED]
        assert outcome not in (await one.feedback()).text


async def test_where_it_is_withheld_the_reporter_hears_only_that(
    register: Register, time: MovingClock
) -> None:
    one = await talk(register)
    await one.accept()
    await one.forward(HELP, withholdFeedback=True)
    assert await one.heard() == [RECEIVED, TAKEN_UP, WITHHELD]
    child = Talk(register, one.signal_id, {}, holder=HELP)
    await child.accept()
    await child.step("closure", {"outcome": "CRIMINAL_CASE", "withholdFeedback": True})
    assert await one.heard() == [RECEIVED, TAKEN_UP, WITHHELD]
    await one.read()
    await one.step("closure", {"outcome": "DECLINED_NOT_COMPETENT", "withholdFeedback": True})
    assert await one.heard() == [RECEIVED, TAKEN_UP, WITHHELD, WITHHELD]
    assert "VEILIG_THUIS" not in (await one.feedback()).text
    assert "DECLINED" not in (await one.feedback()).text


async def test_whether_it_is_withheld_is_said_by_yes_or_no(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    body = {"outcome": "ADVICE_ONLY", "withholdFeedback": "perhaps"}
    answer = await register.step(one.referral, "closure", body)
    assert faults(answer) == [("/withholdFeedback", "wrong-type")]


async def test_the_steps_of_a_recipient_tell_the_reporter_nothing(
    register: Register, time: MovingClock
) -> None:
    one = await talk(register, persons=[person(role="SUSPECT")])
    await one.accept()
    await one.forward(HALT)
    heard = await one.heard()
    assert heard == [RECEIVED, TAKEN_UP, referred("HALT")]
    child = Talk(register, one.signal_id, {}, holder=HALT)
    await child.claim()
    await child.step("release")
    await child.accept()
    await child.step("return", {"reason": "NOT_COMPETENT"})
    await one.read()
    await one.forward(HELP)
    again = Talk(register, one.signal_id, {}, holder=HELP)
    await again.accept()
    await again.step("closure", {"outcome": "DECLINED_INSUFFICIENT"})
    assert await one.heard() == [*heard, referred("VEILIG_THUIS")]


async def test_a_return_tells_which_kind_of_organisation_has_it_now(
    register: Register, time: MovingClock
) -> None:
    one = await talk(register)
    await one.claim()
    await one.step("return", {"reason": "NO_CAPACITY"})
    assert await one.heard() == [RECEIVED, referred("ZVH")]
    await one.claim(REGION)
    await one.step("acceptance")
    assert await one.heard() == [RECEIVED, referred("ZVH"), TAKEN_UP]
    await one.step("return", {"reason": "INVOLVED"})
    assert await one.heard() == [RECEIVED, referred("ZVH"), TAKEN_UP], "nobody has it now"


async def test_the_first_word_is_within_the_term_until_its_last_day_is_over(
    register: Register, time: MovingClock
) -> None:
    for day, at, expected in (  # ten working days, over Good Friday and Easter
        ("2026-03-26", "09:00", True),
        ("2026-04-13", "00:01", True),
        ("2026-04-13", "23:59", True),
        ("2026-04-14", "00:01", False),
        ("2026-05-20", "12:00", False),
    ):
        time.to("2026-03-26", "08:00")
        one = await talk(register)
        time.to(day, at)
        await one.accept()
        assert await within(one) == [("F02", expected)], (day, at)


async def test_only_the_first_word_on_what_became_of_it_counts(register: Register, time: MovingClock) -> None:
    time.to("2026-03-26")
    one = await talk(register)
    await one.claim()
    await one.ask()  # says nothing yet of what becomes of it
    time.to("2026-04-13")
    await one.claim()
    await one.step("acceptance")
    first = [("F05", None), ("F02", True)]
    assert await within(one) == first
    time.to("2026-05-01")  # late, but told before
    await one.forward(HELP)
    child = Talk(register, one.signal_id, {}, holder=HELP)
    await child.accept()
    await child.step("closure", {"outcome": "ADVICE_ONLY"})
    await one.read()
    await one.step("closure", {"outcome": "DECLINED_INSUFFICIENT"})
    assert await within(one) == [*first, ("F04", None), ("F03", None)]


async def test_a_late_word_stays_late(register: Register, time: MovingClock) -> None:
    time.to("2026-03-26")
    one = await talk(register)
    await one.claim()
    time.to("2026-04-14")
    await one.claim()
    await one.step("return", {"reason": "NO_CAPACITY"})
    await one.claim(REGION)
    await one.step("acceptance")
    await one.step("closure", {"outcome": "ADVICE_ONLY", "withholdFeedback": True})
    assert await within(one) == [("F04", False), ("F02", None), ("F08", None)]


async def test_each_signal_has_a_term_of_its_own(register: Register, time: MovingClock) -> None:
    time.to("2026-03-26")
    late = await talk(register)
    time.to("2026-03-27")
    timely = await talk(register)
    time.to("2026-04-14")
    for item in (await register.claim()).json()["items"]:
        assert (await register.step(item, "acceptance")).status_code == 200
    assert (await within(late), await within(timely)) == ([("F02", False)], [("F02", True)])


async def test_nobody_else_hears_what_became_of_it(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    await one.forward(HELP)
    for stranger, expected in (
        (OTHER_REPORTER, (404, "not-found")),
        ("jpt-ede", (404, "not-found")),
        (LOCAL, (404, "not-found")),  # did not enter it
        (HELP, (403, "forbidden")),
        ("administrator", (403, "forbidden")),
    ):
        assert refusal(await one.feedback(stranger)) == expected, stranger
    nowhere = Talk(register, str(uuid.uuid4()), {})
    assert refusal(await nowhere.feedback()) == (404, "not-found")
    assert (await register.http.get(f"/v1/signals/{one.signal_id}/feedback")).status_code == 401


async def test_that_it_was_read_is_in_the_trail(register: Register) -> None:
    one = await talk(register)
    await one.heard()
    await one.feedback(OTHER_REPORTER)
    names = {id_: name for name, id_ in register.loaded.organisations.items()}
    entries = [
        (names[row.organisation_id], row.object_type, row.object_id, row.activity, row.outcome)
        for row in await register.rows(AuditEntry)
        if row.act == "feedback.read"
    ]
    assert entries == [(REPORTER, "signal", one.signal_id, "feedback", "done")]


async def test_the_event_is_for_the_reporter_alone(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    await one.ask()
    await one.forward(HELP)
    subject = f"/v1/signals/{one.signal_id}/feedback"
    rows = [row for row in await register.rows(Event) if row.type == "signal.feedback"]
    reporter = register.loaded.organisations[REPORTER]
    assert [(row.organisation_id, row.audience, row.subject) for row in rows] == [
        (reporter, "reporter", subject)
    ] * 3
    await number_events(register.database)
    told = {}
    for client in (REPORTER, OTHER_REPORTER, LOCAL, REGION, HELP):
        answer = await register.http.get("/v1/events", headers=await register.headers(client))
        told[client] = [
            one["subject"] for one in answer.json()["items"] if one["type"].endswith("signal.feedback")
        ]
    assert told == {REPORTER: [subject] * 3, OTHER_REPORTER: [], LOCAL: [], REGION: [], HELP: []}


async def test_a_known_person_and_an_unknown_one_are_answered_alike(
    register: Register, time: MovingClock
) -> None:
    await talk(register, OTHER_REPORTER, persons=[person("known", municipality="GM0743")])
    told = []
    for name in ("known", "unknown", "known"):
        one = await talk(register, persons=[person(name, municipality="GM0762")])
        (one.referral,) = (await register.claim(municipality="GM0762")).json()["items"]
        await one.step("acceptance")
        await one.forward(HELP)
        answer = await one.feedback()
        told.append(
            (answer.status_code, set(answer.headers), answer.headers["Content-Length"], answer.content)
        )
    assert told[0] == told[1] == told[2]
