"""Paging: cursors lead on, and whoever makes one of his own hears that he should not."""

import base64
import uuid
from collections.abc import AsyncIterator

import pytest

from service.errors import Invalid
from service.paging import decode_cursor, encode_cursor
from tests.conftest import ENGINES
from tests.support.bodies import signal
from tests.support.register import Register, Templates, in_process

ID = str(uuid.uuid4())
CANARY = "Qz7canaryXw"


@pytest.fixture(scope="module", params=ENGINES)
async def register(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    with templates.copy(request.param) as url:
        folder = tmp_path_factory.mktemp("paging")
        async with in_process(url, templates.loaded[request.param], folder) as running:
            yield running


@pytest.mark.parametrize("parts", [("one",), ("2026-11-22T10:00:00+00:00", ID), ("é", ""), ("", "", "")])
def test_a_cursor_gives_back_what_it_was_made_of(parts: tuple[str, ...]) -> None:
    cursor = encode_cursor(*parts)

    assert decode_cursor(cursor, len(parts)) == list(parts)
    assert cursor.replace("-", "").replace("_", "").isalnum() or cursor == ""


BROKEN = {
    "a text": "hello",
    "one part": encode_cursor("one"),
    "three parts": encode_cursor("one", "two", "three"),
    "bytes that are no text": base64.urlsafe_b64encode(b"\xff\xfe\x1f").decode(),
    "of a wrong length": "A",
    "beyond ASCII": "é",
    "empty": "",
}


@pytest.mark.parametrize("cursor", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode_cursor(cursor, 2)
    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("query:cursor", "wrong-form")]


MADE = BROKEN | {
    "a moment without a zone": encode_cursor("2026-01-01T00:00:00", ID),
    "a moment in another zone": encode_cursor("0001-01-01T00:00:00+14:00", ID),
    "no moment": encode_cursor(CANARY, ID),
    "no id": encode_cursor("2026-01-01T00:00:00+00:00", CANARY),
    "NUL": encode_cursor("2026-01-01T00:00:00+00:00", "\0"),
    "SQL": encode_cursor("2026-01-01T00:00:00+00:00", "' OR 1=1 --"),
    "two hundred characters and one": "A" * 201,
}


@pytest.mark.parametrize("cursor", MADE.values(), ids=MADE.keys())
@pytest.mark.parametrize("path", ["/v1/referrals", "/v1/municipalities"])
async def test_a_cursor_of_ones_own_making_is_a_fault(register: Register, path: str, cursor: str) -> None:
    headers = await register.headers("contact-point-helmond")
    answer = await register.http.get(path, params={"cursor": cursor}, headers=headers)

    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["query:cursor"]
    assert CANARY not in answer.text


LIMITS = {
    "0": "too-small",
    "-1": "too-small",
    "201": "too-large",
    "x": "wrong-type",
    "1.5": "wrong-type",
    "": "wrong-type",
}


@pytest.mark.parametrize(("limit", "code"), LIMITS.items(), ids=LIMITS.keys())
@pytest.mark.parametrize("path", ["/v1/referrals", "/v1/municipalities"])
async def test_a_limit_is_from_1_to_200(register: Register, path: str, limit: str, code: str) -> None:
    headers = await register.headers("contact-point-helmond")
    answer = await register.http.get(path, params={"limit": limit}, headers=headers)

    faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert (answer.status_code, faults) == (400, [("query:limit", code)])


@pytest.mark.parametrize("name", ["offset", CANARY, "BSN 123456782", "Cursor"])
async def test_an_unknown_query_parameter_is_a_fault(register: Register, name: str) -> None:
    headers = await register.headers("contact-point-helmond")
    answer = await register.http.get("/v1/municipalities", params={name: CANARY}, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown-field")
    assert "123456782" not in answer.text


REPEATED = {
    "limit": "query:limit",
    "municipality": "query:municipality",
    "Unknown": "query:Unknown",
    "BSN 123456782": "query:",
}


@pytest.mark.parametrize(("name", "pointer"), REPEATED.items(), ids=REPEATED.keys())
async def test_a_query_parameter_is_there_once(register: Register, name: str, pointer: str) -> None:
    """The framework would take the last, and whoever asked for two would believe the answer."""
    headers = await register.headers("contact-point-helmond")
    query = [(name, "1"), (name, "2"), ("status", "WAITING")]
    answer = await register.http.get("/v1/referrals", params=query, headers=headers)
    faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert (answer.status_code, faults) == (400, [(pointer, "twice")])
    assert "123456782" not in answer.text
    assert (await register.http.get("/v1/referrals", params=query)).status_code == 401


async def test_pages_of_a_growing_queue_show_each_referral_once_and_no_total(register: Register) -> None:
    headers = await register.headers("contact-point-helmond")
    posted = [(await register.post_signal(signal())).json()["id"] for _ in range(5)]
    read: list[str] = []
    following: str | None = "/v1/referrals?limit=2&status=WAITING"
    while following:
        answer = await register.http.get(following, headers=headers)
        assert answer.status_code == 200
        assert set(answer.json()) == {"items"}
        assert len(answer.json()["items"]) <= 2
        read += [item["id"] for item in answer.json()["items"]]
        following = answer.links.get("next", {}).get("url")
        assert following is None or "status=WAITING" in following
        if len(read) == 2:
            posted.append((await register.post_signal(signal())).json()["id"])

    assert (len(read), len(set(read))) == (6, 6)
    assert len(posted) == 6
