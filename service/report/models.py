"""Shapes of the report: what is read of a release, and what stands on the page.

Built by `queries` and `sections`, read by `page` and the template. What is read can be hashed, for a page that was
made of it once is not made again. Never holds a number that the release hides.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as readers of the release see it: `value` is None where the status is not `rounded5`."""

    table: str
    row: str
    column: str
    value: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number on the page: of a cell, or `unknown` where the release does not have it."""

    value: int | None
    status: str

    @property
    def is_shown(self) -> bool:
        return self.value is not None


UNKNOWN = Amount(None, "unknown")


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What is told of a release beside its numbers; `proofs` by population: how, and over how many numbers."""

    id: UUID
    period: str
    first: date
    last: date
    compiled_at: datetime
    published_at: datetime | None
    menu_version: int
    proofs: tuple[tuple[str, str, int], ...]
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The totals of the region in a release before: by population."""

    period: str
    totals: tuple[tuple[str, Amount], ...]


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that a page is made of. `areas`: those of the region, by population."""

    release: ReleaseFacts
    region: str
    areas: tuple[tuple[str, tuple[str, ...]], ...]
    cells: tuple[Cell, ...]
    earlier: tuple[Earlier, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart: a text stands where the number is hidden."""

    label: str
    value: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table on the page; `kind` tells a total, and the rest that is joined in one row."""

    label: str
    cells: tuple[str, ...]
    kind: Literal["part", "total", "rest"] = "part"


@dataclass(frozen=True, slots=True)
class Block:
    """A table, and a chart of the same numbers where there is something to draw."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    chart: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its name in links, title, first sentence and blocks."""

    name: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure: what it is of, the words before it, the number, and what else is to be known."""

    label: str
    before: str
    amount: str
    note: str
