"""Rotating the sealing keys, by the commands, while a server takes posts: nothing stops matching, nothing is lost."""

import asyncio
import os
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import update

from service.database import Database
from service.intake import rotation
from service.intake.models import Submission
from service.intake.rotation import NotRotated, rekey
from service.keys import sealing_files
from service.pseudonyms.errors import KeysRotating
from service.pseudonyms.models import SealedPerson, SealedSignal, SealingKey
from service.pseudonyms.queries import label_in_use, settled_label
from service.pseudonyms.sealing import Sealer
from service.trail import AuditEntry, Who
from tests.support.bodies import person, signal, token
from tests.support.processes import command
from tests.support.register import Register, Templates, calling, in_process, server

STAFF = Who(role="administrator", actor="staff.one")
POSTERS = 3
PEOPLE = 9


def body(number: int) -> dict[str, Any]:
    name = f"person {number % PEOPLE}"
    return signal(
        persons=[person(name, alsoKnownAs=[token(name, "n")])], partnerReference=f"JPT-{number % 1000}"
    )


class Steps:
    """The steps of a rotation in this process, told as the commands tell them."""

    def __init__(self, register: Register, folder: Path) -> None:
        self._database, self._keys = register.database, folder / "keys"

    async def done(self, step: str, *labels: str) -> str:
        if step == "rekey":
            counts = [count async for count in rotation.rekey(self._database, Sealer(self._keys))]
            return str(sum(counts))
        async with self._database.writing() as session:
            if step == "make":
                return await rotation.make_key(session, STAFF, self._keys)
            act = {"use": rotation.use_key, "delete": rotation.delete_key}[step]
            await act(session, STAFF, self._keys, *labels)
        return labels[0]

    async def refused(self, step: str, *labels: str) -> str:
        with pytest.raises(rotation.NotRotated) as refused:
            await self.done(step, *labels)
        return str(refused.value)


