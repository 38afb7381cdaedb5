"""A note that is refused, a correction, and a batch: the scene of the demo about what partners send.

Over the public API like every other. Called by `story`.
"""

from typing import Any
from uuid import uuid4

from service.client.connection import Connection, Refused
from service.demo.screen import Screen

CARELESS = "Lotte Jansen (geb. 3-5-2011) woont op Kerkstraat 12, snap: lotje.x, moeder bellen: 0612345678"
CAREFUL = "Ze wordt na school opgewacht door een oudere jongen en durft dat thuis niet te zeggen."


async def partners_change_their_minds(
    clients: dict[str, Connection], bodies: dict[str, dict[str, Any]], screen: Screen
) -> None:
    """From a careless note to a corrected signal, and a batch with a broken line; `bodies` by client."""
    screen.chapter(
        "What partners send",
        "A school may write a short note. The guard reads it before anybody does: what may identify somebody is "
        "refused by its kind, and neither stored, nor logged, nor repeated.",
    )
    school, body = clients["school-helmond"], bodies["school-helmond"]
    screen.say(f"[italic]“{CARELESS}”[/]")
    screen.faults(await _refusal(school, body, CARELESS))
    receipt = await school.post_signal(body | {"note": CAREFUL})
    screen.say(f"In other words it is accepted, sealed apart from the rest: [italic]“{CAREFUL}”[/]")
    corrected = await school.correct_signal(receipt["id"], 1, body | {"urgency": "ACUTE"})
    screen.receipt(
        "The school corrects it",
        "It turns out to be acute. The rules decide anew; the contact point sees the next version.",
        corrected,
    )
    await school.withdraw_signal(receipt["id"], 2, "DUPLICATE")
    screen.say(
        "The school finds that a colleague had reported it already, and withdraws it: the referral ends."
    )
    answers = await clients["jpt-helmond"].post_batch(_batch(bodies["jpt-helmond"]))
    screen.batch(answers)


async def _refusal(school: Connection, body: dict[str, Any], note: str) -> dict[str, Any]:
    try:
        await school.post_signal(body | {"note": note})
    except Refused as refused:
        return dict(refused.problem)
    raise RuntimeError("a note full of personal data was accepted")


def _batch(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Three lines of the youth prevention team, the second of them broken."""
    nobody = [{"pseudonym": "UNKNOWN", "role": "AT_RISK", "ageBand": "A12_15", "gender": "M"}]
    bodies = [body | {"persons": nobody}, body | {"primaryType": "SEXTING_CONSENSUAL"}]
    bodies.append(body | {"persons": [], "group": {"size": 6, "setting": "STREET"}})
    return [{"idempotencyKey": str(uuid4()), "signal": body} for body in bodies]
