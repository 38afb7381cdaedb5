"""What can be set of the key service: prefix `SIGNAL_KEYSERVICE_`, and `SIGNAL_ENV` as for the register.

`refuse_unsafe_production` stops a start beside the register: whoever holds both keys can try every number.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.settings import (
    KEY_SERVICE_PREFIX,
    UnsafeSettings,
    refuse_production_from_a_file,
    same_host,
)

NAME_FORM = r"^[a-z0-9][a-z0-9-]{0,39}$"
REGISTERS_SETTINGS = ("SIGNAL_DATABASE_URL", "SIGNAL_KEY_DIR")
REGISTERS_KEYS = ("subject*.key", "token*.key", "release.key")


class KeyServiceSettings(BaseSettings):
    """The settings of one process of the key service; each can be given as `SIGNAL_KEYSERVICE_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix=KEY_SERVICE_PREFIX, extra="ignore", frozen=True, populate_by_name=True
    )

    env: Literal["development", "production"] = Field(
        "development",
        validation_alias=AliasChoices("SIGNAL_ENV", "env"),
        description="`production` refuses to start on anything unsafe (SIGNAL_ENV).",
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///./var/keyservice/keyservice.db",
        description="SQLAlchemy URL of its own database; never the register's.",
    )
    key_dir: Path = Field(
        Path("var/keyservice/keys"),
        description="Folder with oprf-<epoch>.key and signing.pem; made when missing, but never in production.",
    )
    public_url: str = Field("http://127.0.0.1:8100", description="Address under which partners reach this.")
    register_url: str | None = Field(
        None, description="Address of the register; production wants it, and refuses its host."
    )
    purpose: str = Field("exploitation", pattern=NAME_FORM, description="What tokens are made for.")
    register_name: str = Field(
        "signal-register", pattern=NAME_FORM, description="The register that tokens are made for."
    )
    evaluations_per_minute: int = Field(60, ge=1, description="Evaluations a minute, per client.")
    evaluations_per_day: int = Field(500, ge=1, description="Evaluations a day (UTC), per client.")
    token_minutes: int = Field(15, ge=1, le=60, description="Lifetime of an access token, in minutes.")
    client_recheck_seconds: int = Field(
        30, ge=0, le=60, description="How long a verified token is trusted before its client is read again."
    )
    pool_size: int = Field(5, ge=1, description="Database connections for requests, per process.")
    queue_size: int = Field(2000, ge=1, description="Most trail entries waiting; then 503.")
    limit_requests: int = Field(600, ge=1, description="Requests a minute, per client and process; then 429.")
    limit_tokens: int = Field(60, ge=1, description="Access tokens a minute, per client and process.")
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses whose X-Forwarded-For and -Proto are believed, by comma."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Technical log level."
    )


def load_key_service_settings() -> KeyServiceSettings:
    """Settings from the environment and, outside production only, from `.env`; raises `UnsafeSettings`."""
    production = os.environ.get("SIGNAL_ENV") == "production"
    settings = KeyServiceSettings(_env_file=None if production else ".env")
    refuse_production_from_a_file(settings.env)
    refuse_unsafe_production(settings)
    return settings


def refuse_unsafe_production(settings: KeyServiceSettings) -> None:
    """Raise `UnsafeSettings` with every reason why a production key service may not start here."""
    if settings.env != "production":
        return
    register, own = settings.register_url, settings.public_url
    reasons = [
        reason
        for unsafe, reason in (
            (not own.startswith("https://"), "SIGNAL_KEYSERVICE_PUBLIC_URL is not https"),
            (
                register is None or not register.startswith("https://"),
                "SIGNAL_KEYSERVICE_REGISTER_URL does not name the register, with https",
            ),
            (register is not None and same_host(register, own), "the register has the same host"),
            (
                any(name.upper() in REGISTERS_SETTINGS for name in os.environ),
                "the environment holds settings of the register",
            ),
            (
                any(any(settings.key_dir.glob(name)) for name in REGISTERS_KEYS),
                "the key folder holds keys of the register",
            ),
        )
        if unsafe
    ]
    if reasons:
        raise UnsafeSettings("not started: " + "; ".join(reasons))