class Console:
    """The administrator's commands on the register's machine."""

    def __init__(self, url: str, folder: Path) -> None:
        self._where = {"SIGNAL_DATABASE_URL": url, "SIGNAL_KEY_DIR": str(folder / "keys")}

    async def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = ("admin", "sealing-key", *arguments, "--actor", "staff.one")
        return await asyncio.to_thread(command, *line, **self._where)

    async def done(self, *arguments: str) -> str:
        ended = await self(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    async def refused(self, *arguments: str) -> str:
        ended = await self(*arguments)
        assert ended.returncode == 1, ended.stdout
        return ended.stderr


async def post(register: Register, number: int, answers: dict[str, tuple[int, bytes]]) -> None:
    key = str(uuid.uuid4())
    answer = await register.post_signal(body(number), key=key)
    assert answer.status_code == 201, answer.text
    answers[key] = number, answer.content


async def test_a_rotation_under_load(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    console, answers, ending = (
        Console(database_url, tmp_path),
        dict[str, tuple[int, bytes]](),
        asyncio.Event(),
    )
    with server(database_url, tmp_path) as first, server(database_url, tmp_path) as second:
        async with (
            calling(first.url, database_url, templates.loaded[engine]) as register,
            httpx.AsyncClient(base_url=second.url, timeout=60) as http,
        ):
            other = Register(http, register.loaded, register.database, tokens=register.tokens)

            async def keep_posting(poster: int) -> None:
                number = poster
                while not ending.is_set():
                    await post(register if number % 2 else other, number, answers)
                    number += POSTERS

            for number in range(2 * PEOPLE):
                await post(register, number, answers)
            posters = [asyncio.create_task(keep_posting(number)) for number in range(POSTERS)]
            try:
                assert await console.done("make") == "k2"
                assert "k1" in await console.done("list")
                assert "in use" in await console.refused("delete", "k1")
                assert await console.done("use", "k2") == "k2"
                assert "sealed under this label" in await console.refused("delete", "k1")
                before = len(answers)
                rekeyed = int(await console.done("rekey"))
                assert rekeyed >= 4 * 2 * PEOPLE
                assert await console.done("delete", "k1") == "k1"
            finally:
                ending.set()
                await asyncio.gather(*posters)
            assert len(answers) > before
            await post(register, 1, answers)
            await same_answers_again(register, answers)
            # Whoever wrote under the deleted label after it had gone would have lost what it wrote.
            await all_sealed_under(register, tmp_path, "k2", len(answers))
            headers = await register.headers("jpt-helmond")
            read = await register.http.get("/v1/signals?limit=200", headers=headers)
            assert {one["partnerReference"][:4] for one in read.json()["items"]} == {"JPT-"}
    entries = [row for row in await register.rows(AuditEntry) if row.act.startswith("sealing-key")]
    entries.sort(key=lambda row: row.at)
    assert [(row.act, row.object_id, row.actor) for row in entries if row.act != "sealing-key.rekey"] == [
        ("sealing-key.make", "k2", "staff.one"),
        ("sealing-key.use", "k2", "staff.one"),
        ("sealing-key.delete", "k1", "staff.one"),
    ]


async def same_answers_again(register: Register, answers: dict[str, tuple[int, bytes]]) -> None:
    """A repeated post of before and after is known by its sealed digest; another body is not."""
    some = list(answers.items())[:5] + list(answers.items())[-5:]
    for key, (number, receipt) in some:
        assert (await register.post_signal(body(number), key=key)).content == receipt
        changed = body(number) | {"partnerReference": "JPT-other"}
        assert (await register.post_signal(changed, key=key)).status_code == 409


async def all_sealed_under(register: Register, folder: Path, label: str, posts: int) -> None:
    """Everything opens with the keys of one label, and the same token is the same subject, old or new."""
    sealer = Sealer(folder / "keys")
    persons = await register.rows(SealedPerson)
    subjects: dict[str, set[bytes]] = {}
    for row in persons:
        opened = sealer.open_token(row.token, row.key_label, row.person_id, row.position)
        subjects.setdefault(opened, set()).add(row.subject)
    assert len(persons) == 2 * posts
    assert len(subjects) == 2 * PEOPLE
    assert {len(one) for one in subjects.values()} == {1}
    texts, submissions = await register.rows(SealedSignal), await register.rows(Submission)
    assert len(texts) == len(submissions) == posts
    assert {row.key_label for row in [*persons, *texts, *submissions]} == {label}
    assert not any(file.exists() for file in sealing_files(folder / "keys", "k1"))


async def test_who_compares_many_waits_until_everything_has_one_label(
    register: Register, tmp_path: Path
) -> None:
    steps = Steps(register, tmp_path)
    await post(register, 1, {})
    async with register.database.reading() as session:
        assert await settled_label(session) == "k1"
    await steps.done("make")
    await steps.done("use", "k2")
    async with register.database.reading() as session:
        with pytest.raises(KeysRotating):
            await settled_label(session)
    headers = await register.headers("administrator")
    compiled = await register.http.post(
        "/v1/statistics/releases", json={"period": "2026-H1"}, headers=headers
    )
    assert (compiled.status_code, compiled.headers["Retry-After"]) == (503, "60")
    await steps.done("rekey")
    async with register.database.reading() as session:
        assert await settled_label(session) == "k2"


async def test_a_correction_during_a_rotation_knows_the_same_person(
    register: Register, tmp_path: Path
) -> None:
    steps = Steps(register, tmp_path)
    posted = await register.post_signal(body(1))
    await steps.done("make")
    await steps.done("use", "k2")
    headers = await register.headers("jpt-helmond", if_match='"1"')
    path = f"{posted.headers['Location']}/corrections"
    corrected = await register.http.post(path, json=body(1) | {"urgency": "STRUCTURAL"}, headers=headers)
    assert corrected.status_code == 201

    rows = await register.rows(SealedPerson)
    assert {row.key_label for row in rows} == {"k2"}
    assert await steps.done("rekey") == "1"  # the digest of the post
    assert await steps.done("delete", "k1") == "k1"


async def test_what_is_not_possible_is_refused(register: Register, tmp_path: Path) -> None:
    steps = Steps(register, tmp_path)
    assert "no such label" in await steps.refused("use", "k9")
    assert "no such label" in await steps.refused("delete", "k9")
    assert "has been in use" in await steps.refused("use", "k1")
    assert await steps.done("make") == "k2"
    assert "waits for use" in await steps.refused("make")
    for file in sealing_files(tmp_path / "keys", "k2"):
        file.unlink()
    assert "cannot be read" in await steps.refused("use", "k2")
    assert await steps.done("delete", "k2") == "k2"
    assert await steps.done("make") == "k3"
    assert {row.label: row.used_from is not None for row in await register.rows(SealingKey)} == {
        "k1": True,
        "k2": False,
        "k3": False,
    }
    assert await steps.done("rekey") == "0"
    assert (await register.post_signal(body(1))).status_code == 201


async def test_a_rekey_that_was_held_up_stops_when_another_label_comes_into_use(
    register: Register, tmp_path: Path
) -> None:
    steps = Steps(register, tmp_path)
    for number in range(3):
        await post(register, number, {})
    await steps.done("make")
    await steps.done("use", "k2")
    held_up = rekey(register.database, Sealer(tmp_path / "keys"))
    await anext(held_up)  # the persons; then somebody else goes on
    for step in (("make",), ("use", "k3"), ("rekey",), ("delete", "k2")):
        await steps.done(*step)
    with pytest.raises(NotRotated, match="another label"):
        await anext(held_up)
    assert {row.key_label for row in await register.rows(SealedPerson)} == {"k3"}
    assert {row.key_label for row in await register.rows(SealedSignal)} == {"k3"}


async def test_a_label_comes_into_use_whatever_the_clock_of_a_machine_says(
    register: Register, tmp_path: Path
) -> None:
    steps = Steps(register, tmp_path)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    async with register.database.writing() as session:
        await session.execute(update(SealingKey).values(used_from=ahead))
    await steps.done("make")
    await steps.done("use", "k2")
    async with register.database.reading() as session:
        assert await label_in_use(session) == "k2"


async def test_a_machine_without_the_keys_is_not_ready_and_loses_nothing(
    register: Register, tmp_path: Path
) -> None:
    steps = Steps(register, tmp_path)
    await steps.done("make")
    await steps.done("use", "k2")
    kept = {file: file.read_bytes() for file in sealing_files(tmp_path / "keys", "k2")}
    for file in kept:
        file.unlink()
    refused = await register.post_signal(body(1))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.json()["type"].endswith(":key-away")
    assert (await register.http.get("/health/ready")).status_code == 503
    for file, content in kept.items():
        file.write_bytes(content)
    assert (await register.http.get("/health/ready")).status_code == 200
    assert (await register.post_signal(body(1))).status_code == 201


async def test_what_is_under_a_key_opens_with_no_other(register: Register, tmp_path: Path) -> None:
    await post(register, 1, {})
    (row, _) = await register.rows(SealedPerson)
    for name in ("subject", "token"):
        (tmp_path / "keys" / f"{name}-k2.key").write_bytes(os.urandom(32))
    sealer = Sealer(tmp_path / "keys")

    assert sealer.open_token(row.token, "k1", row.person_id, row.position).startswith("e1.")
    with pytest.raises(InvalidTag):
        sealer.open_token(row.token, "k2", row.person_id, row.position)
    assert sealer.under("k2").subject("e1.b.x") != sealer.under("k1").subject("e1.b.x")


async def test_a_process_that_starts_after_a_rotation_needs_only_the_present_keys(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    async with in_process(database_url, templates.loaded[engine], tmp_path) as register:
        await post(register, 1, {})
        steps = Steps(register, tmp_path)
        for step in (("make",), ("use", "k2"), ("rekey",), ("delete", "k1")):
            await steps.done(*step)
    async with in_process(database_url, templates.loaded[engine], tmp_path) as register:
        await post(register, 1, {})
        subjects = {row.subject for row in await register.rows(SealedPerson) if row.kind == "b"}
        assert len(subjects) == 1


async def test_the_sealed_side_takes_part_in_no_answer(register: Register) -> None:
    await post(register, 1, {})
    database: Database = register.database
    async with database.reading() as session:
        assert await settled_label(session) == "k1"
    (row, _) = await register.rows(SealedPerson)
    read = await register.http.get("/v1/signals", headers=await register.headers("jpt-helmond"))
    assert row.subject.hex() not in read.text
    assert token("person 1") not in read.text
