"""Own signals page by page, by filters; nobody else's, in no order but that of receipt."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from service import clock
from service.trail import AuditEntry
from tests.support.bodies import signal
from tests.support.register import Register

TODAY = clock.local_day(clock.now())


async def listed(register: Register, query: str = "", client: str = "jpt-helmond") -> httpx.Response:
    return await register.http.get(f"/v1/signals{query}", headers=await register.headers(client))


async def ids(register: Register, query: str = "", client: str = "jpt-helmond") -> list[str]:
    answer = await listed(register, query, client)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def test_pages_lead_through_all_of_ones_own_in_order(register: Register) -> None:
    posted = [(await register.post_signal(signal())).json()["id"] for _ in range(5)]
    await register.post_signal(signal(), client="school-helmond")
    found: list[str] = []
    path: str | None = "/v1/signals?limit=2"
    while path:
        answer = await register.http.get(path, headers=await register.headers("jpt-helmond"))
        found += [one["id"] for one in answer.json()["items"]]
        assert set(answer.json()) == {"items"}
        path = answer.links["next"]["url"] if answer.links else None
    assert found == posted
    assert await ids(register, client="police-oost-brabant") == []


async def test_filters_choose(register: Register) -> None:
    loverboy = (await register.post_signal(signal())).json()["id"]
    sexting = (
        await register.post_signal(signal(primaryType="SHAME_SEXTING", types=["SHAME_SEXTING"]))
    ).json()["id"]
    headers = await register.headers("jpt-helmond", if_match='"1"')
    gone = await register.http.post(
        f"/v1/signals/{sexting}/withdrawal", json={"reason": "DUPLICATE"}, headers=headers
    )
    assert gone.status_code == 200
    yesterday = TODAY - timedelta(1)
    assert await ids(register, "?status=ACTIVE") == [loverboy]
    assert await ids(register, "?status=WITHDRAWN") == [sexting]
    assert await ids(register, "?primaryType=LOVERBOY") == [loverboy]
    assert await ids(register, f"?receivedFrom={TODAY}&receivedUntil={TODAY}") == [loverboy, sexting]
    assert await ids(register, f"?receivedUntil={yesterday}") == []
    assert await ids(register, f"?receivedFrom={TODAY + timedelta(1)}") == []


WRONG: dict[str, tuple[str, str]] = {
    "a status that is none": ("?status=OPEN", "query:status"),
    "a day that is none": ("?receivedFrom=2026-02-30", "query:receivedFrom"),
    "a cursor of one's own": ("?cursor=abc", "query:cursor"),
    "too many": ("?limit=201", "query:limit"),
    "another filter": ("?pseudonym=e1.b.x", "query:pseudonym"),
}


@pytest.mark.parametrize(("query", "pointer"), WRONG.values(), ids=WRONG.keys())
async def test_a_question_that_is_not_right(register: Register, query: str, pointer: str) -> None:
    answer = await listed(register, query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_what_was_shown_stands_in_the_trail(register: Register) -> None:
    posted = (await register.post_signal(signal())).json()["id"]
    await ids(register)
    entries: list[Any] = [one for one in await register.rows(AuditEntry) if one.act.startswith("signal.")]
    assert [(one.act, one.object_id) for one in entries] == [
        ("signal.register", posted),
        ("signal.search", None),
        ("signal.read", posted),
    ]
