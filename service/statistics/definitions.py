"""What the numbers of a release mean, and what to bear in mind: the words that travel with them.

Of each population what is counted, what a share of it is of, and where the counts come from; and what holds for all of
them. Read by the doors and the report.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from service.statistics.menu import OFFENDERS, ORGANISATIONS, SIGNALS, VICTIMS
from service.wire import Text


class Measured(NamedTuple):
    """What the numbers of a population are: numerator, denominator of a share, source."""

    numerator: Text
    denominator: Text
    source: Text


def _text(nl: str, en: str) -> Text:
    return Text(nl=nl, en=en)


def _persons(nl: str, en: str) -> Measured:
    return Measured(
        _text(
            f"{nl} over wie in de periode voor het eerst een geldig signaal is ontvangen: niet eerder geteld in de"
            " twaalf maanden daarvoor. Het eerste signaal bepaalt plaats en categorie; wie geen pseudoniem heeft, telt"
            " één keer per signaal.",
            f"{en} about whom a valid signal was first received in the period: not counted in the twelve months before."
            " The first signal decides place and category; somebody without a pseudonym counts once per signal.",
        ),
        _text(
            "Alle getelde personen van de rij; van het hele register bij de tabellen naar vorm.",
            "All persons counted in the row; of the whole register in the tables by form.",
        ),
        _text(
            "Signalen van aangesloten organisaties: de persoon met haar rol, leeftijd, geslacht en gemeente, en de"
            " eerstgenoemde vorm en plaats van het signaal.",
            "Signals of connected organisations: the person with role, age, gender and municipality, and the first form"
            " and setting that the signal names.",
        ),
    )


MEASURED: Mapping[str, Measured] = MappingProxyType(
    {
        VICTIMS.code: _persons(
            "Mogelijke slachtoffers en risicojongeren", "Possible victims and young people at risk"
        ),
        OFFENDERS.code: _persons("Mogelijke daders", "Possible offenders"),
        SIGNALS.code: Measured(
            _text(
                "Geldige signalen die in de periode zijn ontvangen, en hoe ver zij waren toen de periode werd geteld:"
                " beslist of niet, de uitkomst, en of de melder binnen de afgesproken termijn is geïnformeerd.",
                "Valid signals received in the period, and how far they had come when it was counted: decided or"
                " not, the outcome, and whether the reporter heard of it within the agreed term.",
            ),
            _text("Alle signalen van de rij.", "All signals of the row."),
            _text(
                "Signalen en doorverwijzingen van het register; de regio is die van het voorval.",
                "Signals and referrals of the register; the region is that of the incident.",
            ),
        ),
        ORGANISATIONS.code: Measured(
            _text(
                "Organisaties van wie in de periode een geldig signaal uit de regio is ontvangen. Wie uit meer regio's"
                " meldt, telt in elk daarvan, en zo ook in het geheel.",
                "Organisations of which a valid signal from the region was received in the period. Who reports from"
                " several regions counts in each of them, and so in the whole.",
            ),
            _text("Alle organisaties van de rij.", "All organisations of the row."),
            _text("Signalen van aangesloten organisaties.", "Signals of connected organisations."),
        ),
    }
)

DEFINITIONS: Mapping[str, Text] = MappingProxyType(
    {
        "period": _text(
            "Naar de dag van ontvangst. De periode wordt dertig dagen na afloop één keer geteld; latere"
            " correcties, intrekkingen en verwijderingen veranderen de uitgave niet.",
            "By day of receipt. The period is counted once, thirty days after its end; later corrections,"
            " withdrawals and erasure do not change the release.",
        ),
        "area": _text(
            "De gemeente van de persoon, anders die van het voorval. Gemeenten met weinig personen of één"
            " overheersende melder zijn samengevoegd; de indeling ligt per kalenderjaar vast. Een gemeente die is"
            " opgegaan in een andere, telt vanaf dan als die.",
            "The municipality of the person, else that of the incident. Municipalities with few persons or"
            " one dominant reporter are joined; the division is fixed per calendar year. A municipality that was merged"
            " into another counts as that one from then on.",
        ),
        "method": _text(
            "Alle tabellen zijn samen aselect afgerond op vijftallen en tellen precies op; een getoond getal"
            " wijkt ten hoogste vier af. Alleen waar een organisatie anders zeker zou weten dat er verder niemand is,"
            " kan een getal verder naar boven afwijken. '<10': afgerond minder dan tien, nul inbegrepen. 'withheld':"
            " alleen het totaal van de rij (of de kolom, waar ook rijen categorieën zijn) wordt getoond, omdat één"
            " categorie daarin of in een ernaast overheerst.",
            "All tables are randomly rounded to base 5 together and add up exactly; a number that is shown is"
            " at most four off. Only where an organisation would else be sure that nobody else is there can a number be"
            " further up. '<10': rounded fewer than ten, zero included. 'withheld': only"
            " the total of the row (or of the column, where the rows are categories too) is shown, because one category"
            " prevails in it or in one beside it.",
        ),
        "sum": _text(
            "De som van uitgaven, alleen waar elke periode het getal toont. Wie in twee perioden voor het eerst wordt"
            " gezien, meer dan twaalf maanden uit elkaar, telt in beide. De speling is vier per periode.",
            "The sum of releases, only where each period shows the number. Somebody who is first seen in two periods,"
            " more than twelve months apart, counts in both. The tolerance is four for each period.",
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
