"""Whether a person is known is told by no answer, no header and no order. Times are measured by `make bench`."""

import asyncio
import itertools
import random
import uuid
from typing import Any

import httpx
from sqlalchemy import func, select

from service.pseudonyms.models import SealedPerson
from tests.support.bodies import person, signal
from tests.support.register import Register

MANY = 200


def told(answer: httpx.Response) -> tuple[int, Any, Any]:
    """What an answer says, without what differs between any two."""
    body = {
        name: value for name, value in answer.json().items() if name not in ("id", "receivedAt", "bodyDigest")
    }
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("location", "date", "ratelimit")
    }
    return answer.status_code, str(body), str(sorted(headers.items()))


async def test_posts_for_known_and_unknown_persons_are_told_the_same(register: Register) -> None:
    known = [f"known {number}" for number in range(MANY)]
    await asyncio.gather(
        *(register.post_signal(signal(persons=[person(name)]), client="school-helmond") for name in known)
    )
    names = [*known, *(f"unknown {number}" for number in range(MANY))]
    random.Random(1).shuffle(names)
    answers = await asyncio.gather(*(register.post_signal(signal(persons=[person(name)])) for name in names))
    assert len({told(answer) for answer in answers}) == 1
    ids = [answer.json()["id"] for answer in answers]
    async with register.database.reading() as session:
        twice = select(SealedPerson.subject).group_by(SealedPerson.subject).having(func.count() > 1)
        assert len((await session.execute(twice)).all()) == MANY  # they are known indeed

    listed: list[str] = []
    path: str | None = "/v1/signals?limit=200"
    while path:
        page = await register.http.get(path, headers=await register.headers("jpt-helmond"))
        listed += [one["id"] for one in page.json()["items"]]
        path = page.links["next"]["url"] if page.links else None
    assert set(listed) == set(ids)
    by_id = dict(zip(ids, names, strict=True))
    order = ["known" if by_id[id_] in set(known) else "unknown" for id_ in listed]
    runs = sum(1 for _ in itertools.groupby(order))
    assert MANY * 0.7 < runs < MANY * 1.3  # as in any shuffled order


async def test_checks_and_batches_tell_no_more(register: Register) -> None:
    await register.post_signal(signal(persons=[person("known")]), client="school-helmond")
    headers = await register.headers("jpt-helmond")
    checks = [
        await register.http.post("/v1/signals/_check", json=signal(persons=[person(name)]), headers=headers)
        for name in ("known", "unknown")
    ]
    assert told(checks[0]) == told(checks[1])
    sizes = set()
    for name in ("known", "unknown"):
        body = {"idempotencyKey": str(uuid.uuid4()), "signal": signal(persons=[person(name)])}
        answer = await register.http.post(
            "/v1/signals/_batch",
            content=httpx.Request("POST", "http://x", json=body).content,
            headers=headers | {"Content-Type": "application/x-ndjson"},
        )
        sizes.add(len(answer.content))
    assert len(sizes) == 1
