"""The menu: the only tables that a release holds, as data, with the definitions that travel with them.

Read by counting, disclosure, releases and the report. A table that is added, changed or dropped makes a new
`MENU_VERSION`, for periods that have not begun; never does a released table change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from service.vocabulary.lists import codes
from service.wire import Text

MENU_VERSION = 1


def _text(nl: str, en: str) -> Text:
    return Text(nl=nl, en=en)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of persons by area and one single-valued category, whose codes are those of `code_list`."""

    code: str
    dimensions: tuple[str, str]
    code_list: str
    title: Text

    @property
    def categories(self) -> tuple[str, ...]:
        """The codes of the category, in the order of the code list."""
        return codes(self.code_list)


@dataclass(frozen=True, slots=True)
class Population:
    """Persons counted together (`group` of `person_role`); its tables have their area totals in common."""

    code: str
    title: Text
    tables: tuple[Table, ...]


VICTIMS = Population(
    code="VICTIMS",
    title=_text("Mogelijke slachtoffers en risicojongeren", "Possible victims and young people at risk"),
    tables=(
        Table(
            code="victims-by-municipality-and-form",
            dimensions=("area", "form"),
            code_list="form_group",
            title=_text(
                "Mogelijke slachtoffers naar gemeente en vorm",
                "Possible victims by municipality and form",
            ),
        ),
        Table(
            code="victims-by-municipality-and-age",
            dimensions=("area", "age"),
            code_list="age_group",
            title=_text(
                "Mogelijke slachtoffers naar gemeente en leeftijd",
                "Possible victims by municipality and age",
            ),
        ),
    ),
)

MENU: Mapping[str, Population] = MappingProxyType({VICTIMS.code: VICTIMS})

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
