"""The menu: the only tables that a release holds, as data, with the definitions that travel with them.

Read by counting, disclosure, releases and the report. A table that is added, changed or dropped makes a new
`MENU_VERSION`, for periods that have not begun; never does a released table change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from service.vocabulary.lists import codes
from service.wire import Text

MENU_VERSION = 2

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
STEP = Category("step", "funnel_step")
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
    unit: Literal["persons", "signals"]
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
        _table(*_OF_SIGNALS, STEP, ("regio en verste stap", "region and furthest step")),
        _table(*_OF_SIGNALS, OUTCOME, ("regio en uitkomst", "region and outcome")),
        _table(*_OF_SIGNALS, FEEDBACK, ("regio en terugkoppeling", "region and feedback")),
    ),
)

MENU: Mapping[str, Population] = MappingProxyType(
    {population.code: population for population in (VICTIMS, OFFENDERS, SIGNALS)}
)
TABLES: Mapping[str, tuple[Population, Table]] = MappingProxyType(
    {table.code: (population, table) for population in MENU.values() for table in population.tables}
)
DEFINITIONS: Mapping[str, Text] = MappingProxyType(
    {
        "unit": _text(
            "Personen. Wie geen pseudoniem heeft, telt één keer per signaal.",
            "Persons. Somebody without a pseudonym counts once per signal.",
        ),
        "numerator": _text(
            "Personen over wie in de periode voor het eerst een geldig signaal is ontvangen: niet eerder"
            " geteld in de twaalf maanden daarvoor. Het eerste signaal bepaalt de categorie.",
            "Persons about whom a valid signal was first received in the period: not counted in the twelve"
            " months before. The first signal decides the category.",
        ),
        "period": _text(
            "Naar de dag van ontvangst. De periode wordt dertig dagen na afloop één keer geteld; latere"
            " correcties, intrekkingen en verwijderingen veranderen de uitgave niet.",
            "By day of receipt. The period is counted once, thirty days after its end; later corrections,"
            " withdrawals and erasure do not change the release.",
        ),
        "area": _text(
            "De gemeente van de persoon, anders die van het voorval. Gemeenten met weinig personen of één"
            " overheersende melder zijn samengevoegd; de indeling ligt per kalenderjaar vast.",
            "The municipality of the person, else that of the incident. Municipalities with few persons or"
            " one dominant reporter are joined; the division is fixed per calendar year.",
        ),
        "method": _text(
            "Alle tabellen zijn samen aselect afgerond op vijftallen en tellen precies op; een getoond getal"
            " wijkt ten hoogste vier af. '<10': afgerond minder dan tien, nul inbegrepen. 'withheld': alleen"
            " het totaal van de rij wordt getoond, omdat één categorie daarin of in een buurrij overheerst.",
            "All tables are randomly rounded to base 5 together and add up exactly; a number that is shown is"
            " at most four off. '<10': rounded fewer than ten, zero included. 'withheld': only the total of"
            " the row is shown, because one category prevails in it or in a neighbouring row.",
        ),
    }
)

CAVEATS: tuple[Text, ...] = (
    _text(
        "Meer signalen betekent niet meer uitbuiting: het kan meer bewustzijn of meer meldende organisaties"
        " betekenen. Lees de aantallen naast het aantal organisaties dat heeft gemeld.",
        "More signals does not mean more abuse: it may mean more awareness or more reporting organisations."
        " Read the numbers beside the number of organisations that reported.",
    ),
    _text(
        "Een signaal is een vermoeden van een professional, geen vastgesteld feit.",
        "A signal is what a professional suspects, not an established fact.",
    ),
    _text(
        "Kleine verschillen tussen gebieden of perioden kunnen geheel door de afronding ontstaan.",
        "Small differences between areas or periods may come from the rounding alone.",
    ),
)
