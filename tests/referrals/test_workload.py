"""A queue at a glance: its exact figures, its parts, its orders page by page; at any length in as many statements."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service import clock
from service.referrals.models import Referral
from tests.referrals.test_queue import (
    ACUTE,
    DUE_IN_THREE,
    DUE_IN_TWO,
    IN_DEURNE,
    LOW,
    ORGANISATION,
    claimed,
    counted,
    cursor_of,
    referred,
    second_client,
    slug,
)
from tests.support.bodies import signal
from tests.support.register import Register

Json = dict[str, Any]
VEILIG_THUIS, REGION = "veilig-thuis-zuidoost-brabant", "contact-point-brabant-zuidoost"
TUESDAY = datetime(2026, 12, 1, 9, tzinfo=UTC)
NOTHING = dict.fromkeys(
    (
        "waiting",
        "claimed",
        "accepted",
        "forwarded",
        "dueToday",
        "overdue",
        "mine",
        "questionsOpen",
        "readingAlong",
    ),
    0,
)
FIGURES = NOTHING | {
    "waiting": 2,
    "claimed": 1,
    "accepted": 2,
    "forwarded": 1,
    "mine": 1,
    "questionsOpen": 1,
}


@pytest.fixture
def at(register: Register, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts the clock on a moment, from where it ticks on; it begins on a Tuesday."""

    def put(moment: datetime) -> None:
        started = datetime.now(UTC)
        monkeypatch.setattr(clock, "now", lambda: moment + (datetime.now(UTC) - started))
        register.tokens.clear()

    put(TUESDAY)
    return put


@pytest.fixture
async def busy(register: Register, at: Any) -> dict[str, str]:
    """A queue with something in every state; ids by name."""
    bodies = {
        "closed": {},
        "acute": ACUTE,
        "low": LOW,
        "deurne": IN_DEURNE,
        "forwarded": DUE_IN_TWO,
        "first": {},
        "second": {},
    }
    ids = {name: str((await referred(register, body))[0]) for name, body in bodies.items()}

    async def taken(name: str, **wanted: Any) -> Json:
        (one,) = await claimed(register, limit=1, **wanted)
        assert one["id"] == ids[name]
        accepted = await register.step(one, "acceptance")
        return dict(accepted.json())

    await taken("acute", priority="HIGH")
    forwarded = await taken("forwarded", priority="HIGH")
    low = await taken("low", priority="LOW")
    closed = await taken("closed", municipality="GM0794")
    steps: Sequence[tuple[Json, str, Json]] = (
        (low, "assignment", {"actor": "staff.two"}),
        (closed, "closure", {"outcome": "ADVICE_ONLY"}),
        (forwarded, "questions", {"kind": "INFORMATION", "text": "Is er nog contact?"}),
    )
    for one, step, body in steps:
        answer = await register.step(one, step, body)
        assert answer.status_code == 200, answer.text
    to = {"organisation": str(register.loaded.organisations[VEILIG_THUIS])}
    assert (await register.step(answer.json(), "forwarding", to)).status_code == 200
    (one,) = await claimed(register, municipality="GM0762")
    assert one["id"] == ids["deurne"]
    return ids


