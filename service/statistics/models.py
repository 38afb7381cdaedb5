"""Shapes of statistics: the frozen tables, and releases on the wire."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import Column
from sqlmodel import Field as TableField
from sqlmodel import SQLModel

from service.columns import Json, Moment
from service.wire import Answer, Instant, Text, Wire


class AreaPlan(SQLModel, table=True):
    """The areas of a calendar year, fixed before they are used; a list of code, region, municipalities."""

    __tablename__ = "area_plan"

    year: int = TableField(primary_key=True, sa_column_kwargs={"autoincrement": False})
    origin: str = TableField(max_length=20)
    areas: list[dict[str, Any]] = TableField(sa_column=Column(Json, nullable=False))
    set_at: datetime = TableField(sa_column=Column(Moment, nullable=False))


class Release(SQLModel, table=True):
    """A compiled release. `facts` holds what is needed to compile it again: shares, solver, joined areas."""

    __tablename__ = "release"

    id: UUID = TableField(primary_key=True)
    period: str = TableField(max_length=10, unique=True)
    first: date
    last: date
    status: str = TableField(max_length=10)
    menu_version: int
    areas: list[dict[str, Any]] = TableField(sa_column=Column(Json, nullable=False))
    facts: dict[str, Any] = TableField(sa_column=Column(Json, nullable=False))
    compiled_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    compiled_by: str = TableField(max_length=64)
    published_at: datetime | None = TableField(sa_column=Column(Moment))
    published_by: str | None = TableField(max_length=64)


class ReleaseCell(SQLModel, table=True):
    """A number as readers see it; `position` is its place in the table."""

    __tablename__ = "release_cell"

    release_id: UUID = TableField(primary_key=True, foreign_key="release.id")
    table: str = TableField(primary_key=True, max_length=60)
    position: int = TableField(primary_key=True)
    area: str = TableField(max_length=12)
    category: str = TableField(max_length=20)
    value: int | None
    status: str = TableField(max_length=10)


class ReleaseRequest(Wire):
    """Which closed period to compile."""

    period: str = Field(min_length=4, max_length=7, pattern=r"^\d{4}(-[QH][1-4])?$")


class TableLink(Answer):
    """A table of a release."""

    name: str
    title: Text
    dimensions: list[str]
    population: str


class AreaRead(Answer):
    """An area of the release and what it is called."""

    code: str
    name: str
    region: str
    municipalities: list[str]


class ReleaseRead(Answer):
    """A release; who compiled and published it stands in the trail."""

    id: UUID
    period: str
    first: date
    last: date
    status: Literal["COMPILED", "PUBLISHED"]
    menu_version: int
    compiled_at: Instant
    published_at: Instant | None = None
    caveats: list[Text]
    areas: list[AreaRead]
    tables: list[TableLink]


class ReleaseList(Answer):
    """Releases, newest period first."""

    items: list[ReleaseRead]


class TableRead(Answer):
    """A table of a release: cells with a code for each dimension, value (or null) and status."""

    release: UUID
    table: str
    dimensions: list[str]
    cells: list[dict[str, Any]]


class Definition(Answer):
    """What a word of the release means."""

    name: str
    text: Text


class DefinitionList(Answer):
    """The definitions and the menu that releases are made by."""

    menu_version: int
    definitions: list[Definition]
    caveats: list[Text]
    tables: list[TableLink]
