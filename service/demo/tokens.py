"""The scene of the demo in which a token is made, seen from both sides of the wire.

Youth work knows a girl by her name; the police know her name and number. Each makes its tokens with the key service,
which sees neither; that of the name is the same. Called by `story`, over HTTP like everything else.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from service import base64url, oprf, scheme
from service.client.bodies import prepare
from service.client.connection import Connection
from service.client.state import Pins
from service.client.tokens import Tokens
from service.client.values import dutch_today
from service.demo.scenes import GIRL, GIRL_AT_THE_POLICE
from service.demo.screen import Screen


async def tokens_are_made(
    partners: Mapping[str, Connection], written_down: Callable[[], Awaitable[str]], screen: Screen
) -> None:
    """A token step by step, then by two partners; `written_down` is the last line of the key service's trail."""
    screen.chapter(
        "A token is made",
        "Nobody sends a name or a number. A partner makes a token of it together with the key service, which is "
        "another party's; here it runs beside the register, which production refuses.",
    )
    youth = partners["jpt-helmond"]
    parameters = await youth.get("/v1/parameters")
    (kind, value), *_ = prepare({"persons": [GIRL]}, today=dutch_today()).values[0]
    epoch = parameters["epoch"]
    whole = scheme.whole_input(
        scheme.prefix(parameters["purpose"], parameters["register"], epoch), kind, value
    )
    scalar, element = oprf.blind(whole)
    sent = base64url.encode(element)
    answer = await youth.call("POST", "/v1/evaluations", json={"epoch": epoch, "elements": [sent]})
    output = oprf.finalise(whole, scalar, base64url.decode(answer["elements"][0]))
    token = scheme.token(epoch, kind, scheme.shortened(output))
    screen.sides(
        [
            ("youth work has", whole.decode(), "nothing of it"),
            ("it blinds that, and sends", sent, sent),
            ("it gets back", answer["elements"][0], answer["elements"][0]),
            ("it finishes: the token", token, "nothing of it"),
        ]
    )
    screen.say(f"What the key service wrote down: {await written_down()}")
    by_police = await _made(partners["police-oost-brabant"], GIRL_AT_THE_POLICE)
    again = await _made(youth, GIRL)
    if not (again == [token] and by_police[1] == token):
        raise RuntimeError("two partners made two tokens of one name")
    screen.say(
        "The police know her number as well, and send both tokens. That of the name is the same as at youth work, "
        f"although it was blinded otherwise: {by_police[1]}. That is how two partners meet who may not know the same."
    )


async def _made(partner: Connection, who: dict[str, str]) -> list[str]:
    """The tokens of somebody, the first one first."""
    prepared = prepare({"persons": [who]}, today=dutch_today())
    made = await Tokens(partner, Pins(None)).make(prepared.all_values)
    return [made[value] for value in prepared.all_values]


async def with_tokens(partner: Connection, record: dict[str, Any]) -> dict[str, Any]:
    """The body of a record, with the tokens that its partner makes."""
    prepared = prepare(record, today=dutch_today())
    return prepared.with_tokens(await Tokens(partner, Pins(None)).make(prepared.all_values))
