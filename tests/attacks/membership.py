"""Attack 10: whether a person is known, by an organisation that asks about it and does not own its signals.

Posts and checks signals about persons whom another organisation reported and about persons whom nobody did, and looks
whether any answer, event or order parts the two. Wins for each known person who can be told from the unknown ones.
"""

import json
import re
from collections.abc import Awaitable, Callable, Sequence

import httpx

from service.events.numbering import number_events
from tests.attacks.world import World
from tests.support.bodies import person, signal

KNOWING, CURIOUS = "jpt-ede", "school-ede"
EVENTS_OF_ITS_OWN = {"nl.signal-register.signal.received"}
MANY = 20
OF_ITS_OWN = re.compile(r'"(id|receivedAt|bodyDigest|subject|dataref|time|after)":\s*"[^"]*"')
UNLIKE = ("date", "ratelimit", "location", "traceparent")

Looks = Callable[[Sequence[str]], Awaitable[list[object]]]


def about(names: Sequence[str]) -> list[dict[str, object]]:
    """A signal about each of some persons."""
    place = {"incident": "GM0228"}
    return [signal(municipalities=place, persons=[person(name, municipality="GM0228")]) for name in names]


def curious_in(world: World) -> Looks:
    """What the curious organisation sees of each person when it checks, posts and reads about it."""

    async def looks(names: Sequence[str]) -> list[object]:
        found: list[object] = []
        for body in about(names):
            checked = await _post(world, "/v1/signals/_check", body)
            posted = await world.register.post_signal(body, client=CURIOUS)
            path = f"/v1/signals/{posted.json()['id']}"
            read = await world.register.http.get(path, headers=await world.register.headers(CURIOUS))
            found.append(tuple(_look(answer) for answer in (checked, posted, read)))
        return found

    return looks


async def _post(world: World, path: str, body: dict[str, object]) -> httpx.Response:
    headers = await world.register.headers(CURIOUS)
    return await world.register.http.post(path, json=body, headers=headers)


def _look(answer: httpx.Response) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    """An answer without what is never twice the same, and without the token that the asker gave."""
    body = answer.json()
    for who in body.get("persons", ()):
        who.pop("pseudonym", None)
    headers = tuple(sorted((name, value) for name, value in answer.headers.items() if name not in UNLIKE))
    return answer.status_code, OF_ITS_OWN.sub("", json.dumps(body)), headers


def told_apart(known: Sequence[object], unknown: Sequence[object]) -> int:
    """How many known persons look like none of the unknown ones."""
    return sum(look not in set(unknown) for look in known)


async def heard_and_listed(world: World) -> tuple[list[dict[str, str]], list[str]]:
    """All events of the curious organisation, and when the signals in its list were received, in their order."""
    await number_events(world.register.database)
    headers = await world.register.headers(CURIOUS)
    events = (await world.register.http.get("/v1/events?limit=200", headers=headers)).json()["items"]
    listed = (await world.register.http.get("/v1/signals?limit=200", headers=headers)).json()
    assert set(listed) <= {"items", "next", "after", "more"}
    return events, [one["id"] for one in listed["items"]]
