"""The facts of signals that nobody sent, for simulations; `synthesis` draws them. Pure."""

from collections.abc import Iterator
from datetime import date

from service.routing.facts import Facts, PersonFacts
from service.synthesis.bodies import Body
from service.synthesis.generate import generate
from service.synthesis.pack import load_pack

ANY_YEAR = date(2026, 1, 1), date(2026, 12, 31)  # rules know no days


def synthetic_signals(count: int, seed: int) -> Iterator[Facts]:
    """So many signals; the same seed gives the same ones."""
    pack = load_pack()
    types = {client.name: pack.organisation(client.organisation).type for client in pack.clients}
    return (_facts(one.body, types[one.client]) for one in generate(pack, count, seed, *ANY_YEAR))


def _facts(body: Body, reporter_type: str) -> Facts:
    group = body.get("group")
    seen = [one["code"] for one in body.get("indicators", ()) if one["observation"] == "OBSERVED"]
    return Facts(
        primary_type=body["primaryType"],
        types=frozenset((body["primaryType"], *body.get("types", ()))),
        settings=frozenset((*body.get("settings", ()), *([group["setting"]] if group else ()))),
        indicators=frozenset(seen),
        urgency=body.get("urgency"),
        flag=body.get("flag"),
        flag_criteria=frozenset(body.get("flagCriteria", ())),
        reporter_type=reporter_type,
        persons=tuple(
            PersonFacts(one["role"], one["ageBand"], one["gender"], one.get("victimStatus"))
            for one in body.get("persons", ())
        ),
        group=group is not None,
    )
