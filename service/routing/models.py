"""The tables of routing: rule sets by version, where they hold from when, and the decision that each signal got."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from service.columns import Json, Moment


class RuleSet(SQLModel, table=True):
    """One version of a rule set; versions count through the whole register.

    A draft until it is activated or thrown away. `revision` counts changes of this row (its ETag); what was activated
    never changes its content. `succeeds` names the versions whose place it takes, `authors` everybody who wrote at it.
    """

    __tablename__ = "rule_set"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    revision: int
    content: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    succeeds: list[int] = Field(sa_column=Column(Json, nullable=False))
    drafted_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    authors: list[str] = Field(sa_column=Column(Json, nullable=False))
    activated_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    activated_by: str | None = Field(default=None, max_length=64)
    retired_at: datetime | None = Field(default=None, sa_column=Column(Moment))
    retired_by: str | None = Field(default=None, max_length=64)


class RuleSetTurn(SQLModel, table=True):
    """From a moment on a version holds in a municipality, until its next turn; no version: none holds any more.

    The key is what keeps two sets from one municipality.
    """

    __tablename__ = "rule_set_turn"

    municipality: str = Field(primary_key=True, max_length=8)
    since: datetime = Field(sa_column=Column(Moment, primary_key=True))
    version: int | None = Field(foreign_key="rule_set.version")


class SignalDecision(SQLModel, table=True):
    """What was decided about a version of a signal: by which rule, on which facts, with what outcome."""

    __tablename__ = "decision"

    signal_id: UUID = Field(primary_key=True, foreign_key="signal.id")
    signal_version: int = Field(primary_key=True)
    rule_set: int
    rule: str = Field(max_length=60)
    facts: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    outcome: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
