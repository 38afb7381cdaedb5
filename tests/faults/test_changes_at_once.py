"""Corrections and withdrawals while the queue is worked: nobody waits for ever, nothing is open twice or forgotten."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from service.referrals.models import Referral
from service.signals.models import Signal
from tests.support.bodies import person, signal
from tests.support.register import Register, Templates, calling, server

MANY, ROUNDS = 12, 6
POINT, HALT = "contact-point-helmond", "halt-oost-brabant"
REGION = "contact-point-brabant-zuidoost"
Statuses = Counter[int]


def body(random_: random.Random) -> dict[str, Any]:
    persons = [person("pupil"), person("sender", role="SUSPECT", gender="M")]
    random_.shuffle(persons)
    chosen = {"urgency": random_.choice(["CONCERN", "STRUCTURAL"]), "persons": persons}
    return signal(primaryType="SHAME_SEXTING", types=["SHAME_SEXTING"], flag="YELLOW", **chosen)


async def change_minds(register: Register, signal_id: str, random_: random.Random, seen: Statuses) -> None:
    """A reporter that corrects again and again, and in the end sometimes withdraws."""
    path = f"/v1/signals/{signal_id}"
    for turn in range(ROUNDS):
        read = await register.http.get(path, headers=await register.headers("jpt-helmond"))
        headers = await register.headers("jpt-helmond", if_match=read.headers["ETag"])
        last = turn == ROUNDS - 1 and random_.random() < 0.5
        step, told = ("withdrawal", {"reason": "DUPLICATE"}) if last else ("corrections", body(random_))
        answer = await register.http.post(f"{path}/{step}", json=told, headers=headers)
        seen[answer.status_code] += 1
        await asyncio.sleep(random_.random() * 0.02)


async def work(register: Register, client: str, random_: random.Random, seen: Statuses) -> None:
    """A client that claims, and returns, or accepts, forwards and closes, whatever it gets."""
    halt = {"organisation": str(register.loaded.organisations[HALT])}
    for _ in range(ROUNDS * 4):
        claimed = await register.claim(client=client, limit=2)
        seen[claimed.status_code] += 1
        for referral in claimed.json().get("items", []):
            if client == POINT and random_.random() < 0.4:
                answer = await register.step(referral, "return", {"reason": "INVOLVED"}, client=client)
                seen[answer.status_code] += 1
                continue
            steps = [("acceptance", None), ("forwarding", halt), ("closure", {"outcome": "ADVICE_ONLY"})]
            present = referral
            for step, told in steps if client == POINT else [steps[0], steps[2]]:
                answer: httpx.Response = await register.step(present, step, told, client=client)
                seen[answer.status_code] += 1
                if answer.status_code == 200:
                    present = answer.json()
        await asyncio.sleep(random_.random() * 0.01)


async def test_reporters_and_the_queue_do_not_get_in_each_others_way(
    templates: Templates, engine: str, tmp_path: Path
) -> None:
    random_, seen = random.Random(7), Counter[int]()
    with templates.copy(engine) as url, server(url, tmp_path) as running:
        async with calling(running.url, url, templates.loaded[engine]) as register:
            posts = [await register.post_signal(body(random_)) for _ in range(MANY)]
            await asyncio.gather(
                *(change_minds(register, post.json()["id"], random_, seen) for post in posts),
                *(work(register, POINT, random_, seen) for _ in range(3)),
                *(work(register, HALT, random_, seen) for _ in range(3)),
                *(work(register, REGION, random_, seen) for _ in range(2)),
            )
            signals = {one.id: one for one in await register.rows(Signal)}
            referrals = await register.rows(Referral)
    assert set(seen) <= {200, 201, 404, 409, 412}, seen
    assert seen[201] > MANY
    roots = [one for one in referrals if one.parent_id is None]
    open_ = {"WAITING", "CLAIMED", "ACCEPTED", "FORWARDED"}
    for its_id, one in signals.items():
        mine = [root for root in roots if root.signal_id == its_id]
        still = [root for root in mine if root.status in open_]
        assert len(still) <= 1
        if one.status == "WITHDRAWN":
            assert still == []
        for root in still:
            assert root.signal_version == one.version
    by_id = {one.id: one for one in referrals}
    for child in (one for one in referrals if one.parent_id is not None and one.status in open_):
        assert by_id[child.parent_id].status == "FORWARDED"
        assert child.signal_version == signals[child.signal_id].version
        assert len(child.shared["persons"]) <= 1
