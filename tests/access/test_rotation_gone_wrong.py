"""Rotation when something is wrong: no step without its entry, no key that stops everybody, no token that slips."""

import base64
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from typer.testing import CliRunner

from service.access import rotation
from service.access.keyring import LOOK_EVERY_SECONDS, Press
from service.access.models import RevokedToken
from service.access.rotation import ACTIVE_FILE, LONGEST_LIFE, NotRotated, published_keys
from service.access.tokens import issue
from service.admin import commands
from service.keys import load_keys, make_signing_key
from tests.house.test_command_line import run
from tests.support.register import Register, Templates, in_process

Admin = Callable[..., Result]
NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    load_keys(tmp_path / "keys", make_missing=True)
    return tmp_path / "keys"


@pytest.fixture
def sqlite_file(templates: Templates) -> Iterator[Path]:
    with templates.copy("sqlite") as url:
        yield Path(url.removeprefix("sqlite+aiosqlite:///"))


@pytest.fixture
def admin(folder: Path, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """The command on a migrated database; `database` names another."""
    monkeypatch.setenv("SIGNAL_KEY_DIR", str(folder))

    def call(*arguments: str, database: str | None = None, actor: str = "staff.1") -> Result:
        monkeypatch.setenv("SIGNAL_DATABASE_URL", database or f"sqlite+aiosqlite:///{sqlite_file}")
        return CliRunner().invoke(commands, ["signing-key", *arguments, "--actor", actor])

    return call


def content_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def acts_in(file: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(
            "SELECT act, object_id FROM audit_entry WHERE object_type = 'signing_key' ORDER BY at"
        )
        return found.fetchall()


def refusal_of(result: Result) -> str:
    """The one sentence of a refusal."""
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    return result.stderr


def without_first(folder: Path) -> str:
    """A key that may be retired: its kid."""
    (first,) = published_keys(folder)
    rotation.publish(folder)
    rotation.sign(folder)
    rotation.publish(folder)
    return first.kid


STEPS: dict[str, tuple[str, ...]] = {
    "publish": ("publish",),
    "sign": ("sign",),
    "retire": ("retire", "{kid}", "--now"),
}
each_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())


@each_step
@pytest.mark.parametrize("away", ["nobody listens", "not migrated"])
def test_without_its_entry_no_step_is_taken(
    admin: Admin, folder: Path, tmp_path: Path, away: str, step: tuple[str, ...]
) -> None:
    kid = without_first(folder)
    before = content_of(folder)
    urls = {
        "nobody listens": "postgresql+asyncpg://nobody@127.0.0.1:1/register",
        "not migrated": f"sqlite+aiosqlite:///{tmp_path}/empty.db",
    }
    assert "not done" in refusal_of(admin(*(part.format(kid=kid) for part in step), database=urls[away]))
    assert content_of(folder) == before


@each_step
def test_a_step_that_fails_leaves_no_entry(
    admin: Admin, folder: Path, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[str, ...]
) -> None:
    kid = without_first(folder)
    before = content_of(folder)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    if step[0] == "retire":
        monkeypatch.setattr(Path, "unlink", full)
    answer = admin(*(part.format(kid=kid) for part in step))
    monkeypatch.undo()

    assert "No space left" in refusal_of(answer)
    assert content_of(folder) == before
    assert acts_in(sqlite_file) == []


@each_step
@pytest.mark.parametrize("actor", ["", "x", "a name", "x" * 65])
def test_who_acts_is_a_staff_id(
    admin: Admin, folder: Path, sqlite_file: Path, actor: str, step: tuple[str, ...]
) -> None:
    kid = without_first(folder)
    before = content_of(folder)

    refused = admin(*(part.format(kid=kid) for part in step), actor=actor)
    assert (refused.exit_code, refused.stdout, "--actor" in refused.stderr) == (1, "", True)
    assert (content_of(folder), acts_in(sqlite_file)) == (before, [])


def test_what_cannot_be_is_refused_in_a_sentence(admin: Admin, folder: Path, sqlite_file: Path) -> None:
    (first,) = published_keys(folder)

    assert "publish another first" in refusal_of(admin("sign"))
    assert "no key has this kid" in refusal_of(admin("retire", "nonsense"))
    assert "this key signs" in refusal_of(admin("retire", first.kid, "--now"))
    (folder / "signing-2.pem").write_bytes(b"-----BEGIN PRIV")
    assert "not done" in refusal_of(admin("sign"))
    (folder / "signing-2.pem").unlink()
    (folder / "signing.pem").unlink()
    assert "publish another first" in refusal_of(admin("sign"))
    assert acts_in(sqlite_file) == []


def test_a_list_of_no_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    ended = run("admin", "signing-key", "list", SIGNAL_KEY_DIR=str(tmp_path / "nowhere"))

    assert (ended.returncode, ended.stderr.startswith("not done: "), "Traceback" in ended.stderr) == (
        1,
        True,
        False,
    )


def key_of_a_kid_with_a_dash(file: Path) -> str:
    """Make keys until a kid begins like an option: one in 64 does."""
    while True:
        make_signing_key(file)
        kid = published_keys(file.parent)[-1].kid
        if kid.startswith("-"):
            return kid
        file.unlink()


def test_a_kid_that_begins_with_a_dash_is_no_option(folder: Path, sqlite_file: Path) -> None:
    kid = key_of_a_kid_with_a_dash(folder / "signing-2.pem")
    place = {"SIGNAL_KEY_DIR": str(folder), "SIGNAL_DATABASE_URL": f"sqlite+aiosqlite:///{sqlite_file}"}
    ended = run("admin", "signing-key", "retire", kid, "--actor", "staff.1", **place)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert acts_in(sqlite_file) == [("signing-key.retire", kid)]
    assert [key.file for key in published_keys(folder)] == ["signing.pem"]


def test_two_who_publish_at_once_do_not_both_succeed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(file: Path, make: Any) -> None:
        make_signing_key(file)
        make_signing_key(file, make)

    monkeypatch.setattr(rotation, "make_signing_key", overtaken)
    with pytest.raises(NotRotated, match="at this moment"):
        rotation.publish(folder)
    assert len(published_keys(folder)) == 2


def test_the_last_token_of_a_process_that_looks_late_has_run_out(folder: Path) -> None:
    (first,) = published_keys(folder)
    rotation.publish(folder)
    rotation.sign(folder)
    changed = datetime.fromtimestamp((folder / ACTIVE_FILE).stat().st_mtime, UTC)
    over = changed + timedelta(hours=1, seconds=LOOK_EVERY_SECONDS + 30)

    with pytest.raises(NotRotated, match="may still be in use"):
        rotation.retire(folder, first.kid, at=over)
    with pytest.raises(NotRotated, match="may still be in use"):
        rotation.retire(folder, first.kid, at=changed + LONGEST_LIFE - timedelta(seconds=1))
    assert rotation.retire(folder, first.kid, at=changed + LONGEST_LIFE).kid == first.kid


def private(key: ec.EllipticCurvePrivateKey, encoding: Encoding = Encoding.PEM, secret: str = "") -> bytes:
    encryption = BestAvailableEncryption(secret.encode()) if secret else NoEncryption()
    return key.private_bytes(encoding, PrivateFormat.PKCS8, encryption)


def of_no_known_curve() -> bytes:
    """A good key whose curve got a number that nobody gave out."""
    known, unknown = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030177")
    der = private(ec.generate_private_key(ec.SECP256R1()), Encoding.DER).replace(known, unknown)
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"


SPOILT: dict[str, Callable[[], bytes]] = {
    "encrypted": lambda: private(ec.generate_private_key(ec.SECP256R1()), secret="secret"),
    "another curve": lambda: private(ec.generate_private_key(ec.SECP384R1())),
    "a curve that nobody knows": of_no_known_curve,
    "DER": lambda: private(ec.generate_private_key(ec.SECP256R1()), Encoding.DER),
    "empty": lambda: b"",
}


@pytest.mark.parametrize("make", SPOILT.values(), ids=SPOILT.keys())
def test_a_key_that_cannot_be_used_stops_nobody(folder: Path, make: Callable[[], bytes]) -> None:
    moment = [0.0]
    press = Press(
        folder, name="https://here", audience="https://here/v1", minutes=15, clock=lambda: moment[0]
    )
    kid = press.signer.kid
    (folder / "signing-2.pem").write_bytes(make())
    moment[0] += LOOK_EVERY_SECONDS

    assert (press.signer.kid, set(press.issuer.keys)) == (kid, {kid})


async def test_a_token_of_a_key_just_published_can_be_taken_back(
    templates: Templates, tmp_path: Path
) -> None:
    """Another process signs with a key that this one has not seen yet: taking its token back is no empty word."""
    with templates.copy("sqlite") as url:
        options = {"client_recheck_seconds": 0}
        async with in_process(url, templates.loaded["sqlite"], tmp_path, **options) as register:
            headers = await register.headers("jpt-helmond")
            press: Press = register.app.app.state.press  # type: ignore[union-attr]
            token = await token_of_a_new_key(register, press, tmp_path / "keys")
            credential = register.loaded.credentials["jpt-helmond"]
            # As long ago as a look for an unknown key needs, too short for the regular one.
            press._looked_at = press._clock() - 1
            taken = await register.http.post(
                "/oauth/revoke",
                data={"token": token},
                auth=(credential.client_id, credential.client_secret),
            )
            after = await register.http.get("/v1/me", headers=headers | {"Authorization": f"Bearer {token}"})

            kept = await register.rows(RevokedToken)

    assert (taken.status_code, after.status_code, len(kept)) == (200, 401, 1)


async def token_of_a_new_key(register: Register, press: Press, folder: Path) -> str:
    issuer = press.issuer
    rotation.publish(folder)
    rotation.sign(folder)
    other = Press(folder, name=issuer.name, audience=issuer.audience, minutes=15)
    client_id = register.loaded.credentials["jpt-helmond"].client_id
    about = {"sub": client_id, "client_id": client_id, "scope": "signals:read", "jti": str(uuid.uuid4())}
    assert other.signer.kid not in press._issuer.keys
    return issue(other.signer, other.issuer, about, at=datetime.now(UTC), minutes=15)
