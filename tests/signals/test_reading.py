"""Reading one's own signal: what was accepted, never a pseudonym, and nobody else's."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.trail import AuditEntry
from tests.conftest import ENGINES
from tests.support.bodies import person, signal, token
from tests.support.register import Register, Templates, in_process


@pytest.fixture(scope="module", params=ENGINES)
async def register(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Register]:
    with templates.copy(request.param) as url:
        folder = tmp_path_factory.mktemp("reading")
        async with in_process(url, templates.loaded[request.param], folder) as running:
            yield running


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


FULL = signal(
    flagCriteria=["CONSENT", "IMPACT"],
    persons=[
        person("one", alsoKnownAs=[token("one", "n")], victimStatus="POSSIBLE"),
        person("two", role="SUSPECT", ageBand="A16_17", gender="UNKNOWN", municipality="GM0762"),
        without(person("three", role="AT_RISK"), "municipality"),
        person("four", pseudonym="UNKNOWN", role="BYSTANDER"),
    ],
)
LEAST = {
    "primaryType": "UNKNOWN",
    "observedFrom": "2026-11-01",
    "municipalities": {"incident": "UNKNOWN"},
    "settings": ["ONLINE"],
}
GROUP = LEAST | {"group": {"size": 12, "setting": "STREET"}}
BODIES = {"a full one": FULL, "the least": LEAST, "a street group": GROUP}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_reporter_reads_what_it_posted_without_the_pseudonyms(
    register: Register, body: dict[str, Any]
) -> None:
    posted = await register.post_signal(body)
    receipt = posted.json()
    answer = await register.http.get(
        posted.headers["Location"], headers=await register.headers("jpt-helmond")
    )

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    read = answer.json()
    persons = [without(one, "pseudonym", "alsoKnownAs") for one in body.get("persons", [])]
    empty = {name: [] for name in ("settings", "indicators", "flagCriteria", "handlingCodes")}
    assert read == {
        "id": receipt["id"],
        "version": 1,
        "status": "ACTIVE",
        "receivedAt": receipt["receivedAt"],
        "removeBy": receipt["removeBy"],
        "bodyDigest": receipt["bodyDigest"],
        "signal": empty | without(body, "persons"),
        "persons": persons,
    }
    received = datetime.strptime(read["receivedAt"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - received).total_seconds()) < 600
    assert token("one")[5:] not in answer.text


async def test_reading_is_recorded_with_its_reader(register: Register) -> None:
    posted = await register.post_signal(signal())
    trace = uuid.uuid4().hex
    headers = await register.headers("jpt-helmond", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    await register.http.get(posted.headers["Location"], headers=headers | {"Actor": "jpt.worker"})

    (entry,) = [entry for entry in await register.rows(AuditEntry) if entry.trace_id == trace]
    client = register.loaded.credentials["jpt-helmond"].client_id
    assert (str(entry.client_id), entry.act, entry.outcome) == (client, "signal.read", "done")
    assert (entry.object_type, entry.object_id) == ("signal", posted.json()["id"])
    assert (entry.role, entry.actor, entry.activity) == ("reporter", "jpt.worker", "intake")


@pytest.mark.parametrize("client", ["police-oost-brabant", "school-helmond", "jpt-ede"])
async def test_anothers_signal_is_as_if_it_did_not_exist(register: Register, client: str) -> None:
    posted = await register.post_signal(signal())
    headers = await register.headers(client)
    anothers = await register.http.get(posted.headers["Location"], headers=headers)
    nobodys = await register.http.get(f"/v1/signals/{uuid.uuid4()}", headers=headers)

    assert anothers.status_code == nobodys.status_code == 404
    assert anothers.json() | {"traceId": ""} == nobodys.json() | {"traceId": ""}
    assert set(anothers.headers) == set(nobodys.headers)
    (entry,) = [one for one in await register.rows(AuditEntry) if one.trace_id == anothers.json()["traceId"]]
    assert (entry.act, entry.outcome) == ("get_signal", "not-found")


@pytest.mark.parametrize("client", ["halt-oost-brabant", "analyst", "administrator", "auditor"])
async def test_nobody_who_does_not_report_reads_signals_here(register: Register, client: str) -> None:
    posted = await register.post_signal(signal())
    answer = await register.http.get(posted.headers["Location"], headers=await register.headers(client))

    assert answer.status_code == 403


async def test_an_id_that_is_none_is_a_fault_and_is_not_echoed(register: Register) -> None:
    answer = await register.http.get("/v1/signals/123456782", headers=await register.headers("jpt-helmond"))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "wrong-form"
    assert "123456782" not in answer.text
