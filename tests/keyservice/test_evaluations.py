"""Evaluations over HTTP: what comes out, what is refused, quotas, epochs, and what is written down of it."""

import asyncio
import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from service import clock, oprf
from service.access.models import Client
from service.keyservice.actions import SPANS
from service.keyservice.epochs import LOOK_EVERY_SECONDS, Epochs, begin_next
from service.keyservice.models import EvaluationQuota
from service.trail import AuditEntry
from tests.keyservice.test_oprf import NO_ELEMENTS
from tests.support.keyservice import KeyService, key_service_in_process, prepare_key_service

PREFIX = "sr1|exploitation|signal-register|1|"


def encoded(element: bytes) -> str:
    return base64.urlsafe_b64encode(element).decode().rstrip("=")


def decoded(element: str) -> bytes:
    return base64.urlsafe_b64decode(element + "=")


def blinded(count: int = 1) -> list[str]:
    return [encoded(oprf.blind(os.urandom(16))[1]) for _ in range(count)]


def faults(answer: Any) -> dict[str, str]:
    return {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}


async def used(service: KeyService) -> dict[str, int]:
    return {row.span: row.used for row in await service.rows(EvaluationQuota)}


async def test_two_partners_get_one_output_for_one_value(key_service: KeyService) -> None:
    parameters = (await key_service.http.get("/v1/parameters", headers=await key_service.headers())).json()
    outputs = set()
    for name in ("one", "two"):
        scalar, element = oprf.blind(b"a value")
        answer = await key_service.evaluate({"epoch": 1, "elements": [encoded(element)]}, name)
        assert answer.status_code == 200
        assert answer.json()["epoch"] == 1
        outputs.add(oprf.finalise(b"a value", scalar, decoded(answer.json()["elements"][0])))
    assert len(outputs) == 1
    assert parameters == {
        "scheme": "sr1",
        "suite": "ristretto255-SHA512",
        "mode": "OPRF",
        "purpose": "exploitation",
        "register": "signal-register",
        "epoch": 1,
        "check": parameters["check"],
        "maxElements": 50,
    }


async def test_the_check_is_the_output_of_no_value(key_service: KeyService) -> None:
    parameters = (await key_service.http.get("/v1/parameters", headers=await key_service.headers())).json()
    value = f"{PREFIX}check|".encode()
    scalar, element = oprf.blind(value)
    answer = await key_service.evaluate({"epoch": 1, "elements": [encoded(element)]})

    made = oprf.finalise(value, scalar, decoded(answer.json()["elements"][0]))
    assert parameters["check"] == encoded(made[:32])


async def test_fifty_come_back_in_order(key_service: KeyService) -> None:
    elements = blinded(50)
    together = (await key_service.evaluate({"epoch": 1, "elements": elements})).json()["elements"]
    alone = [
        (await key_service.evaluate({"epoch": 1, "elements": [one]})).json()["elements"][0]
        for one in (elements[0], elements[49])
    ]

    assert len(set(together)) == 50
    assert alone == [together[0], together[49]]


