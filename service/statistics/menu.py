"""The menu: the only tables that a release holds, as data.

Read by counting, disclosure, releases and the report. A table that is added, changed or dropped makes a new menu with a
version of its own, for periods that have not begun; never does a released table change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Literal

from service.vocabulary.lists import codes
from service.wire import Text

Level = Literal["area", "region", "whole"]
"""What the rows of a table are: areas below their regions, regions alone, or a category of the whole register."""


def _text(nl: str, en: str) -> Text:
    return Text(nl=nl, en=en)


@dataclass(frozen=True, slots=True)
class Category:
    """A single-valued property of what is counted: its name on the wire, and the code list of its values."""

    name: str
    code_list: str

    @property
    def codes(self) -> tuple[str, ...]:
        return codes(self.code_list)


FORM = Category("form", "form_group")
AGE = Category("age", "age_group")
GENDER = Category("gender", "gender_group")
REPORTER = Category("reporterType", "org_type")
SETTING = Category("setting", "setting")
OUTCOME = Category("outcome", "outcome_group")
FEEDBACK = Category("feedback", "feedback_term")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a population: its rows by level, its columns the codes of `column`.

    `row` is the category of the rows where the level is the whole register.
    """

    code: str
    level: Level
    column: Category
    title: Text
    row: Category | None = None

    @property
    def dimensions(self) -> tuple[str, str]:
        """The names of rows and columns on the wire."""
        return (self.row.name if self.row else self.level), self.column.name


@dataclass(frozen=True, slots=True)
class Population:
    """What is counted together; tables of one population have the totals of their areas in common."""

    code: str
    unit: Literal["persons", "signals", "organisations"]
    title: Text
    tables: tuple[Table, ...]


def _table(
    prefix: str, who: Text, level: Level, column: Category, by: tuple[str, str], row: Category | None = None
) -> Table:
    """A table, named by what it is by: in Dutch, and in English."""
    dutch, english = by
    code = f"{prefix}-by-{english.replace(' ', '-')}"
    return Table(code, level, column, _text(f"{who.nl} naar {dutch}", f"{who.en} by {english}"), row)


def _persons(code: str, prefix: str, title: Text, who: Text) -> Population:
    """A population of persons: the same tables for each."""
    tables = (
        _table(prefix, who, "area", FORM, ("gemeente en vorm", "municipality and form")),
        _table(prefix, who, "area", AGE, ("gemeente en leeftijd", "municipality and age")),
        _table(prefix, who, "area", GENDER, ("gemeente en geslacht", "municipality and gender")),
        _table(prefix, who, "region", REPORTER, ("regio en soort melder", "region and type of reporter")),
        _table(prefix, who, "region", SETTING, ("regio en plaats", "region and setting")),
        _table(prefix, who, "whole", AGE, ("vorm en leeftijd", "form and age"), FORM),
        _table(prefix, who, "whole", GENDER, ("vorm en geslacht", "form and gender"), FORM),
    )
    return Population(code, "persons", title, tables)


VICTIMS = _persons(
    "VICTIMS",
    "victims",
    _text("Mogelijke slachtoffers en risicojongeren", "Possible victims and young people at risk"),
    _text("Mogelijke slachtoffers", "Possible victims"),
)
OFFENDERS = _persons(
    "OFFENDERS",
    "offenders",
    _text("Mogelijke daders", "Possible offenders"),
    _text("Mogelijke daders", "Possible offenders"),
)
_OF_SIGNALS: tuple[str, Text, Level] = "signals", _text("Signalen", "Signals"), "region"
SIGNALS = Population(
    "SIGNALS",
    "signals",
    _text("Signalen en wat ervan kwam", "Signals and what came of them"),
    (
        _table(*_OF_SIGNALS, REPORTER, ("regio en soort melder", "region and type of reporter")),
        _table(*_OF_SIGNALS, FORM, ("regio en vorm", "region and form")),
        _table(*_OF_SIGNALS, OUTCOME, ("regio en uitkomst", "region and outcome")),
        _table(*_OF_SIGNALS, FEEDBACK, ("regio en terugkoppeling", "region and feedback")),
    ),
)

ORGANISATIONS = Population(
    "ORGANISATIONS",
    "organisations",
    _text("Organisaties die hebben gemeld", "Organisations that reported"),
    (
        _table(
            "organisations",
            _text("Organisaties die hebben gemeld", "Organisations that reported"),
            "region",
            REPORTER,
            ("regio en soort melder", "region and type of reporter"),
        ),
    ),
)


@dataclass(frozen=True)
class Menu:
    """The tables of every period that begins on `since` or later, until the next menu."""

    version: int
    since: date
    populations: Mapping[str, Population]


def _menu(version: int, since: date, *populations: Population) -> Menu:
    return Menu(version, since, MappingProxyType({one.code: one for one in populations}))


# Versions 1 and 2 were never in use.
MENUS: Sequence[Menu] = (_menu(3, date.min, VICTIMS, OFFENDERS, SIGNALS, ORGANISATIONS),)
MENU = MENUS[-1].populations
TABLES: Mapping[str, tuple[Population, Table]] = MappingProxyType(
    {
        table.code: (population, table)
        for menu in MENUS
        for population in menu.populations.values()
        for table in population.tables
    }
)


def menu_on(day: date, menus: Sequence[Menu] = MENUS) -> Menu:
    """The menu of a period that begins on this day: a later one never changes what has begun."""
    return max((menu for menu in menus if menu.since <= day), key=lambda menu: menu.since)
