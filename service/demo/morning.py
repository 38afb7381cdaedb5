"""The coordinator's morning: what happened overnight, whom to phone, a question and its answer, forwarding, closing.

Over the public API like every other scene. Called by `story`.
"""

from typing import Any

from service.client.connection import Connection
from service.demo.screen import Screen
from service.vocabulary.lists import label

QUESTION = "Is de foto nog te zien, en weet de leerling dat er een melding is?"
ANSWER = "Hij is verwijderd. De leerling weet het en wil graag hulp."


async def the_coordinators_morning(
    clients: dict[str, Connection], organisations: dict[str, Any], signals: dict[str, str], screen: Screen
) -> None:
    """From the feed to a closed referral; `signals` are the ids of today's signals by client."""
    point = clients["contact-point-helmond"]
    screen.chapter(
        "The coordinator's morning",
        "The client of the central contact point reads its feed, which says that something happened, never what, "
        "and waits for work by a long poll. What it claims is held for a quarter of an hour; nobody else gets it.",
    )
    news, place = await point.events()
    screen.figures("Its workload", await point.get("/v1/workload"))
    claimed = await point.claim(limit=10, leaseSeconds=900, wait=10)
    screen.queue(
        f"Claimed by Centraal meldpunt Helmond en De Peel, after {len(news)} events in its feed", claimed
    )
    accepted = {one["signal"]["primaryType"]: await point.step(one, "acceptance") for one in claimed}
    pictures = await _a_question_is_answered(
        point, clients["school-helmond"], accepted["SHAME_SEXTING"], signals["school-helmond"], screen
    )
    await _halt_takes_it_on(point, clients["halt-oost-brabant"], pictures, organisations, screen)
    await _somebody_else_has_to_take_it(clients, accepted["CRIMINAL_EXPLOITATION"], screen)
    closed = await point.step(accepted["LOVERBOY"], "closure", {"outcome": "SUPPORT_STARTED"})
    screen.say(
        f"The loverboy referral is closed: {label('referral_outcome', closed['outcome'])}. Each reporter hears at "
        "every step what became of its signal, by a code; the school by now:"
    )
    screen.heard(await _feedback(clients["school-helmond"], signals["school-helmond"]))
    later, _ = await point.events(place, wait=10)
    screen.say(f"And the feed goes on where it was read: {len(later)} events more.")


async def _a_question_is_answered(
    point: Connection, school: Connection, referral: dict[str, Any], signal_id: str, screen: Screen
) -> dict[str, Any]:
    """The coordinator asks, the reporter answers; the referral with the answer."""
    whom = referral["reporter"]
    screen.say(
        f"About the pictures the coordinator could phone: {whom['organisation']}, {whom['function']}, "
        f"{whom['phone']}. Or ask in the register; both texts are screened and sealed:"
    )
    await point.step(referral, "questions", {"kind": "INFORMATION", "text": QUESTION})
    question = (await _feedback(school, signal_id))[-1]["question"]
    answer = {"question": question["id"], "text": ANSWER}
    await school.call("POST", f"/v1/signals/{signal_id}/answers", json=answer)
    read: dict[str, Any] = await point.get(f"/v1/referrals/{referral['id']}")
    (asked,) = read["questions"]
    screen.say(f"[italic]“{asked['text']}”[/] The school: [italic]“{asked['answer']}”[/]")
    return read


async def _halt_takes_it_on(
    point: Connection,
    halt: Connection,
    referral: dict[str, Any],
    organisations: dict[str, Any],
    screen: Screen,
) -> None:
    recipient = str(organisations["halt-oost-brabant"])
    await point.step(referral, "forwarding", {"organisation": recipient})
    (for_halt,) = await halt.claim(limit=10)
    screen.say(
        "The shame-sexting goes to Halt. Halt sees the suspect only, and only the fields that the working "
        "agreement opens:"
    )
    screen.told("What Halt is told", for_halt["signal"])
    taken = await halt.step(for_halt, "acceptance")
    await halt.step(taken, "closure", {"outcome": "HALT_PROGRAMME"})
    back = await point.get(f"/v1/referrals/{referral['id']}")
    (child,) = back["children"]
    screen.say(
        f"Halt is done ({label('referral_outcome', child['outcome'])}), so the referral is with the contact point "
        f"again: {label('referral_status', back['status'])}, to be ended by {back['dueOn']}."
    )


async def _somebody_else_has_to_take_it(
    clients: dict[str, Connection], referral: dict[str, Any], screen: Screen
) -> None:
    point, regional = clients["contact-point-helmond"], clients["contact-point-brabant-zuidoost"]
    await point.step(referral, "return", {"reason": "INVOLVED"})
    (claimed,) = await regional.claim(limit=10)
    screen.say(
        "The coordinator knows the boy of the third signal, and returns it. The regional contact point has it at "
        f"once, with the same term: {claimed['dueOn']}."
    )
    await regional.step(claimed, "acceptance")


async def _feedback(reporter: Connection, signal_id: str) -> list[dict[str, Any]]:
    return list((await reporter.get(f"/v1/signals/{signal_id}/feedback"))["items"])
