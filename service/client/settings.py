"""What a partner sets of the client: environment variables with the prefix `SIGNAL_CLIENT_`, or a file of them."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class NotSet(ValueError):
    """Something that the command needs is not set; the message names it."""


def _safe(url: str | None) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("must be an address, as https://register.example")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("must be https, for anything but this machine")
    return url


Url = Annotated[str | None, AfterValidator(_safe)]


class ClientSettings(BaseSettings):
    """The settings of the client; each can be given as `SIGNAL_CLIENT_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="SIGNAL_CLIENT_", extra="ignore", frozen=True)

    register_url: Url = Field(None, description="Address of the register, as https://register.example.")
    client_id: str | None = Field(None, description="Your client id there.")
    secret: SecretStr | None = Field(None, description="Its secret; better in a file.")
    secret_file: Path | None = Field(None, description="A file with its secret.")
    actor: str | None = Field(None, description="Opaque staff id of who works: for `client pull`.")
    key_service_url: Url = Field(None, description="Address of the key service, as its operator told you.")
    key_service_client_id: str | None = Field(None, description="Your client id there.")
    key_service_secret: SecretStr | None = Field(None, description="Its secret; better in a file.")
    key_service_secret_file: Path | None = Field(None, description="A file with its secret.")
    state_dir: Path = Field(
        default_factory=lambda: Path.home() / ".signal-register",
        description="Folder of what is kept between runs, for one user alone; `.signal-register` at home.",
    )
    spool_dir: Path | None = Field(None, description="Folder of the spool; `spool` in the state folder.")
    key_file: Path | None = Field(
        None, description="The client's own key, which seals the spool; `client.key` in the state folder."
    )
    timeout_seconds: float = Field(30.0, gt=0, description="How long one answer may take.")

    @property
    def spool(self) -> Path:
        """Where the spool is."""
        return self.spool_dir or self.state_dir / "spool"

    @property
    def key(self) -> Path:
        """Where the client's key is."""
        return self.key_file or self.state_dir / "client.key"

    def register(self) -> tuple[str, str, str]:
        """Address, client id and secret for the register; raises `NotSet`."""
        return (
            _set(self.register_url, "SIGNAL_CLIENT_REGISTER_URL"),
            _set(self.client_id, "SIGNAL_CLIENT_CLIENT_ID"),
            _secret_of(self.secret, self.secret_file, "SIGNAL_CLIENT_SECRET_FILE"),
        )

    def key_service(self) -> tuple[str, str, str]:
        """The same for the key service; raises `NotSet`."""
        file, name = self.key_service_secret_file, "SIGNAL_CLIENT_KEY_SERVICE_SECRET_FILE"
        return (
            _set(self.key_service_url, "SIGNAL_CLIENT_KEY_SERVICE_URL"),
            _set(self.key_service_client_id, "SIGNAL_CLIENT_KEY_SERVICE_CLIENT_ID"),
            _secret_of(self.key_service_secret, file, name),
        )


def _set(value: str | None, name: str) -> str:
    if not value:
        raise NotSet(f"{name} is not set")
    return value


def _secret_of(secret: SecretStr | None, file: Path | None, name: str) -> str:
    if secret is not None and secret.get_secret_value().strip():
        return secret.get_secret_value().strip()
    if file is None:
        raise NotSet(f"{name} is not set")
    try:
        told = file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise NotSet(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NotSet(f"{name} cannot be read: it is no text") from None
    if not told:
        raise NotSet(f"{name} names a file that is empty")
    return told
