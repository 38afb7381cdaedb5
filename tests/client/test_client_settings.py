"""What a partner sets of the client: safe addresses only, secrets that are not shown, what is missing by its name."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.client.settings import ClientSettings, NotSet

WHOLE: dict[str, Any] = {
    "register_url": "https://register.example",
    "client_id": "jpt-1",
    "secret": "of-the-register",
    "key_service_url": "https://keys.example",
    "key_service_client_id": "jpt-2",
    "key_service_secret": "of-the-keys",
}
WHERE: dict[str, tuple[str, Callable[[ClientSettings], tuple[str, str, str]]]] = {
    "register": ("", ClientSettings.register),
    "key service": ("key_service_", ClientSettings.key_service),
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("SIGNAL_CLIENT_"):
            monkeypatch.delenv(name)


def settings(**changes: Any) -> ClientSettings:
    """Everything that is needed, with changes; None leaves something out."""
    return ClientSettings(**{name: value for name, value in (WHOLE | changes).items() if value is not None})


def test_every_setting_says_what_it_is() -> None:
    described = {name: field.description or "" for name, field in ClientSettings.model_fields.items()}
    assert [name for name, words in described.items() if len(words) < 10] == []


SAFE = [
    "https://register.example",
    "HTTPS://register.example:8443/sub",
    "http://127.0.0.1:8000",
    "http://localhost",
    "http://LOCALHOST:8000",
    "http://[::1]:8000",
]
UNSAFE = [
    "http://register.example",
    "HTTP://register.example",
    "http://127.0.0.1.register.example",
    "http://localhost.example",
    "http://127.0.0.1@register.example",
    "http://0.0.0.0:8000",
    "http://[::1",
    "http:///register",
    "https:/register.example",
    "https://",
    "ftp://127.0.0.1",
    "register.example",
    "127.0.0.1:8000",
    "//127.0.0.1",
    "file:///etc/passwd",
]
ADDRESSES = ["register_url", "key_service_url"]


@pytest.mark.parametrize("url", SAFE)
@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_is_https_or_this_machine(name: str, url: str) -> None:
    assert getattr(settings(**{name: url}), name) == url


@pytest.mark.parametrize("url", UNSAFE)
@pytest.mark.parametrize("name", ADDRESSES)
def test_another_address_is_refused(name: str, url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(**{name: url})
    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


@pytest.mark.parametrize("seconds", [0, -1, "soon"])
def test_an_answer_may_take_some_time(seconds: Any) -> None:
    assert settings(timeout_seconds="0.5").timeout_seconds == 0.5
    with pytest.raises(ValidationError):
        settings(timeout_seconds=seconds)


def test_settings_do_not_show_a_secret_and_do_not_change() -> None:
    whole = settings()
    for secret in (WHOLE["secret"], WHOLE["key_service_secret"]):
        assert secret not in f"{whole} {whole!r} {whole.model_dump()} {whole.model_dump_json()}"
    with pytest.raises(ValidationError):
        whole.client_id = "another"


def test_an_address_comes_with_what_opens_it() -> None:
    assert settings().register() == ("https://register.example", "jpt-1", "of-the-register")
    assert settings().key_service() == ("https://keys.example", "jpt-2", "of-the-keys")


MISSING = {
    "register_url": ("SIGNAL_CLIENT_REGISTER_URL", ClientSettings.register),
    "client_id": ("SIGNAL_CLIENT_CLIENT_ID", ClientSettings.register),
    "secret": ("SIGNAL_CLIENT_SECRET_FILE", ClientSettings.register),
    "key_service_url": ("SIGNAL_CLIENT_KEY_SERVICE_URL", ClientSettings.key_service),
    "key_service_client_id": ("SIGNAL_CLIENT_KEY_SERVICE_CLIENT_ID", ClientSettings.key_service),
    "key_service_secret": ("SIGNAL_CLIENT_KEY_SERVICE_SECRET_FILE", ClientSettings.key_service),
}


@pytest.mark.parametrize(("name", "told"), MISSING.items(), ids=MISSING.keys())
@pytest.mark.parametrize("value", [None, ""], ids=["not there", "empty"])
def test_what_is_missing_is_named(name: str, told: tuple[str, Any], value: str | None) -> None:
    variable, of = told
    with pytest.raises(NotSet, match=f"^{variable} is not set$"):
        of(settings(**{name: value}))


def test_who_needs_no_key_service_sets_none() -> None:
    assert ClientSettings(
        **{name: WHOLE[name] for name in ("register_url", "client_id", "secret")}
    ).register()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret"


SECRETS = {
    "as it is": b"s-3cret\xc3\xa9",
    "with a line end": b"s-3cret\xc3\xa9\r\n",
    "with spaces around": b"\n  s-3cret\xc3\xa9 \n",
    "with a BOM": b"\xef\xbb\xbfs-3cret\xc3\xa9\r\n",
}


@pytest.mark.parametrize("content", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize(("prefix", "of"), WHERE.values(), ids=WHERE.keys())
def test_a_secret_comes_from_a_file(file: Path, content: bytes, prefix: str, of: Any) -> None:
    file.write_bytes(content)
    given = settings(**{f"{prefix}secret": None, f"{prefix}secret_file": file})
    assert of(given)[2] == "s-3creté"


def test_a_secret_that_is_given_goes_before_a_file(file: Path) -> None:
    file.write_bytes(b"of-a-file")
    assert settings(secret_file=file).register()[2] == WHOLE["secret"]


@pytest.mark.parametrize("secret", [None, ""], ids=["not there", "empty"])
def test_a_secret_that_is_empty_leaves_it_to_the_file(file: Path, secret: str | None) -> None:
    file.write_bytes(b"of-a-file")
    assert settings(secret=secret, secret_file=file).register()[2] == "of-a-file"


def absent(file: Path) -> None:
    """Nothing is there."""


FILES: dict[str, Callable[[Path], object]] = {
    "not there": absent,
    "a folder": Path.mkdir,
    "empty": lambda file: file.write_bytes(b" \n"),
    "no UTF-8": lambda file: file.write_bytes(b"s3cret\xff"),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize(("prefix", "of"), WHERE.values(), ids=WHERE.keys())
def test_a_file_without_a_secret_is_named(file: Path, make: Any, prefix: str, of: Any) -> None:
    make(file)
    given = settings(**{f"{prefix}secret": None, f"{prefix}secret_file": file})

    with pytest.raises(NotSet, match=f"^SIGNAL_CLIENT_{prefix.upper()}SECRET_FILE ") as refused:
        of(given)
    assert "s3cret" not in str(refused.value)


def test_what_is_kept_stands_at_home_unless_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings().state_dir == tmp_path / ".signal-register"


def test_spool_and_key_stand_in_the_state_folder_unless_it_is_told(tmp_path: Path) -> None:
    by_default, told = (
        settings(state_dir=tmp_path),
        settings(state_dir=tmp_path, spool_dir="/a", key_file="/b"),
    )

    assert (by_default.spool, by_default.key) == (tmp_path / "spool", tmp_path / "client.key")
    assert (told.spool, told.key) == (Path("/a"), Path("/b"))


def test_the_environment_and_a_file_of_settings_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "client.env"
    file.write_text(
        "SIGNAL_CLIENT_CLIENT_ID=of-the-file\nSIGNAL_CLIENT_SECRET=shh\nOTHER=1\nCLIENT_ID=none\n"
    )
    monkeypatch.setenv("SIGNAL_CLIENT_REGISTER_URL", "https://register.example")
    monkeypatch.setenv("CLIENT_ID", "of-another-program")

    assert ClientSettings(_env_file=file).register() == ("https://register.example", "of-the-file", "shh")
    assert ClientSettings().client_id is None
    monkeypatch.setenv("SIGNAL_CLIENT_CLIENT_ID", "of-the-environment")
    assert ClientSettings(_env_file=file).client_id == "of-the-environment"
