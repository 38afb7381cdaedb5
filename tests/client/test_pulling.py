"""`client pull`: a contact point and a recipient work their queues from the command line."""

import json
from typing import Any

import pytest

from tests.client.test_posting import file_of
from tests.support.place import Place

# What the database is, is all one to the client: test_posting goes through both.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


def test_a_referral_is_claimed_shown_accepted_forwarded_and_answered(place: Place) -> None:
    youth, point = place.partner(), place.partner("contact-point-helmond", ACTOR="staff.one")
    halt = place.partner("veilig-thuis-zuidoost-brabant", ACTOR="staff.two")
    recipient = str(place.loaded.organisations["veilig-thuis-zuidoost-brabant"])
    with place.register(), place.key_service():
        assert youth.run("post", str(file_of(youth, 1))).code == 0
        claimed = point.run("pull", "claim", "--json")
        (referral,) = [json.loads(line) for line in claimed.out.splitlines()]
        shown = point.run("pull", "show", referral["id"])
        english = point.run("pull", "show", referral["id"], "--language", "en")
        stale = point.run("pull", "accept", referral["id"], "--version", "1")
        accepted = point.run("pull", "accept", referral["id"], "--json")
        waiting = point.run("pull", "show", "--status", "WAITING")
        forwarded = point.run("pull", "forward", referral["id"], recipient, "--person", "0")
        (theirs,) = [json.loads(line) for line in halt.run("pull", "claim", "--json").out.splitlines()]
        halt.run("pull", "accept", theirs["id"])
        wrong = halt.run("pull", "close", theirs["id"], "NO_OUTCOME")
        answered = halt.run("pull", "close", theirs["id"], "SUPPORT_STARTED", "--json")
        closed = point.run("pull", "close", referral["id"], "SUPPORT_STARTED", "--json")

    assert claimed.code == shown.code == accepted.code == forwarded.code == 0, claimed.err + forwarded.err
    assert referral["status"] == "CLAIMED"
    for told in (
        "Loverboy",
        "kenmerk: JPT-0",
        "Helmond",
        "persoon: (Mogelijk) slachtoffer",
        "uiterlijk",
    ):
        assert told in shown.out, shown.out
    assert "reference: JPT-0" in english.out
    assert (stale.code, "It has changed since you read it" in stale.err) == (1, True)
    assert json.loads(accepted.out)["status"] == "ACCEPTED"
    assert (waiting.code, waiting.out) == (0, "")
    assert (wrong.code, "/outcome" in wrong.err) == (1, True)
    assert json.loads(answered.out)["status"] == json.loads(closed.out)["status"] == "CLOSED"


def test_what_cannot_be_done_is_told_with_its_code(place: Place) -> None:
    point = place.partner("contact-point-helmond")
    nowhere = "0199c0de-0000-7000-8000-000000000001"
    away = point.run("pull", "show")
    with place.register():
        nameless = point.run("pull", "show")
        point.more["ACTOR"] = "staff.one"
        none = point.run("pull", "show", nowhere)
        empty = point.run("pull", "claim")
        language = point.run("pull", "show", "--language", "fr")

    assert (away.code, "is away" in away.err) == (75, True)
    assert (nameless.code, "header:Actor" in nameless.err) == (1, True)
    assert (none.code, "There is nothing here" in none.err) == (1, True)
    assert (empty.code, empty.out) == (0, "")
    assert language.code == 2


def test_a_day_of_questions_colleagues_and_changed_minds(place: Place) -> None:
    """Every other command of the queue, and what the reporter hears of it."""
    youth, point = place.partner(), place.partner("contact-point-helmond", ACTOR="staff.one")
    halt = place.partner("veilig-thuis-zuidoost-brabant", ACTOR="staff.two")
    recipient = str(place.loaded.organisations["veilig-thuis-zuidoost-brabant"])

    def pulled(*command: str) -> dict[str, Any]:
        run = point.run("pull", *command, "--json")
        assert run.code == 0, (command, run.err)
        return dict(json.loads(run.out))

    def heard(*command: str) -> list[dict[str, Any]]:
        run = youth.run("hear", *command)
        assert run.code == 0, (command, run.err)
        return [dict(json.loads(line)) for line in run.out.splitlines()]

    with place.register(), place.key_service():
        assert youth.run("post", str(file_of(youth, 1))).code == 0
        id_ = pulled("claim", "--wait", "1")["id"]
        released = pulled("release", id_)
        pulled("claim")
        pulled("accept", id_)
        assigned = pulled("assign", id_, "staff.three")
        (question,) = pulled("ask", id_, "Is er nog contact met school?")["questions"]
        *told, end = heard("events", "--wait", "5")
        signal = next(one["subject"] for one in told if "signal" in one["subject"]).rpartition("/")[2]
        feedback = youth.run("hear", "feedback", signal)
        answered = youth.run("hear", "answer", signal, question["id"], "Ja, elke week.")
        refused = youth.run("hear", "answer", signal, question["id"], "Nee.")
        nothing_new = heard("events", "--after", end["after"])
        forwarded = pulled("forward", id_, recipient)
        recalled = pulled("recall", id_, forwarded["children"][0]["id"])
        shown = halt.run("pull", "show", "--status", "WAITING")
        returned = pulled("return", id_, "NO_CAPACITY")

    assert (released["status"], assigned["assignedTo"]) == ("WAITING", "staff.three")
    assert (feedback.code, answered.code, refused.code) == (0, 0, 1), (feedback.err, answered.err)
    assert "Is er nog contact met school?" in feedback.out
    assert "→ Ja, elke week." in answered.out
    assert "This question has another answer already" in refused.err
    assert set(nothing_new[-1]) == {"after"}
    assert (forwarded["status"], recalled["status"], returned["status"]) == (
        "FORWARDED",
        "ACCEPTED",
        "RETURNED",
    )
    assert (shown.code, shown.out) == (0, "")
