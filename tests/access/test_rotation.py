"""Signing keys: published, signing, retired, while servers run and without one failed request."""

import asyncio
import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jose import jwt

from service.access import rotation
from service.access.keyring import LOOK_EVERY_SECONDS, Press
from service.access.rotation import NotRotated, active_file, published_keys
from service.keys import MissingKey, load_keys
from service.trail import AuditEntry
from tests.support.processes import command
from tests.support.register import Register, Templates, calling, in_process, server

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    load_keys(tmp_path / "keys", make_missing=True)
    return tmp_path / "keys"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def press_of(folder: Path, clock: Clock) -> Press:
    return Press(folder, name="https://here", audience="https://here/v1", minutes=15, clock=clock)


def test_a_key_is_published_signs_and_is_retired(folder: Path) -> None:
    (first,) = published_keys(folder)
    assert (first.file, first.signs) == ("signing.pem", True)
    second = rotation.publish(folder)
    assert [(key.file, key.signs) for key in published_keys(folder)] == [
        ("signing.pem", True),
        ("signing-2.pem", False),
    ]
    assert rotation.sign(folder) == published_keys(folder)[1]
    assert (second.kid, active_file(folder)) == (published_keys(folder)[1].kid, "signing-2.pem")
    assert (folder / "signing-2.pem").stat().st_mode & 0o777 == 0o600

    with pytest.raises(NotRotated, match="may still be in use"):
        rotation.retire(folder, first.kid, at=NOW)
    with pytest.raises(NotRotated, match="signs"):
        rotation.retire(folder, second.kid, at=LATER, leaked=True)
    with pytest.raises(NotRotated, match="no key"):
        rotation.retire(folder, "another", at=LATER)
    with pytest.raises(NotRotated, match="signs already"):
        rotation.sign(folder)
    assert rotation.retire(folder, first.kid, at=LATER).kid == first.kid
    assert [key.file for key in published_keys(folder)] == ["signing-2.pem"]
    assert rotation.publish(folder).file == "signing-3.pem"


def test_a_key_that_leaked_is_retired_at_once(folder: Path) -> None:
    (first,) = published_keys(folder)
    rotation.publish(folder)
    rotation.sign(folder)
    rotation.retire(folder, first.kid, at=NOW, leaked=True)
    assert len(published_keys(folder)) == 1


def test_a_running_process_follows_the_folder(folder: Path) -> None:
    clock = Clock()
    press = press_of(folder, clock)
    first = press.signer.kid
    second = rotation.publish(folder).kid
    assert set(press.issuer.keys) == {first}  # not looked at yet
    clock.now += LOOK_EVERY_SECONDS
    assert (set(press.issuer.keys), press.signer.kid) == ({first, second}, first)
    rotation.sign(folder)
    clock.now += LOOK_EVERY_SECONDS
    assert press.signer.kid == second
    rotation.retire(folder, first, at=LATER)
    clock.now += LOOK_EVERY_SECONDS
    assert set(press.issuer.keys) == {second}


def test_a_key_that_is_not_known_makes_it_look_again_but_not_all_the_time(folder: Path) -> None:
    clock = Clock()
    press = press_of(folder, clock)
    clock.now += 1
    assert not press.look_again()
    rotation.publish(folder)
    clock.now += 0.1
    assert not press.look_again()
    clock.now += 0.5
    assert press.look_again()