async def workload(register: Register, client: str = ORGANISATION, *, actor: str = "staff.one") -> Json:
    headers = await register.headers(client) | {"Actor": actor}
    answer = await register.http.get("/v1/workload", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def walked(register: Register, path: str, client: str = ORGANISATION) -> list[list[Json]]:
    """The pages of a list, followed by their links."""
    pages = []
    headers = await register.headers(client)
    while path:
        answer = await register.http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        path = answer.headers.get("Link", "").partition("<")[2].partition(">")[0]
    return pages


async def test_the_figures_are_exact(register: Register, busy: dict[str, str]) -> None:
    assert await workload(register) == FIGURES
    assert await workload(register, actor="staff.two") == FIGURES
    assert await workload(register, actor="staff.three") == FIGURES | {"mine": 0}
    assert await workload(register, VEILIG_THUIS) == NOTHING | {"waiting": 1}
    assert await workload(register, REGION) == NOTHING


async def test_a_territory_narrows_the_figures(register: Register, busy: dict[str, str]) -> None:
    narrow = await second_client(register, "GM0762")
    assert await workload(register, narrow) == NOTHING | {"claimed": 1}


async def test_what_is_due_and_overdue_is_counted_on_the_dutch_day(
    register: Register, busy: dict[str, str], at: Any
) -> None:
    (items,) = await walked(register, "/v1/referrals")
    dues = [date.fromisoformat(item["dueOn"]) for item in items if item["id"] != busy["closed"]]
    told = {}
    for today in sorted({due + timedelta(days=off) for due in dues for off in (-1, 0, 1)}):
        last = datetime(
            today.year, today.month, today.day, 0, 30, tzinfo=clock.LOCAL
        )  # still yesterday in UTC
        at(last.astimezone(UTC))
        figures = await workload(register)
        told[today] = (figures["dueToday"], figures["overdue"])
    assert told == {day: (dues.count(day), sum(due < day for due in dues)) for day in told}
    assert (told[max(dues)], told[max(told)]) == ((3, 3), (0, 6))


async def test_only_who_works_a_queue_reads_figures(register: Register) -> None:
    assert (await register.http.get("/v1/workload")).status_code == 401
    for client in ("jpt-helmond", "administrator", "analyst", "auditor"):
        answer = await register.http.get("/v1/workload", headers=await register.headers(client))
        assert (answer.status_code, slug(answer)) == (403, "forbidden"), client


PARTS = {
    "": "closed acute low deurne forwarded first second",
    "status=WAITING": "first second",
    "status=CLAIMED": "deurne",
    "status=ACCEPTED": "acute low",
    "status=FORWARDED": "forwarded",
    "status=CLOSED": "closed",
    "status=RETURNED": "",
    "priority=HIGH": "acute forwarded",
    "priority=LOW": "low",
    "municipality=GM0762": "deurne",
    "municipality=GM0344": "",
    "assignedTo=me": "closed acute forwarded",
    "assignedTo=staff.two": "low",
    "assignedTo=staff.three": "",
    "status=ACCEPTED&assignedTo=me": "acute",
    "priority=NORMAL&municipality=GM0794": "closed first second",
    "dueBefore=2026-12-08": "",
    "dueBefore=2026-12-09": "deurne first second",
    "dueBefore=2026-12-09&status=WAITING": "first second",
    "overdue=true": "deurne first second",
    "overdue=true&status=CLAIMED": "deurne",
    "overdue=true&status=CLOSED": "",
    "overdue=false": "acute low forwarded",
}


async def test_each_filter_gives_its_part(register: Register, busy: dict[str, str], at: Any) -> None:
    at(datetime(2026, 12, 9, 9, tzinfo=UTC))  # the last day to decide was yesterday
    names = {id_: name for name, id_ in busy.items()}
    found = {}
    for query in PARTS:
        (page,) = await walked(register, f"/v1/referrals?{query}")
        found[query] = " ".join(names[item["id"]] for item in page)
    assert found == PARTS


WRONG = {
    "status=LOST": "status",
    "priority=URGENT": "priority",
    "municipality=GM9999": "municipality",
    "assignedTo=a b": "assignedTo",
    "assignedTo=Sanne.de.Vries": "assignedTo",
    "dueBefore=tomorrow": "dueBefore",
    "dueBefore=2026-02-30": "dueBefore",
    "overdue=perhaps": "overdue",
    "order=size": "order",
    "limit=0": "limit",
    "limit=201": "limit",
    "sort=received": "sort",
}


async def test_a_wrong_filter_says_which(register: Register) -> None:
    headers = await register.headers(ORGANISATION)
    for query, name in WRONG.items():
        answer = await register.http.get(f"/v1/referrals?{query}", headers=headers)
        assert (answer.status_code, slug(answer)) == (400, "invalid"), query
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"query:{name}"]


PRIORITIES = ("HIGH", "NORMAL", "LOW")
ORDERS: dict[str, Any] = {
    "received": lambda item: (item["receivedAt"], item["id"]),
    "urgency": lambda item: (PRIORITIES.index(item["priority"]), item["dueOn"], item["id"]),
    "due": lambda item: (item["dueOn"], item["id"]),
}


