"""Questions about counts, put to the register and to naive variants alike.

A question names a population, days, and codes by dimension; an answer is an interval in which the truth lies, or None
where nothing was told. Called by the attacks that ask; never answers from the truth.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import httpx

from tests.attacks.reading import READER, TOTAL, WHOLE, Number, Release, Table, table_path
from tests.support.register import Register

Codes = Mapping[str, tuple[str, ...]]
Interval = tuple[int, int]
ROUNDED_BY, HIDDEN = 4, (0, 9)


@dataclass(frozen=True)
class Question:
    """How many of a population there are in some days, with one of some codes in each dimension that is named."""

    population: str
    since: date
    until: date
    codes: Codes

    def but(self, **codes: tuple[str, ...]) -> "Question":
        """The same with other codes; no codes for a dimension leave it out."""
        chosen = {name: its for name, its in {**self.codes, **codes}.items() if its}
        return Question(self.population, self.since, self.until, chosen)

    def between(self, since: date, until: date) -> "Question":
        return Question(self.population, since, until, self.codes)


Ask = Callable[[Question], Awaitable[Interval | None]]


def days_of(period: str) -> tuple[date, date]:
    """The first and last day of a half-year."""
    year, half = int(period[:4]), int(period[-1])
    return date(year, 6 * half - 5, 1), date(year + half - 1, (6 * half) % 12 + 1, 1) - timedelta(1)


def question_of(number: Number) -> Question:
    """The question that a number is the answer to."""
    period, population, codes = number
    return Question(population, *days_of(period), {name: (code,) for name, code in sorted(codes)})


def asking_register(register: Register, releases: Sequence[Release]) -> Ask:
    """Ask the register: of the table that fits best, with every part of the question as a parameter."""

    async def ask(question: Question) -> Interval | None:
        release, exactly = _release(releases, question)
        table = _table(release, question)
        row, column = table.dimensions
        names = {"place": row}
        asked = [(names.get(name, name), code) for name, codes in question.codes.items() for code in codes]
        if not exactly:
            asked += [("from", str(question.since)), ("until", str(question.until))]
        headers = await register.headers(READER)
        answer = await register.http.get(table_path(release.id, table.name), params=asked, headers=headers)
        wanted = dict(asked)
        if answer.status_code != 200 or len(wanted) < len(asked):
            return None
        cell = {row: wanted.get(row, WHOLE), column: wanted.get(column, TOTAL)}
        for one in answer.json()["cells"]:
            if all(one[name] == code for name, code in cell.items()):
                return _interval(one["value"], one["status"])
        return None

    return ask


def asking_naive(http: httpx.AsyncClient, off: int, hidden: Interval) -> Ask:
    """Ask a naive variant, whose numbers are so much off at most, and hidden where they lie in an interval."""

    async def ask(question: Question) -> Interval | None:
        params = [
            ("population", question.population),
            ("since", str(question.since)),
            ("until", str(question.until)),
        ]
        params += [(name, code) for name, codes in question.codes.items() for code in codes]
        value = (await http.get("/count", params=params)).json()["value"]
        return hidden if value is None else (max(0, value - off), value + off)

    return ask


def _release(releases: Sequence[Release], question: Question) -> tuple[Release, bool]:
    """The release of just these days, else the newest."""
    for release in releases:
        if days_of(release.period) == (question.since, question.until):
            return release, True
    return releases[-1], False


def _table(release: Release, question: Question) -> Table:
    """The table with the most of what is asked."""
    tables = [table for table in release.tables if table.population == question.population]
    return max(tables, key=lambda table: len(_names(table) & set(question.codes)))


def _names(table: Table) -> set[str]:
    row, column = table.dimensions
    return {"place" if row in ("area", "region") else row, column}


def _interval(value: int | None, status: str) -> Interval | None:
    if value is not None:
        return max(0, value - ROUNDED_BY), value + ROUNDED_BY
    return HIDDEN if status == "<10" else None
