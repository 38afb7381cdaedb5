"""The key service's settings: never a production start beside the register, or without its own keys."""

import os
from pathlib import Path

import pytest

from service.keys import MissingKey
from service.keyservice.app import create_key_service
from service.keyservice.settings import KeyServiceSettings, load_key_service_settings
from service.settings import UnsafeSettings

SAFE = {
    "SIGNAL_ENV": "production",
    "SIGNAL_KEYSERVICE_PUBLIC_URL": "https://keys.example",
    "SIGNAL_KEYSERVICE_REGISTER_URL": "https://register.example",
}
UNSAFE = {
    "http": ({"SIGNAL_KEYSERVICE_PUBLIC_URL": "http://keys.example"}, "not https"),
    "no register": ({"SIGNAL_KEYSERVICE_REGISTER_URL": None}, "does not name the register"),
    "the register's host": (
        {"SIGNAL_KEYSERVICE_REGISTER_URL": "https://KEYS.example:8443/x"},
        "the same host",
    ),
    "the register's host with a dot": (
        {"SIGNAL_KEYSERVICE_REGISTER_URL": "https://keys.example."},
        "the same host",
    ),
    "a register without a scheme": ({"SIGNAL_KEYSERVICE_REGISTER_URL": "register.example"}, "with https"),
    "an empty register": ({"SIGNAL_KEYSERVICE_REGISTER_URL": ""}, "with https"),
    "the register's database": ({"SIGNAL_DATABASE_URL": "sqlite:///x"}, "settings of the register"),
    "the register's keys": ({"SIGNAL_KEY_DIR": "/keys"}, "settings of the register"),
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


@pytest.mark.parametrize(("changes", "reason"), UNSAFE.values(), ids=UNSAFE.keys())
def test_production_refuses(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], reason: str
) -> None:
    put(monkeypatch, SAFE | changes)

    with pytest.raises(UnsafeSettings, match=reason):
        load_key_service_settings()


def test_settings_in_small_letters_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, SAFE | {"signal_key_dir": "/keys"})

    with pytest.raises(UnsafeSettings, match="settings of the register"):
        load_key_service_settings()


def test_production_is_not_said_in_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in SAFE.items()))

    with pytest.raises(UnsafeSettings, match="environment"):
        load_key_service_settings()


@pytest.mark.parametrize("name", ["subject.key", "subject-2.key", "token.key", "token-2.key", "release.key"])
def test_production_refuses_the_registers_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    put(monkeypatch, SAFE | {"SIGNAL_KEYSERVICE_KEY_DIR": str(tmp_path)})

    with pytest.raises(UnsafeSettings, match="keys of the register"):
        load_key_service_settings()


def test_production_starts_on_what_is_safe_and_makes_no_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(monkeypatch, SAFE)
    settings = load_key_service_settings()

    assert (settings.evaluations_per_minute, settings.evaluations_per_day) == (60, 500)
    with pytest.raises(MissingKey):
        create_key_service(settings)
    assert list(tmp_path.rglob("*.key")) == []


def test_every_setting_says_what_it_is_for() -> None:
    fields = KeyServiceSettings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