@pytest.fixture
async def long(register: Register, at: Any) -> list[str]:
    """A queue of thirteen, of every priority and over three days, with several of each."""
    ids = []
    for day in range(3):
        at(TUESDAY + timedelta(days=day))
        ids += await referred(register, LOW, {}, DUE_IN_THREE, ACUTE)
    return [str(id_) for id_ in [*ids, *await referred(register, {})]]


@pytest.mark.parametrize("order", ORDERS)
async def test_every_order_is_walked_page_by_page(register: Register, long: list[str], order: str) -> None:
    (whole,) = await walked(register, f"/v1/referrals?order={order}")
    ids = [item["id"] for item in whole]
    assert (sorted(ids), ids) == (sorted(long), [one["id"] for one in sorted(whole, key=ORDERS[order])])
    for limit in (1, 2, 5, 12, 13):
        pages = await walked(register, f"/v1/referrals?order={order}&limit={limit}")
        assert [item["id"] for page in pages for item in page] == ids, limit
        assert [len(page) for page in pages[:-1]] == [limit] * (-(-13 // limit) - 1)
    waiting = await walked(register, f"/v1/referrals?order={order}&limit=2&priority=NORMAL")
    normal = [item["id"] for item in whole if item["priority"] == "NORMAL"]
    assert [item["id"] for page in waiting for item in page] == normal
    assert len(waiting) == 2


async def test_received_is_the_order_where_none_is_asked(register: Register, long: list[str]) -> None:
    assert await walked(register, "/v1/referrals") == await walked(register, "/v1/referrals?order=received")
    orders = {order: await walked(register, f"/v1/referrals?order={order}") for order in ORDERS}
    assert len({str([item["id"] for item in pages[0]]) for pages in orders.values()}) == 3


async def test_what_goes_away_while_one_pages_hides_nothing(register: Register, long: list[str]) -> None:
    headers = await register.headers(ORGANISATION)
    first = await register.http.get("/v1/referrals?order=urgency&limit=3&status=WAITING", headers=headers)
    seen = [item["id"] for item in first.json()["items"]]
    taken = {one["id"] for one in await claimed(register, limit=2)}
    assert taken < set(seen)
    following = first.headers["Link"].partition("<")[2].partition(">")[0]
    seen += [item["id"] for page in await walked(register, following) for item in page]
    assert sorted(seen) == sorted(long)


ID = "019aa0d2-0000-7000-8000-000000000000"
CURSORS = {
    "received": [("2026-12-08", ID), ("2026-12-01T09:00:00", ID), ("1", "2026-12-08", ID), (ID,), ("", ID)],
    "urgency": [("2026-12-08", ID), ("x", "2026-12-08", ID), ("-1", "2026-12-08", ID), ("1", "x", ID)],
    "due": [("2026-12-01T09:00:00+00:00", ID), ("2026-12-08", "x"), ("2026-02-30", ID), ("9" * 5000, ID)],
}


@pytest.mark.parametrize("order", ORDERS)
async def test_a_cursor_of_another_order_or_of_ones_own_making_is_refused(
    register: Register, order: str
) -> None:
    headers = await register.headers(ORGANISATION)
    for cursor in ("!!!", *(cursor_of(*parts) for parts in CURSORS[order])):
        query = {"order": order, "cursor": cursor}
        answer = await register.http.get("/v1/referrals", params=query, headers=headers)
        assert answer.status_code == 400, cursor
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["query:cursor"]


async def test_figures_and_pages_take_the_same_statements_at_any_length(register: Register, at: Any) -> None:
    headers = await register.headers(ORGANISATION)
    paths = ["/v1/workload", *(f"/v1/referrals?order={order}&status=WAITING" for order in ORDERS)]
    lengths: dict[str, list[int]] = {path: [] for path in paths}
    for more in (5, 45):
        await asyncio.gather(*(register.post_signal(signal()) for _ in range(more)))
        for path in paths:
            await register.http.get(path, headers=headers)  # what is asked once is known from here on
            with counted(register) as statements:
                answer = await register.http.get(path, headers=headers)
            assert answer.status_code == 200
            lengths[path].append(len(statements))
    assert len(await register.rows(Referral)) == 50
    for path, (few, many) in lengths.items():
        assert 2 <= few == many <= 9, path
