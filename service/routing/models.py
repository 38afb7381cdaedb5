"""The tables of routing: rule sets by version, and the decision that each signal got."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from service.columns import Json, Moment


class RuleSet(SQLModel, table=True):
    """One version of a rule set; versions count through the whole register. Status DRAFT, ACTIVE, RETIRED."""

    __tablename__ = "rule_set"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: str = Field(max_length=10)
    content: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    activated_at: datetime | None = Field(sa_column=Column(Moment))
    retired_at: datetime | None = Field(sa_column=Column(Moment))


class SignalDecision(SQLModel, table=True):
    """What was decided about a version of a signal: by which rule, on which facts, with what outcome."""

    __tablename__ = "decision"

    signal_id: UUID = Field(primary_key=True, foreign_key="signal.id")
    signal_version: int = Field(primary_key=True)
    rule_set: int
    rule: str = Field(max_length=60)
    facts: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    outcome: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
