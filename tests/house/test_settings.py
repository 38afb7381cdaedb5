"""Settings: from the environment alone, and never a production server that puts people at risk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.keys import MissingKey, load_keys
from service.settings import Settings, UnsafeSettings, load_settings, refuse_unsafe_production
from tests.support.register import ROOT

SAFE = {
    "SIGNAL_ENV": "production",
    "SIGNAL_DATABASE_URL": "postgresql+asyncpg://register@db/register",
    "SIGNAL_PUBLIC_URL": "https://register.example",
}
SQLITE = "sqlite+aiosqlite:///register.db"
CLOCK, HTTPS, LITE = "SIGNAL_CLOCK_FILE", "SIGNAL_PUBLIC_URL", "SIGNAL_ALLOW_SQLITE"
INSIDE = "the key service is inside"

UNSAFE = {
    "a set clock": ({"SIGNAL_CLOCK_FILE": "/tmp/moment"}, {CLOCK}),
    "http": ({"SIGNAL_PUBLIC_URL": "http://register.example"}, {HTTPS}),
    "the address of a first start": ({"SIGNAL_PUBLIC_URL": None}, {HTTPS}),
    "https in the name only": ({"SIGNAL_PUBLIC_URL": "http://https://"}, {HTTPS}),
    "SQLite": ({"SIGNAL_DATABASE_URL": SQLITE}, {LITE}),
    "the database of a first start": ({"SIGNAL_DATABASE_URL": None}, {LITE}),
    "SQLite with another word": ({"SIGNAL_DATABASE_URL": SQLITE, "SIGNAL_ALLOW_SQLITE": "false"}, {LITE}),
    "the key service on the same host": (
        {"SIGNAL_KEY_SERVICE_URL": "https://register.example:8100"},
        {INSIDE},
    ),
    "settings of the key service": ({"SIGNAL_KEYSERVICE_PURPOSE": "exploitation"}, {INSIDE}),
    "nothing but the word production": (
        {"SIGNAL_DATABASE_URL": None, "SIGNAL_PUBLIC_URL": None, "SIGNAL_CLOCK_FILE": "x"},
        {CLOCK, HTTPS, LITE},
    ),
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without settings, in a folder without `.env`."""
    for name in list(os.environ):
        if name.upper().startswith("SIGNAL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def put(monkeypatch: pytest.MonkeyPatch, values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is not None:
            monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("changes", "reasons"), UNSAFE.values(), ids=UNSAFE.keys())
def test_production_refuses_and_names_every_reason(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], reasons: set[str]
) -> None:
    put(monkeypatch, SAFE | changes)

    with pytest.raises(UnsafeSettings) as refused:
        load_settings()
    assert {name for name in (CLOCK, HTTPS, LITE, INSIDE) if name in str(refused.value)} == reasons


def test_production_refuses_a_folder_with_a_key_of_the_key_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "oprf-3.key").write_bytes(b"")
    put(monkeypatch, SAFE | {"SIGNAL_KEY_DIR": str(tmp_path)})

    with pytest.raises(UnsafeSettings, match=INSIDE):
        load_settings()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"SIGNAL_DATABASE_URL": SQLITE, "SIGNAL_ALLOW_SQLITE": "true"},
        {"SIGNAL_KEY_SERVICE_URL": "https://keys.example"},
    ],
)
def test_production_starts_on_what_is_safe(monkeypatch: pytest.MonkeyPatch, more: dict[str, str]) -> None:
    put(monkeypatch, SAFE | more)

    assert load_settings().env == "production"


def test_a_first_start_needs_no_setting() -> None:
    settings = load_settings()

    assert (settings.env, settings.is_sqlite, settings.token_minutes) == ("development", True, 15)
    assert settings.clock_file is None


def test_a_file_of_settings_counts_in_development_and_not_in_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SIGNAL_TOKEN_MINUTES=5\nSIGNAL_PUBLIC_URL=https://file.example\n")
    in_development = load_settings()
    put(monkeypatch, SAFE)
    in_production = load_settings()

    assert (in_development.token_minutes, in_development.public_url) == (5, "https://file.example")
    assert (in_production.token_minutes, in_production.public_url) == (15, "https://register.example")


def test_a_file_cannot_talk_production_into_unsafe_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SIGNAL_ENV=production\n")

    with pytest.raises(UnsafeSettings):
        load_settings()


WRONG = {
    "tokens of no time": {"SIGNAL_TOKEN_MINUTES": "0"},
    "tokens of more than an hour": {"SIGNAL_TOKEN_MINUTES": "61"},
    "clients trusted for more than a minute": {"SIGNAL_CLIENT_RECHECK_SECONDS": "61"},
    "another environment": {"SIGNAL_ENV": "test"},
    "another period": {"SIGNAL_RELEASE_PERIOD": "week"},
    "another level": {"SIGNAL_LOG_LEVEL": "TRACE"},
    "no connections": {"SIGNAL_POOL_SIZE": "0"},
    "no queue": {"SIGNAL_QUEUE_SIZE": "0"},
    "a group without limit": {"SIGNAL_GROUP_SIZE": "100000"},
}


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG.keys())
def test_a_value_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    put(monkeypatch, values)

    with pytest.raises(ValidationError):
        load_settings()


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.env = "production"  # type: ignore[misc]
    refuse_unsafe_production(settings)


def test_production_makes_no_keys(tmp_path: Path) -> None:
    with pytest.raises(MissingKey, match=r"subject\.key"):
        load_keys(tmp_path, make_missing=False)
    assert list(tmp_path.iterdir()) == []


NOT_STARTED = {
    "unsafe": ({"SIGNAL_ENV": "production"}, "not started"),
    "without keys": (SAFE | {"SIGNAL_KEY_DIR": "/nowhere/keys"}, "key file /nowhere/keys/subject.key"),
}


@pytest.mark.parametrize(("values", "reason"), NOT_STARTED.values(), ids=NOT_STARTED.keys())
def test_a_server_that_may_not_start_says_why_and_ends_with_2(values: dict[str, str], reason: str) -> None:
    # A process of its own: this is what an operator sees.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | values
    command = [sys.executable, "-m", "service", "serve", "--port", "0"]
    answer = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert answer.returncode == 2
    assert reason in answer.stderr
    assert "Traceback" not in answer.stderr
