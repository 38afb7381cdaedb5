"""Attack 9: everything beside the numbers: headers, lengths, tags, ids, pages, errors, metrics, documents.

Asks for hidden cells one by one and looks whether anything parts them; reads every text around the statistics before
and after persons were added and looks whether anything follows them; counts ids and cursors. Claims nothing where all
is the same. Times are not looked at: a released cell is a row that is read, hidden or not.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import httpx

from tests.attacks.reading import RELEASES, Release, Table, read, table_path
from tests.attacks.world import World

Answers = Callable[[Table, str, str], Awaitable[httpx.Response]]
ALWAYS_DIFFER = re.compile(rb"urn:trace:\S+|[0-9a-f]{32}(?=\")|[0-9a-f]{8}-[0-9a-f-]{27}")
UNLIKE = ("date", "etag", "content-length", "ratelimit")
FAR = 10**6


def asking_cells(world: World, release: Release) -> Answers:
    """How a single cell of a release is read."""

    async def answers(table: Table, row: str, column: str) -> httpx.Response:
        names = "&".join(f"{name}={code}" for name, code in zip(table.dimensions, (row, column), strict=True))
        answer: httpx.Response = await read(world.register, f"{table_path(release.id, table.name)}?{names}")
        return answer

    return answers


async def told_apart(answers: Answers, hidden: Sequence[tuple[Table, str, str]]) -> int:
    """How many hidden cells look different from most others, in body, headers or length."""
    looks: Counter[object] = Counter()
    for table, row, column in hidden:
        answer = await answers(table, row, column)
        text = answer.content.replace(table.name.encode(), b"TABLE")
        for code, instead in (
            (row, "ROW"),
            (column, "COLUMN"),
            *zip(table.dimensions, ("R", "C"), strict=True),
        ):
            text = text.replace(f'"{code}"'.encode(), f'"{instead}"'.encode())
        length = int(answer.headers.get("content-length", len(answer.content))) - len(answer.content)
        headers = sorted((name, value) for name, value in answer.headers.items() if name not in UNLIKE)
        looks[answer.status_code, text, length, tuple(headers)] += 1
    return sum(looks.values()) - max(looks.values())


async def surroundings(world: World, release: Release) -> Mapping[str, bytes]:
    """Every text that stands around the statistics, for readers, reporters and administrators."""
    table = release.tables[0].name
    simulation = "/v1/rule-sets/{}/simulations"
    asked = [
        ("analyst", "GET", "/v1/openapi.json", None),
        ("analyst", "GET", "/v1/statistics/definitions", None),
        ("analyst", "GET", RELEASES, None),
        ("analyst", "GET", f"{table_path(release.id, table)}?from=2026-01-01", None),
        ("analyst", "GET", f"{table_path(release.id, table)}?area=GM0001&limit=1", None),
        ("analyst", "GET", table_path(release.id, "persons"), None),
        ("analyst", "GET", "/v1/signals", None),
        ("analyst", "GET", "/v1/events", None),
        ("analyst", "GET", "/v1/me", None),
        ("administrator", "POST", RELEASES, {"period": release.period}),
        ("administrator", "POST", RELEASES, {"period": "2027-H2"}),
        ("administrator", "GET", "/v1/rule-sets", None),
        ("administrator", "GET", "/v1/organisations", None),
        ("school-ede", "GET", "/v1/events", None),
        ("school-ede", "GET", "/v1/signals?limit=1", None),
        (
            "administrator",
            "POST",
            simulation.format(1),
            {"against": 1, "generated": {"count": 50, "seed": 1}},
        ),
    ]
    found = {}
    for client, method, path, body in asked:
        headers = await world.register.headers(client)
        answer = await world.register.http.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, answer.text
        looks = sorted((name, value) for name, value in answer.headers.items() if name not in UNLIKE)
        found[f"{method} {path} {body}"] = ALWAYS_DIFFER.sub(b"", answer.content + repr(looks).encode())
    for path in ("/metrics", "/health/ready", "/health/jobs"):
        answer = await world.register.http.get(path, headers={"Authorization": f"Bearer {'m' * 20}"})
        found[path] = ALWAYS_DIFFER.sub(b"", answer.content)
    return found


def between(one: str, other: str) -> int | None:
    """How many ids were given out between two that the attacker got; None where they tell nothing."""
    first, last = UUID(one).int, UUID(other).int
    return last - first - 1 if 0 < last - first < FAR else None
