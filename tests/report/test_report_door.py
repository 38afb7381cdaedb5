"""The door of the report: who gets which page, in which language, under which headers."""

import base64
import hashlib
import re

import pytest
from httpx import Response

from service.trail import AuditEntry
from tests.support.pages import parsed
from tests.support.register import Register
from tests.support.released import AFTER, PERIOD, RICH, Releases, release_of


async def get(
    register: Register, path: str, client: str = "analyst", query: str = "", **headers: str
) -> Response:
    return await register.http.get(f"{path}{query}", headers=await register.headers(client) | headers)


async def test_the_page_comes_with_a_policy_that_admits_its_own_style_alone(
    reported: Register, releases: Releases
) -> None:
    answer = await get(reported, releases.path())

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_any_other_answer_keeps_the_strict_policy(reported: Register, releases: Releases) -> None:
    for path in (releases.path("VR99"), releases.path().rsplit("/", 3)[0]):
        answer = await get(reported, path)
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


LANGUAGES = {
    ("", None): "nl",
    ("", "en"): "en",
    ("", "en-GB,en;q=0.9,nl;q=0.5"): "en",
    ("", "nl-NL,nl;q=0.9,en;q=0.8"): "nl",
    ("", "de"): "nl",
    ("", "*"): "nl",
    ("", "de, en;q=0.4, *;q=0.1"): "en",
    ("", "en;q=0"): "nl",
    ("", "en;q=much"): "nl",
    ("?language=en", "nl"): "en",
    ("?language=nl", "en"): "nl",
}


@pytest.mark.parametrize(("query", "accepted"), LANGUAGES)
async def test_the_language_is_the_one_asked_for_else_the_preferred_one(
    reported: Register, releases: Releases, query: str, accepted: str | None
) -> None:
    headers = {"Accept-Language": accepted} if accepted is not None else {"Accept-Language": ""}
    answer = await get(reported, releases.path(), query=query, **headers)
    language = LANGUAGES[query, accepted]

    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language")
    assert parsed(answer.text).get("lang") == language


async def test_a_page_that_the_reader_has_is_not_sent_again(reported: Register, releases: Releases) -> None:
    first = await get(reported, releases.path())
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await get(reported, releases.path(), **{"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("ETag", "Vary", "Cache-Control", "Content-Language"):
            assert again.headers[name] == first.headers[name]
    english = await get(reported, releases.path(), query="?language=en", **{"If-None-Match": tag})
    other = await get(reported, releases.path("ALL"), **{"If-None-Match": tag})
    assert (english.status_code, other.status_code) == (200, 200)
    assert len({tag, english.headers["ETag"], other.headers["ETag"]}) == 3


async def test_nothing_but_a_language_can_be_asked(reported: Register, releases: Releases) -> None:
    for query, pointer in (
        ("?language=de", "query:language"),
        ("?language=", "query:language"),
        ("?area=GM0794", "query:area"),
        ("?language=nl&from=2026-01-01", "query:from"),
    ):
        answer = await get(reported, releases.path(), query=query)
        assert answer.status_code == 400, query
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_what_is_no_region_or_no_release_is_not_there(reported: Register, releases: Releases) -> None:
    for region in ("VR00", "GM0794", "VR22-OTHER", "vr22", "TOTAL", "%20"):
        assert (await get(reported, releases.path(region))).status_code == 404, region
    nobodys = releases.path().replace(releases.ids[PERIOD], "00000000-0000-4000-8000-000000000000")
    assert (await get(reported, nobodys)).status_code == 404


async def test_an_unpublished_release_is_shown_to_those_who_publish_as_a_draft(
    reported: Register, releases: Releases
) -> None:
    path = releases.path(period=AFTER)
    assert (await get(reported, path)).status_code == 404
    draft = await get(reported, path, "administrator")
    assert draft.status_code == 200
    assert "Concept: deze uitgave is nog niet gepubliceerd." in draft.text
    assert "Concept" not in (await get(reported, releases.path(), "administrator")).text


async def test_only_readers_of_statistics_come_in(reported: Register, releases: Releases) -> None:
    for client in ("jpt-helmond", "contact-point-helmond", "halt-oost-brabant"):
        assert (await get(reported, releases.path(), client)).status_code == 403
    assert (await reported.http.get(releases.path())).status_code == 401
    answer = await get(reported, releases.path(), Accept="text/csv")
    assert answer.status_code == 406


async def test_reading_a_report_is_in_the_trail(reported: Register, releases: Releases) -> None:
    before = {entry.id for entry in await reported.rows(AuditEntry)}
    await get(reported, releases.path(RICH))
    (entry,) = [
        one for one in await reported.rows(AuditEntry) if one.id not in before and one.act == "release.read"
    ]
    assert (entry.object_type, entry.object_id, entry.outcome) == ("release", releases.ids[PERIOD], "done")


async def test_every_reader_gets_the_same_bytes(reported: Register, releases: Releases) -> None:
    pages = [
        await get(reported, releases.path(), client) for client in ("analyst", "administrator", "auditor")
    ]
    assert len({page.content for page in pages}) == 1
    head = await reported.http.head(releases.path(), headers=await reported.headers("analyst"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == pages[0].headers["ETag"]


async def test_a_release_of_an_empty_register_has_its_reports(register: Register) -> None:
    release = await release_of(register, PERIOD)
    for region in (RICH, "ALL"):
        answer = await get(register, f"/v1/statistics/releases/{release}/regions/{region}/report")
        assert answer.status_code == 200, answer.text
        assert parsed(answer.text).get("lang") == "nl"
        assert "minder dan 10 mogelijke slachtoffers" in answer.text
