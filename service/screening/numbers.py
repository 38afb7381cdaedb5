"""Numbers that lead to somebody: BSN, IBAN, telephone, date of birth; also in words.

What is harmless is taken out first (times, amounts, recent dates); a long number that is left and is none of
these is doubtful.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from stdnum import iban
from stdnum.nl import bsn

from service.screening.kinds import Kind
from service.screening.reading import Reading

RECENT = timedelta(days=730)
LONG_NUMBER = 8
SHORTEST_IBAN = 11  # figures: two to check, and an account of nine

_UNITS = ("nul", "een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen")
_TEENS = (
    *(
        "tien",
        "elf",
        "twaalf",
        "dertien",
        "veertien",
        "vijftien",
        "zestien",
        "zeventien",
        "achttien",
        "negentien",
    ),
)
_TENS = ("twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig")
_SPELT = {word: str(number) for number, word in enumerate((*_UNITS, *_TEENS))} | {"0": "0", "zero": "0"}
_SPELT |= {ten: str(20 + 10 * place) for place, ten in enumerate(_TENS)}
_SPELT |= {
    f"{unit}en{ten}": str(20 + 10 * place + number)
    for place, ten in enumerate(_TENS)
    for number, unit in enumerate(_UNITS)
    if number
}
_SPELT_WORD = "|".join(sorted(map(re.escape, _SPELT), key=len, reverse=True))
# Three number words or more behind each other, figures between them too.
_SPELT_RUN = re.compile(
    rf"\b(?:{_SPELT_WORD}|\d{{1,4}})(?:[\s,.\-/]{{1,3}}+(?:{_SPELT_WORD}|\d{{1,4}})\b){{3,}}+"
)
_SPELT_ONE = re.compile(rf"\b(?:{_SPELT_WORD})\b")
_SPELT_WORDS = frozenset(_SPELT) - {"een", "0"}

_PLACES = {f"{word}{'ste' if int(number) > 19 else 'de'}": number for word, number in _SPELT.items()} | {
    **{"eerste": "1", "derde": "3", "achtste": "8"},
}
_SPELT_PLACE = "|".join(sorted(_PLACES, key=len, reverse=True))
_SPELT_YEAR = re.compile(rf"\btweeduizend\s?(?:en\s?)?({_SPELT_WORD})\b")
_SPELT_DAY = re.compile(
    rf"\b(?:{_SPELT_WORD}|{_SPELT_PLACE})(?=\s(?:januari|februari|maart|april|mei|juni|juli|augustus|september|oktober"
    r"|november|december)\b)"
)

_MONTHS = ("jan", "feb", "m(?:aa)?rt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_MONTH = "|".join(f"(?P<m{number}>{name})" for number, name in enumerate(_MONTHS, 1))
_BIRTH = re.compile(
    r"\b(?:geb(?:\.|\b)|gebd\w*|geboren|geboorte\w*|verjaar\w*|jarig|verjaart|bday|b-day|birthday|d\.?o\.?b\b|g\.?d\.?\b"
    r"|ter wereld|wordt\sop\s\d{1,2}\s\w+\s(?:\d{4}\s)?(?:\d\d|\w+)\s?(?:jaar|en\b|,|\.))",
)
# The same sign between the parts, or spaces before a whole year; else it may be a part of a longer number.
_DATE = re.compile(
    r"(?<![\d.])(\d{1,2})(?:(\s?[-/.]\s?)(\d{1,2})\2'?(\d{4}|\d{2})(?![.-]?\d)|\s(\d{1,2})\s((?:19|20)\d{2})(?!\d))"
)
_ISO = re.compile(r"(?<!\d)(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})(?!\d)")
_WRITTEN = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:e|ste|de)?\s?-?\.?\s?(?:{_MONTH})[a-z]*\.?(?:\s?-?\s?'?(\d{{4}}|\d{{2}})(?!\d|[:.]\d\d|\s?uur))?"
)
_PACKED = re.compile(r"(?<!\d)(?:\d{6}|\d{8})(?!\d)")
_MONEY = re.compile(
    r"(?:€|\beur(?:o)?\b)\s?\d[\d.,]*+(?:-|\s?k\b)?|\b\d[\d.,]*+\s?(?:€|eur(?:o)?\b|euro's\b|k\b|,-)"
)
_LAW = re.compile(r"\bart(?:ikel(?:en)?)?\.?\s\d[\d.:]*[a-z]?")
_HARMLESS = re.compile(
    r"\b0[89]00[\s-]?\d{4,7}\b|\b\d{1,2}[:.]\d{2}\s?(?:-|tot|en|a)?\s?(?:\d{1,2}[:.]\d{2})?\s?(?:uur|u\b|h\b)|\b(?:[01]?\d|2[0-3]):[0-5]\d\b"
    r"|\b(?:19|20)\d\d\s?[-/]\s?(?:20)?\d\d\b(?![-/\d])",
)
_RUN = re.compile(r"(?:\+|\b00)?\(?\d(?:[\s.\-()/_]{0,3}+\d){7,}+|\b\d(?:,\s?\d){7,}+(?!\d)")
_FIGURE = re.compile(r"\d")
_GROUP = re.compile(r"\d+")
_IBAN = re.compile(r"\b[a-z]{2}[\s.-]?\d{2}(?:[\s.-]?[a-z0-9]{2,4}){3,8}")
_IBAN_LENGTHS = {
    **dict.fromkeys(("NL", "DK", "FI"), 18),
    **dict.fromkeys(("AT", "LT", "LU", "EE"), 20),
    **dict.fromkeys(("CH", "HR", "LV"), 21),
    **dict.fromkeys(("DE", "BG", "GB", "IE"), 22),
    **dict.fromkeys(("RO", "ES", "CZ", "SK", "SE"), 24),
    **dict.fromkeys(("FR", "IT", "GR"), 27),
    **dict.fromkeys(("PL", "HU", "CY", "MA"), 28),
    **{"BE": 16, "SI": 19, "PT": 25, "TR": 26, "NO": 15},
}
_IBAN_NL = re.compile(r"NL\d{2}[A-Z]{4}\d{9,10}")


def kinds(read: Reading, on: date) -> Iterator[Kind]:
    """What a text that is read on a day holds in numbers."""
    low = read.low
    if not _SPELT_WORDS.isdisjoint(read.tokens) or "tweeduizend" in low or "nul" in low:
        low = _SPELT_YEAR.sub(lambda year: f"20{_SPELT[year[1]].zfill(2)}", low)
        low = _SPELT_DAY.sub(lambda day: _SPELT.get(day[0]) or _PLACES[day[0]], low)
        low = _SPELT_RUN.sub(_in_figures, low)
    figures = len(_FIGURE.findall(low))
    if not figures:
        return
    rest = low if figures < SHORTEST_IBAN else _IBAN.sub(_without_iban, low)
    if rest != low:
        yield Kind.IBAN
    birth, rest = _dates(_LAW.sub(" x ", rest), on)
    if birth:
        yield Kind.BIRTH_DATE
    if figures >= LONG_NUMBER:
        yield from _long_numbers(_HARMLESS.sub(" x ", _MONEY.sub(" x ", rest)))


def _in_figures(run: re.Match[str]) -> str:
    """`nul zes 12 vierendertig` as 06 12 34; a run of figures alone stays."""
    if not _SPELT_ONE.search(run[0]):
        return run[0]
    return re.sub(r"\D", "", _SPELT_ONE.sub(lambda word: _SPELT[word[0]], run[0]))


def _without_iban(found: re.Match[str]) -> str:
    """Nothing in its place, if it is one up to the length of its country; what follows may be the next word."""
    compact = re.sub(r"[\s.-]", "", found[0]).upper()
    account = compact[: _IBAN_LENGTHS.get(compact[:2], 0)]
    return " x " if account and (_IBAN_NL.match(account) or iban.is_valid(account)) else found[0]


def _dates(text: str, on: date) -> tuple[bool, str]:
    """Whether a date of birth is there; and the text without its dates."""
    said = bool(_BIRTH.search(text))
    found = any(_is_packed_birth(packed[0], on, said) for packed in _PACKED.finditer(text))

    def judge(year: str | None, month: int, day: str, whole: str) -> str:
        nonlocal found
        if year is None:
            found = found or said
            return " x "
        number = int(year) + (0 if len(year) == 4 else 2000 if int(year) <= on.year % 100 else 1900)
        try:
            seen = date(number, month, int(day))
        except ValueError:
            return whole
        if number >= 1900:
            found = found or said or not (on - RECENT <= seen <= on + RECENT)
        return " x "

    text = _ISO.sub(lambda d: judge(d[1], int(d[2]), d[3], d[0]), text)
    text = _DATE.sub(lambda d: judge(d[4] or d[6], int(d[3] or d[5]), d[1], d[0]), text)
    text = _WRITTEN.sub(lambda d: judge(d[14], int((d.lastgroup or "m1")[1:]), d[1], d[0]), text)
    return found, text


def _is_packed_birth(figures: str, on: date, said: bool) -> bool:
    """As 120309 or 12032009; without a word that says so only for somebody of 5 to 60."""
    year = (
        int(figures[4:])
        if len(figures) == 8
        else int(figures[4:]) + (2000 if int(figures[4:]) <= on.year % 100 else 1900)
    )
    try:
        born = date(year, int(figures[2:4]), int(figures[:2]))
    except ValueError:
        return said and len(figures) == 8
    return said or on.year - 60 <= born.year <= on.year - 5


def _long_numbers(text: str) -> Iterator[Kind]:
    for run in _RUN.finditer(text):
        groups = _GROUP.findall(run[0])
        digits = "".join(groups)
        if any(len(part) in (8, 9) and bsn.is_valid(part.zfill(9)) for part in (digits, *groups)):
            yield Kind.BSN
        elif _is_phone(digits, run[0]):
            yield Kind.PHONE
        elif len(digits) >= LONG_NUMBER:
            yield Kind.DOUBTFUL


def _is_phone(digits: str, run: str) -> bool:
    if run.startswith(("+", "00")):
        return 9 <= len(digits) <= 16
    if digits.startswith("0"):
        return 9 <= len(digits) <= 11
    return (
        digits.startswith("6") and len(digits) == 9 or digits.startswith(("316", "3106")) and len(digits) > 10
    )
