"""Everything that can be set from outside: one class, prefix `SIGNAL_`.

Read once by `app.create_app` and by the command line; rooms get values, never the environment. In production
(`SIGNAL_ENV=production`) `refuse_unsafe_production` stops a start that would put people at risk.
"""

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

KEY_SERVICE_PREFIX = "SIGNAL_KEYSERVICE_"


class UnsafeSettings(ValueError):
    """Settings with which a production server must not start; the message lists every reason."""


class Settings(BaseSettings):
    """The settings of one process; each can be given as `SIGNAL_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="SIGNAL_", extra="ignore", frozen=True)

    env: Literal["development", "production"] = Field(
        "development", description="`production` refuses to start on anything unsafe."
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///./var/signal-register.db",
        description="SQLAlchemy URL: `sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`.",
    )
    allow_sqlite: bool = Field(False, description="The explicit word that SQLite is wanted in production.")
    key_dir: Path = Field(
        Path("var/keys"),
        description="Folder with signing.pem, subject.key, token.key and release.key; made when missing, "
        "but never in production.",
    )
    public_url: str = Field("http://127.0.0.1:8000", description="Address under which partners reach this.")
    key_service_url: str | None = Field(
        None, description="Address of the key service, told to partners; production refuses one on this host."
    )
    oin: str = Field(
        "0" * 20,
        pattern=r"^[0-9]{20}$",
        description="OIN of who runs this register: the source of its events.",
    )
    jobs: bool = Field(
        True, description="Whether `serve` runs the jobs too; one process must, wherever many run."
    )
    metrics_token: str | None = Field(
        None, min_length=20, description="Bearer token for /metrics, which is not there without one."
    )
    token_minutes: int = Field(15, ge=1, le=60, description="Lifetime of an access token, in minutes.")
    client_recheck_seconds: int = Field(
        30, ge=0, le=60, description="How long a verified token is trusted before its client is read again."
    )
    clock_file: Path | None = Field(
        None,
        description="Demo only: a file holding the moment (RFC 3339) to be used as `receivedAt`, while it is there.",
    )
    pool_size: int = Field(10, ge=1, description="Database connections for requests, per process.")
    flushers: int = Field(2, ge=1, le=8, description="Groups of signals committed at a time (SQLite: 1).")
    group_size: int = Field(64, ge=1, le=1000, description="Most signals in one commit.")
    queue_size: int = Field(
        2000, ge=1, description="Most signals, and most trail entries, waiting; then 503."
    )
    limit_reading: int = Field(
        1200, ge=1, description="Reading requests a minute, per client and process; then 429."
    )
    limit_writing: int = Field(1200, ge=1, description="Writing requests a minute, per client and process.")
    limit_batches: int = Field(60, ge=1, description="Batches a minute, per client and process.")
    limit_tokens: int = Field(60, ge=1, description="Access tokens a minute, per client and process.")
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses whose X-Forwarded-For and -Proto are believed, by comma."
    )
    release_period: Literal["quarter", "half-year", "year"] = Field(
        "half-year", description="The period of a statistics release."
    )
    public_statistics: bool = Field(
        False,
        description="Whether published releases and their reports are open to everybody, without a token.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Technical log level."
    )

    @property
    def event_source(self) -> str:
        """The URN of this register in the feed (NL GOV profile for CloudEvents)."""
        return f"urn:nld:oin:{self.oin}:systeem:signal-register"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def load_settings() -> Settings:
    """Settings from the environment and, outside production only, from `.env`.

    Raises pydantic's ValidationError for a wrong value and `UnsafeSettings` in production.
    """
    production = os.environ.get("SIGNAL_ENV") == "production"
    settings = Settings(_env_file=None if production else ".env")
    refuse_production_from_a_file(settings.env)
    refuse_unsafe_production(settings)
    return settings


def refuse_production_from_a_file(env: str) -> None:
    """Raise `UnsafeSettings` where `.env` says production: there it is not read, and half of it would count."""
    if env == "production" and os.environ.get("SIGNAL_ENV") != "production":
        raise UnsafeSettings("not started: SIGNAL_ENV=production belongs into the environment, not into .env")


def refuse_unsafe_production(settings: Settings) -> None:
    """Raise `UnsafeSettings` with every reason why a production server may not start."""
    if settings.env != "production":
        return
    reasons = [
        reason
        for unsafe, reason in (
            (settings.clock_file is not None, "SIGNAL_CLOCK_FILE sets the clock"),
            (not settings.public_url.startswith("https://"), "SIGNAL_PUBLIC_URL is not https"),
            (settings.is_sqlite and not settings.allow_sqlite, "SQLite without SIGNAL_ALLOW_SQLITE=true"),
            (_key_service_inside(settings), "the key service is inside: another party runs it elsewhere"),
        )
        if unsafe
    ]
    if reasons:
        raise UnsafeSettings("not started: " + "; ".join(reasons))


def _key_service_inside(settings: Settings) -> bool:
    """Whether anything here is the key service's: who holds the keys of both can try every number."""
    its_address = settings.key_service_url
    return (
        (its_address is not None and same_host(its_address, settings.public_url))
        or any(settings.key_dir.glob("oprf-*.key"))
        or any(name.upper().startswith(KEY_SERVICE_PREFIX) for name in os.environ)
    )


def same_host(one: str, other: str) -> bool:
    """Whether two addresses name one host, whatever their ports; what names none is any host."""
    hosts = {(urlsplit(url).hostname or "").rstrip(".") for url in (one, other)}
    return "" in hosts or len(hosts) == 1
