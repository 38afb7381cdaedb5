"""Shapes of clients, their secrets and keys, and the token endpoint's answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic import Field as WireField
from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from service.access.roles import ALL_SCOPES, Role
from service.columns import Json, Moment
from service.vocabulary.types import MunicipalityCode, OneOf
from service.wire import Answer, Distinct, Instant, Wire

Scope = Annotated[str, OneOf(ALL_SCOPES)]
Territory = Annotated[frozenset[MunicipalityCode], WireField(max_length=400), Distinct]


class Client(SQLModel, table=True):
    """One OAuth client of one organisation, with one role, scopes and a territory (municipalities)."""

    __tablename__ = "client"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(index=True)
    name: str = Field(max_length=60, unique=True)
    role: str = Field(max_length=16)
    scopes: list[str] = Field(sa_column=Column(Json, nullable=False))
    municipalities: list[str] = Field(sa_column=Column(Json, nullable=False))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))
    version: int


class ClientSecret(SQLModel, table=True):
    """A secret of a client, hashed; 256 random bits, shown once when it was made."""

    __tablename__ = "client_secret"

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    hash: str = Field(max_length=200)
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))
    last_used_at: datetime | None = Field(sa_column=Column(Moment))


class ClientKey(SQLModel, table=True):
    """A public key of a client (JWK, RFC 7517) with which it signs assertions (RFC 7523)."""

    __tablename__ = "client_key"

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    kid: str = Field(max_length=100)
    algorithm: str = Field(max_length=5)
    jwk: dict[str, str] = Field(sa_column=Column(Json, nullable=False))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))
    last_used_at: datetime | None = Field(sa_column=Column(Moment))


class UsedAssertion(SQLModel, table=True):
    """An assertion that a client used, by the digest of its `jti`; kept until it would expire anyway."""

    __tablename__ = "used_assertion"

    client_id: UUID = Field(primary_key=True)
    digest: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class RevokedToken(SQLModel, table=True):
    """An access token that was revoked before its end (RFC 7009); kept until then."""

    __tablename__ = "revoked_token"

    jti: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class ClientChange(Wire):
    """What may change in a client. Without `scopes` it has all those of its role; no territory: everywhere."""

    name: Annotated[str, WireField(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{2,59}$")]
    scopes: Annotated[frozenset[Scope], WireField(min_length=1, max_length=20), Distinct] | None = None
    municipalities: Territory = frozenset()


class ClientCreate(ClientChange):
    """A new client: of which organisation, in which role."""

    organisation: UUID
    role: Role


class KeyCreate(Wire):
    """A public key, as JWK or as PEM (SubjectPublicKeyInfo): P-256 for ES256, RSA of 2048–4096 bits for RS256."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["jwk"]}, {"required": ["pem"]}]})

    jwk: Annotated[dict[str, Any], WireField(max_length=20)] | None = None
    pem: Annotated[str, WireField(max_length=4000)] | None = None


class SecretRead(Answer):
    id: UUID
    created_at: Instant
    last_used_at: Instant | None = None
    ended_at: Instant | None = None


class NewSecret(SecretRead):
    """The one answer in which a secret is shown."""

    client_id: UUID
    client_secret: str


class KeyRead(SecretRead):
    kid: str
    algorithm: str


class ClientRead(Answer):
    id: UUID
    organisation: UUID
    name: str
    role: Role
    scopes: list[str]
    municipalities: list[str]
    created_at: Instant
    ended_at: Instant | None = None
    last_used_at: Instant | None = None
    secrets: list[SecretRead]
    keys: list[KeyRead]


class ClientPage(Answer):
    items: list[ClientRead]


class TokenAnswer(BaseModel):
    """RFC 6749 section 5.1; `expires_in` in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    scope: str
