"""Words of the report: which language, its texts, and how periods, days, numbers and places are written.

Called by `sections`, `page` and `api`. Texts stand in `data/texts.csv`, names of codes in the vocabulary. Pure but for
these files.
"""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Literal

from service import clock
from service.report.models import Amount
from service.statistics.names import area_name

Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")


def language_of(accept_language: str | None) -> Language:
    """The language that a header prefers (RFC 9110 section 12.5.4): Dutch, unless English is wanted more."""
    weights = dict(_weight(part) for part in reversed((accept_language or "").split(",")))
    anything = weights.get("*", 0.0)
    return max(LANGUAGES, key=lambda language: weights.get(language, anything))


def _weight(part: str) -> tuple[str, float]:
    name, _, weight = part.partition(";")
    try:
        return name.strip().lower().partition("-")[0], float(weight.strip().removeprefix("q=") or 1)
    except ValueError:
        return "", 0.0


@cache
def texts(language: Language) -> Mapping[str, str]:
    """All texts of the page by name."""
    rows = csv.DictReader(io.StringIO(read_file("data/texts.csv"), newline=""))
    return {row["name"]: row[language] for row in rows}


def read_file(name: str) -> str:
    """A file of this room."""
    return files("service.report").joinpath(name).read_text(encoding="utf-8")


def number(value: int, language: Language) -> str:
    """A whole number with its thousands set apart."""
    return f"{value:,}".replace(",", "." if language == "nl" else ",")


def written(amount: Amount, language: Language) -> str:
    """An amount in a table or beside a bar; of one that is hidden only why."""
    if amount.value is not None:
        return number(amount.value, language)
    return texts(language)[{"<10": "fewer", "withheld": "withheld"}.get(amount.status, "unknown")]


def spoken(amount: Amount, language: Language) -> str:
    """An amount within a sentence: about so many, fewer than ten, or unknown."""
    if amount.value is not None:
        return texts(language)["about"].format(number=number(amount.value, language))
    return texts(language)["spoken_fewer" if amount.status == "<10" else "spoken_unknown"]


def period(code: str, language: Language) -> str:
    """A period as words: `first half of 2026`."""
    year, _, part = code.partition("-")
    return texts(language)[f"period_{part or 'year'}"].format(year=year)


def day(value: date | datetime, language: Language) -> str:
    """A day in the Netherlands as words: `31 July 2026`."""
    on = clock.local_day(value) if isinstance(value, datetime) else value
    months = texts(language)["months"].split()
    return f"{on.day} {months[on.month - 1]} {on.year}"


def place(code: str, language: Language) -> str:
    """What an area is called: a municipality, a region, the rest of a region, or the whole register."""
    return str(getattr(area_name(code), language))


def within_a_sentence(name: str) -> str:
    """A name that begins with a capital, in the middle of a sentence: `seksuele uitbuiting`."""
    return name[:1].lower() + name[1:]
