"""Shapes of clients, their secrets, and the token endpoint's answer."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from service.columns import Json, Moment


class Client(SQLModel, table=True):
    """One OAuth client of one organisation, with one role, scopes and a territory (municipalities)."""

    __tablename__ = "client"

    id: UUID = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    name: str = Field(max_length=60, unique=True)
    role: str = Field(max_length=16)
    scopes: list[str] = Field(sa_column=Column(Json, nullable=False))
    municipalities: list[str] = Field(sa_column=Column(Json, nullable=False))
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))


class ClientSecret(SQLModel, table=True):
    """A secret of a client, hashed; 256 random bits, shown once when it was made."""

    __tablename__ = "client_secret"

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    hash: str = Field(max_length=200)
    created_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    ended_at: datetime | None = Field(sa_column=Column(Moment))


class TokenAnswer(BaseModel):
    """RFC 6749 section 5.1; `expires_in` in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    scope: str