BAD = {
    "51 elements": ({"epoch": 1, "elements": blinded(51)}, {"/elements": "too-many"}),
    "none": ({"epoch": 1, "elements": []}, {"/elements": "too-few"}),
    "no list": ({"epoch": 1, "elements": "x"}, {"/elements": "wrong-type"}),
    "no epoch": ({"elements": blinded()}, {"/epoch": "required"}),
    "an epoch in words": ({"epoch": "one", "elements": blinded()}, {"/epoch": "wrong-type"}),
    "an unknown field": ({"epoch": 1, "elements": blinded(), "bsn": "1"}, {"/bsn": "unknown-field"}),
    "padded": ({"epoch": 1, "elements": [blinded()[0] + "="]}, {"/elements/0": "wrong-form"}),
    "not base64url": ({"epoch": 1, "elements": ["+" * 43]}, {"/elements/0": "wrong-form"}),
    "not ASCII": ({"epoch": 1, "elements": ["é" * 43]}, {"/elements/0": "wrong-form"}),
    "a number": ({"epoch": 1, "elements": [7]}, {"/elements/0": "wrong-form"}),
    "two faults": (
        {"epoch": 0, "elements": [encoded(bytes(32)), *blinded(), "x"]},
        {"/epoch": "too-small", "/elements/0": "no-element", "/elements/2": "wrong-form"},
    ),
    # The last of 43 characters has two bits to spare: another one there would be the same 32 bytes.
    "bits to spare": ({"epoch": 1, "elements": [blinded()[0][:-1] + "B"]}, {"/elements/0": "wrong-form"}),
    "a line end": ({"epoch": 1, "elements": [blinded()[0] + "\n"]}, {"/elements/0": "wrong-form"}),
    **{
        f"no element: {name}": ({"epoch": 1, "elements": [encoded(one)]}, {"/elements/0": "no-element"})
        for name, one in NO_ELEMENTS.items()
        if len(one) == 32
    },
}


@pytest.mark.parametrize(("body", "expected"), BAD.values(), ids=BAD.keys())
async def test_bad_input_is_told_and_takes_nothing_from_the_quota(
    key_service: KeyService, body: Any, expected: dict[str, str]
) -> None:
    answer = await key_service.evaluate(body)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert faults(answer) == expected
    assert await used(key_service) == {}
    sent = json.dumps(body)
    assert all(len(piece) < 20 or piece not in answer.text for piece in sent.replace('"', " ").split())


async def test_another_epoch_is_refused(key_service: KeyService) -> None:
    answer = await key_service.evaluate({"epoch": 2, "elements": blinded()})

    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "other-epoch")
    assert await used(key_service) == {}


async def test_nobody_comes_in_without_a_token_of_this_service(key_service: KeyService) -> None:
    body = {"epoch": 1, "elements": blinded()}
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = await key_service.http.post("/v1/evaluations", json=body, headers=headers)
        assert answer.status_code == 401
    async with key_service.database.writing() as session:
        await session.execute(update(Client).values(scopes=[]))
    narrowed = await key_service.evaluate(body)
    assert narrowed.status_code == 403


async def test_what_was_evaluated_is_in_the_trail_without_any_element(key_service: KeyService) -> None:
    elements = blinded(3)
    answer = (await key_service.evaluate({"epoch": 1, "elements": elements})).json()["elements"]
    entries = await key_service.rows(AuditEntry)

    (entry,) = [one for one in entries if one.act == "pseudonym.evaluate"]
    assert (entry.times, entry.object_type, entry.object_id, entry.outcome) == (3, "epoch", "1", "done")
    assert str(entry.client_id) == key_service.credentials["one"][0]
    written = repr(entries)
    assert not any(one in written for one in (*elements, *answer))