SPOILT = {
    "a half-written key": lambda folder: (folder / "signing-2.pem").write_bytes(b"-----BEGIN PRIV"),
    "a pointer to nothing": lambda folder: (folder / "signing.active").write_text("signing-9.pem"),
    "no keys any more": lambda folder: (folder / "signing.pem").unlink(),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_what_cannot_be_read_leaves_the_last_good_keys(folder: Path, spoil: Any) -> None:
    clock = Clock()
    press = press_of(folder, clock)
    kid = press.signer.kid
    spoil(folder)
    clock.now += LOOK_EVERY_SECONDS
    assert (press.signer.kid, set(press.issuer.keys)) == (kid, {kid})
    with pytest.raises(MissingKey):
        press_of(folder, clock)


async def test_tokens_of_a_retired_key_are_refused(engine: str, templates: Templates, tmp_path: Path) -> None:
    with templates.copy(engine) as url:
        async with in_process(url, templates.loaded[engine], tmp_path, client_recheck_seconds=0) as register:
            headers = await register.headers("jpt-helmond")
            assert (await register.http.get("/v1/me", headers=headers)).status_code == 200
            keys = tmp_path / "keys"
            old = published_keys(keys)[0].kid
            rotation.publish(keys)
            rotation.sign(keys)
            rotation.retire(keys, old, at=NOW, leaked=True)
            await asyncio.sleep(LOOK_EVERY_SECONDS + 0.1)
            assert (await register.http.get("/v1/me", headers=headers)).status_code == 401
            known = (await register.http.get("/oauth/jwks.json")).json()["keys"]
            assert old not in {key["kid"] for key in known}
            register.tokens.clear()
            headers = await register.headers("jpt-helmond")
            assert (await register.http.get("/v1/me", headers=headers)).status_code == 200


@pytest.fixture
def administered(database_url: str, folder: Path) -> Any:
    """The administrator's command on this database and key folder."""

    def administer(*arguments: str) -> Any:
        return command(
            "admin", "signing-key", *arguments, SIGNAL_DATABASE_URL=database_url, SIGNAL_KEY_DIR=str(folder)
        )

    return administer


async def test_the_commands_leave_their_trace(register: Register, administered: Any, folder: Path) -> None:
    (first,) = published_keys(folder)
    published = administered("publish", "--actor", "staff.1")
    assert (published.returncode, published.stdout.strip()) == (0, published_keys(folder)[1].kid)
    assert administered("sign", "--actor", "staff.1").returncode == 0
    early = administered("retire", first.kid, "--actor", "staff.1")
    assert (early.returncode, "may still be in use" in early.stderr) == (1, True)
    assert administered("retire", first.kid, "--now", "--actor", "staff.1").returncode == 0
    assert administered("list").stdout.split() == [published.stdout.strip(), "signing-2.pem", "signs"]
    entries = [one for one in await register.rows(AuditEntry) if one.object_type == "signing_key"]
    assert [(one.act, one.actor, one.object_id) for one in entries] == [
        ("signing-key.publish", "staff.1", published.stdout.strip()),
        ("signing-key.sign", "staff.1", published.stdout.strip()),
        ("signing-key.retire", "staff.1", first.kid),
    ]


async def test_rotation_under_load_fails_nobody(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    """Tokens from one process are used at another, old and new ones, while keys rotate twice under both."""
    loaded, keys = templates.loaded[engine], tmp_path / "keys"
    address = {"public_url": "http://127.0.0.1:1", "client_recheck_seconds": 0}
    with (
        server(database_url, tmp_path, **address) as here,
        server(database_url, tmp_path, **address) as there,
    ):
        async with (
            calling(here.url, database_url, loaded) as one,
            calling(there.url, database_url, loaded) as other,
        ):
            failures: list[Any] = []
            kids: list[str] = []
            rotated, seen = asyncio.Event(), defaultdict[str, asyncio.Event](asyncio.Event)

            async def work(name: str) -> None:
                first = await one.token(name)
                while not rotated.is_set():
                    one.tokens.clear()
                    token = await one.token(name)
                    kids.append(jwt.get_unverified_header(token)["kid"])
                    seen[kids[-1]].set()
                    for shown in (token, first):
                        for register in (other, one):
                            answer = await register.http.get(
                                "/v1/me", headers={"Authorization": f"Bearer {shown}"}
                            )
                            if answer.status_code != 200:
                                failures.append((answer.status_code, answer.text))

            async def rotate() -> None:
                for _ in range(2):
                    await asyncio.sleep(0.7)
                    await asyncio.to_thread(rotation.publish, keys)
                    await asyncio.sleep(0.7)  # not everybody has looked by now
                    signs = await asyncio.to_thread(rotation.sign, keys)
                    await asyncio.wait_for(seen[signs.kid].wait(), 10)
                await asyncio.sleep(1)
                rotated.set()

            names = ("jpt-helmond", "school-helmond", "police-ede", "jpt-utrecht")
            await asyncio.gather(rotate(), *(work(name) for name in names))

    assert failures == []
    assert len(dict.fromkeys(kids)) == 3
    assert kids[-1] == published_keys(keys)[-1].kid
    assert os.listdir(keys).count("signing.active") == 1
