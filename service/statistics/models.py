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
    """The areas of a calendar year for a population, fixed before they are used: code, region, municipalities."""

    __tablename__ = "area_plan"

    year: int = TableField(primary_key=True, sa_column_kwargs={"autoincrement": False})
    population: str = TableField(primary_key=True, max_length=20)
    origin: str = TableField(max_length=20)
    areas: list[dict[str, Any]] = TableField(sa_column=Column(Json, nullable=False))
    set_at: datetime = TableField(sa_column=Column(Moment, nullable=False))


class Release(SQLModel, table=True):
    """A compiled release. `areas` and `facts` are by population; facts tell how its numbers were found and proved."""

    __tablename__ = "release"

    id: UUID = TableField(primary_key=True)
    period: str = TableField(max_length=10, unique=True)
    first: date
    last: date
    status: str = TableField(max_length=10)
    menu_version: int
    areas: dict[str, list[dict[str, Any]]] = TableField(sa_column=Column(Json, nullable=False))
    facts: dict[str, Any] = TableField(sa_column=Column(Json, nullable=False))
    compiled_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    compiled_by: str = TableField(max_length=64)
    published_at: datetime | None = TableField(sa_column=Column(Moment))
    published_by: str | None = TableField(max_length=64)


class ReleaseCell(SQLModel, table=True):
    """A number as readers see it; `position` is its place in the table.

    `rounded` is for the audit of later releases alone: hidden numbers can often be deduced, so they are part of it.
    """

    __tablename__ = "release_cell"

    release_id: UUID = TableField(primary_key=True, foreign_key="release.id")
    table: str = TableField(primary_key=True, max_length=60)
    position: int = TableField(primary_key=True)
    row_code: str = TableField(max_length=20)
    column_code: str = TableField(max_length=20)
    value: int | None
    status: str = TableField(max_length=10)
    rounded: int | None


class Compilation(SQLModel, table=True):
    """That somebody asked for a period to be compiled, who, and how far that is.

    `done` counts the populations that are rounded and proved; `failure` is the slug of the problem that ended it.
    """

    __tablename__ = "compilation"

    id: UUID = TableField(primary_key=True)
    period: str = TableField(max_length=10)
    kind: str = TableField(max_length=10)
    asked_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    client_id: UUID
    organisation_id: UUID
    role: str = TableField(max_length=16)
    actor: str = TableField(max_length=64)
    trace_id: str | None = TableField(max_length=32)
    begun: int = 0
    done: int = 0
    ended_at: datetime | None = TableField(default=None, sa_column=Column(Moment))
    failure: str | None = TableField(default=None, max_length=60)
    release_id: UUID | None = TableField(default=None, foreign_key="release.id")


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
    """An area of the tables of a population, and what it is called."""

    population: str
    code: str
    name: Text
    region: str
    municipalities: list[str]


class Certificate(Answer):
    """How it is known that nobody can be found in the numbers of a population.

    `cube`: that the numbers could be those of a register; `audited` numbers, for each of which truths stay possible
    that are at least 4 apart. Which areas were given up stays inside: that they could have stood alone is what would
    have told. So does what share of the numbers went up, which would tell remainders.
    """

    population: str
    cube: str
    audited: int
    solver: str


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
    certificate: list[Certificate]
    caveats: list[Text]
    areas: list[AreaRead]
    tables: list[TableLink]


class CompilationRead(Answer):
    """How far the compilation of a period is; `release` when it is done, `problem` when nothing came of it.

    `populations` of the menu are compiled one after the other, `done` of them are.
    """

    id: UUID
    period: str
    status: Literal["WAITING", "RUNNING", "DONE", "FAILED"]
    asked_at: Instant
    done: int
    populations: int
    ended_at: Instant | None = None
    problem: str | None = None
    release: UUID | None = None


class CompilationList(Answer):
    """Compilations, the latest first."""

    items: list[CompilationRead]


class ReleaseList(Answer):
    """Releases, newest period first."""

    items: list[ReleaseRead]


class TableRead(Answer):
    """A table of a release: cells with a code for each dimension, value (or null) and status."""

    release: UUID
    table: str
    dimensions: list[str]
    cells: list[dict[str, Any]]


class SumRead(Answer):
    """The sum of a table over several releases; each number is at most `tolerance` off (see `method`)."""

    table: str
    periods: list[str]
    releases: list[UUID]
    tolerance: int
    dimensions: list[str]
    cells: list[dict[str, Any]]


class NationalFigure(Answer):
    """A published figure of the whole country, with its source; not of this register, and counted otherwise.

    `year` may be several years, as 2016-2020.
    """

    year: str
    measure: str
    category: str
    value: float
    unit: str
    source: str


class NationalFigures(Answer):
    """The published figures, the latest year first."""

    items: list[NationalFigure]


class Definition(Answer):
    """What a word of the release means."""

    name: str
    text: Text


class TableDefinition(TableLink):
    """A table of the menu: what its numbers count, what a share is of, and where they come from."""

    unit: Literal["persons", "signals", "organisations"]
    numerator: Text
    denominator: Text
    period: Text
    source: Text


class DefinitionList(Answer):
    """The definitions and the menu that releases are made by."""

    menu_version: int
    definitions: list[Definition]
    caveats: list[Text]
    tables: list[TableDefinition]