async def test_a_quota_holds_for_a_client_over_all_processes(key_database_url: str, tmp_path: Path) -> None:
    prepare_key_service(key_database_url)
    quotas = {"evaluations_per_minute": 60, "evaluations_per_day": 500}
    async with (
        key_service_in_process(key_database_url, tmp_path, **quotas) as first,
        key_service_in_process(key_database_url, tmp_path, partners=(), **quotas) as second,
    ):
        second.credentials = first.credentials
        # A minute may end in between: then the quota begins anew.
        await _until_a_minute_has_room()
        answers = await asyncio.gather(
            *(service.evaluate({"epoch": 1, "elements": blinded(10)}) for service in [first, second] * 5)
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 6 + [429] * 4
        refused = [answer for answer in answers if answer.status_code == 429]
        for answer in refused:
            assert answer.json()["type"].endswith(":quota-passed")
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert await used(first) == {"minute": 60, "day": 60}
        other = await first.evaluate({"epoch": 1, "elements": blinded(50)}, "two")
        assert other.status_code == 200


async def _until_a_minute_has_room() -> None:
    second = datetime.now(UTC).second
    if second > 50:
        await asyncio.sleep(61 - second)


async def test_the_day_ends_later_than_the_minute(key_database_url: str, tmp_path: Path) -> None:
    prepare_key_service(key_database_url)
    async with key_service_in_process(key_database_url, tmp_path, evaluations_per_day=55) as service:
        assert (await service.evaluate({"epoch": 1, "elements": blinded(50)})).status_code == 200
        refused = await service.evaluate({"epoch": 1, "elements": blinded(6)})
        assert refused.status_code == 429
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + SPANS["day"]
        left = (midnight - datetime.now(UTC)).total_seconds()
        assert abs(int(refused.headers["Retry-After"]) - left) < 5
        assert (await service.evaluate({"epoch": 1, "elements": blinded(5)})).status_code == 200


def _midnight_ahead() -> datetime:
    """A midnight after the client was made."""
    return datetime.combine(clock.now().date() + timedelta(days=2), datetime.min.time(), UTC)


async def test_a_new_minute_and_a_new_day_begin_at_nothing(
    key_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_day = _midnight_ahead()
    day = next_day - timedelta(seconds=90)
    moments = [day]
    quotas = {"evaluations_per_minute": 10, "evaluations_per_day": 25}
    prepare_key_service(key_database_url)
    monkeypatch.setattr(clock, "now", lambda: moments[0])
    async with key_service_in_process(key_database_url, tmp_path, **quotas) as service:

        async def ask(count: int, moment: datetime) -> tuple[int, str | None]:
            moments[0] = moment
            answer = await service.evaluate({"epoch": 1, "elements": blinded(count)})
            return answer.status_code, answer.headers.get("Retry-After")

        assert await ask(10, day) == (200, None)
        assert await ask(1, day) == (429, "30")
        assert await ask(10, day.replace(minute=59, second=0)) == (200, None)
        # Both spans are passed: the longer wait is told.
        assert await ask(11, day.replace(minute=59, second=20)) == (429, "40")
        assert await ask(5, next_day) == (200, None)
        assert await ask(6, next_day) == (429, "60")
        assert await used(service) == {"minute": 5, "day": 5}


async def test_a_machine_whose_clock_is_behind_begins_no_span_anew(
    key_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_key_service(key_database_url)
    ahead, behind = (_midnight_ahead() + timedelta(seconds=seconds) for seconds in (2, -2))
    moments = [ahead]
    monkeypatch.setattr(clock, "now", lambda: moments[0])
    async with key_service_in_process(key_database_url, tmp_path, evaluations_per_minute=10) as service:
        granted = 0
        for moment in [ahead, behind] * 4:
            moments[0] = moment
            answer = await service.evaluate({"epoch": 1, "elements": blinded(4)})
            granted += 4 if answer.status_code == 200 else 0
        assert granted == 8
        assert await used(service) == {"minute": 8, "day": 8}


async def test_a_new_epoch_is_followed_without_a_restart(key_service: KeyService, tmp_path: Path) -> None:
    state: Any = key_service.app.app.state  # type: ignore[union-attr]
    before = state.epochs.current
    assert begin_next(tmp_path / "keyservice") == 2
    state.epochs._looked_at -= LOOK_EVERY_SECONDS
    refused = await key_service.evaluate({"epoch": 1, "elements": blinded()})
    element = blinded()
    answer = await key_service.evaluate({"epoch": 2, "elements": element})

    assert refused.status_code == 409
    assert (answer.status_code, answer.json()["epoch"]) == (200, 2)
    assert decoded(answer.json()["elements"][0]) != oprf.evaluate(before.key, decoded(element[0]))


def test_keys_of_epochs_do_not_show_themselves(tmp_path: Path) -> None:
    (tmp_path / "oprf-1.key").write_bytes(b"s" * 32)
    epoch = Epochs(tmp_path, purpose="exploitation", register="signal-register").current

    assert repr(epoch) == "Epoch(1)"
    assert epoch.prefix == PREFIX
    assert epoch.key == oprf.derive_key(b"s" * 32, b"signal-register key service, epoch 1")
