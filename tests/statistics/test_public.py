"""A register that is open to the public: the same content with and without a token, and nothing else is open."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.register import Templates
from tests.support.years import AGE, RELEASES, Years, standing_in_years


@pytest.fixture
async def opened(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> AsyncIterator[Years]:
    async with standing_in_years(
        database_url, templates.loaded[engine], tmp_path, public_statistics=True, limit_reading=60
    ) as running:
        yield running


async def public_paths(years: Years) -> list[str]:
    release = await years.published("2026-H1", "2026-08-01")
    table = f"{RELEASES}/{release}/tables/{AGE}"
    return [
        "/v1/statistics/definitions",
        "/v1/statistics/national-figures",
        RELEASES,
        f"{RELEASES}/{release}",
        table,
        f"{table}?area=ALL",
        f"{table}/csv",
        f"{table}/csv-metadata",
        f"/v1/statistics/sums/{AGE}?from=2026-H1&until=2026-H1",
    ]


async def test_everybody_reads_the_same(opened: Years) -> None:
    await opened.post("2026-02-01", 30)
    for path in await public_paths(opened):
        alone, known = await opened.get(path, client=None), await opened.get(path, client="analyst")
        assert (alone.status_code, alone.content) == (200, known.content), path
        told = ("content-type", "etag", "cache-control", "vary", "link")
        assert [alone.headers.get(name) for name in told] == [known.headers.get(name) for name in told]
        assert (await opened.get(path, client="jpt-helmond")).status_code == 403, path
        worthless = await opened.get(path, client=None, headers={"Authorization": "Bearer nothing"})
        assert worthless.status_code == 401, path


async def test_what_is_not_published_is_not_there(opened: Years) -> None:
    release = (await opened.compiled("2026-H1", "2026-08-01")).json()["id"]
    assert (await opened.get(RELEASES, client=None)).json() == {"items": []}
    for path in (f"{RELEASES}/{release}", f"{RELEASES}/{release}/tables/{AGE}"):
        assert (await opened.get(path, client=None)).status_code == 404


WRONG = {
    f"{RELEASES}/nonsense": 400,
    "/v1/statistics/definitions?month=3": 400,
    f"/v1/statistics/sums/{AGE}?from=2026-H1": 400,
    f"{RELEASES}/{'0' * 8}-0000-0000-0000-{'0' * 12}/regions/VR22/report?language=de": 400,
    "/v1/statistics/compilations/nonsense": 401,
    "/v1/signals?month=3": 401,
}


@pytest.mark.parametrize(("path", "status"), WRONG.items())
async def test_what_is_asked_wrongly_is_told_where_it_is_open(opened: Years, path: str, status: int) -> None:
    answers = [await opened.get(path, client=None) for _ in range(2)]
    assert [one.status_code for one in answers] == [status] * 2
    if status == 400:
        left = [int(one.headers["RateLimit"].split("r=")[1].split(";")[0]) for one in answers]
        assert left[0] - left[1] == 1


async def test_nothing_else_is_open(opened: Years) -> None:
    for path in ("/v1/statistics/compilations", "/v1/referrals", "/v1/signals", "/v1/me", "/v1/workload"):
        assert (await opened.get(path, client=None)).status_code == 401, path
    asked = await opened.register.http.post(RELEASES, json={"period": "2026-H1"})
    assert asked.status_code == 401


async def test_an_address_that_asks_too_much_waits(opened: Years) -> None:
    answers = [await opened.get("/v1/statistics/definitions", client=None) for _ in range(61)]
    assert [one.status_code for one in answers] == [200] * 60 + [429]
    assert answers[0].headers["RateLimit"].startswith('"reading";r=59')
    assert (await opened.get("/v1/statistics/definitions", client="analyst")).status_code == 200


async def test_a_register_is_not_open_by_itself(years: Years) -> None:
    for path in await public_paths(years):
        assert (await years.get(path, client=None)).status_code == 401, path
