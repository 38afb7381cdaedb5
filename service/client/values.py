"""The values that tokens are made of, normalised: who writes them differently must still get one token.

Kind `b` is the citizen service number (BSN). Kind `n` is for partners that may not use it: the first four letters of
the surname at birth without its prefixes, the initial of the first given name, date of birth and sex; a link by
it is a possible match. The rules stand in `openapi/pseudonyms.md` with vectors beside it, for suppliers in other
languages; a test holds them together. Pure. What is unfit is named by a code, never repeated.
"""

import re
import unicodedata
from datetime import date, datetime
from zoneinfo import ZoneInfo

from stdnum.nl import bsn

LETTERS_OF_SURNAME = 4
EARLIEST = date(1900, 1, 1)

# Letters that Unicode does not take apart into a plain one and a mark.
PLAIN = str.maketrans(
    {"ß": "SS", "ẞ": "SS", "Æ": "AE", "Œ": "OE", "Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "Ħ": "H"}
    | {"ı": "I", "İ": "I", "Ŧ": "T", "Ŋ": "N", "Ə": "E"}
)
# Words that a surname may begin with and that systems keep in a field of their own, or not. V, D, T: abbreviated.
_PREFIXES = """
    A AAN AF AL AM AN AUF AUS BEN BIJ BIN D DA DAL DE DEGLI DEI DEL DELLA DELLE DELLO DEM DEN DER DES DI DO DOS DU
    EL EN HET IBN IM IN L LA LAS LE LES LO LOS ONDER OP OVER S T TE TEN TER TOT UIJT UIT V VAN VANDE VANDEN VANDER
    VD VDR VER VOM VON VOOR Z ZU ZUM ZUR
"""
PREFIXES = frozenset(_PREFIXES.split())
SEXES = {
    **dict.fromkeys(("M", "MAN", "MALE", "MANNELIJK", "1"), "M"),
    **dict.fromkeys(("F", "V", "VROUW", "FEMALE", "WOMAN", "VROUWELIJK", "2"), "F"),
    **dict.fromkeys(("X", "O", "U", "ONBEKEND", "UNKNOWN", "0", "9"), "X"),
}
_DAYS = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\Z", re.ASCII),
    re.compile(r"(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4})\Z", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})\Z", re.ASCII),
)


def dutch_today() -> date:
    """The calendar day in the Netherlands."""
    return datetime.now(ZoneInfo("Europe/Amsterdam")).date()


class Unfit(ValueError):
    """A value that no token can be made of; `code` says why, in a word, and `part` which part of a name it is."""

    def __init__(self, code: str, told: str, part: str = "dateOfBirth") -> None:
        super().__init__(told)
        self.code, self.told, self.part = code, told, part


def value_of_bsn(written: str) -> str:
    """Nine digits: without dots, spaces and dashes, with the zero that a spreadsheet cut off. Raises `Unfit`."""
    digits = re.sub(r"[\s.\-]", "", written)
    if re.fullmatch(r"[0-9]{8,9}", digits) is None:
        raise Unfit("wrong-form", "A BSN has nine digits.")
    digits = digits.zfill(9)
    if not bsn.is_valid(digits):
        raise Unfit("eleven-test", "This is no BSN: it fails the eleven-test.")
    return digits


def value_of_name(surname: str, first_name: str, born_on: str, sex: str, *, today: date) -> str:
    """`<four letters>|<initial>|<yyyy-mm-dd>|<F, M or X>`, in capitals. Raises `Unfit`."""
    words = _words(surname)
    while len(words) > 1 and words[0] in PREFIXES:
        words = words[1:]
    letters, initials = _joined(words), _joined(_words(first_name)[:1])
    for part, found in (("surname", letters), ("firstName", initials)):
        if not found:
            raise Unfit("no-letters", "A name needs a letter that can be written as one of A to Z.", part)
    code = SEXES.get(sex.strip().upper())
    if code is None:
        raise Unfit("unknown-code", "The sex is M, F (or V) or X, as in the identity document.", "sex")
    return f"{letters[:LETTERS_OF_SURNAME]}|{initials[0]}|{day_of(born_on, today=today).isoformat()}|{code}"


def day_of(written: str, *, today: date) -> date:
    """A day of birth, written as 2010-03-14, 14-3-2010 (also with / or .) or 20100314. Raises `Unfit`."""
    for form in _DAYS:
        if found := form.match(written.strip()):
            try:
                day = date(int(found["y"]), int(found["m"]), int(found["d"]))
            except ValueError:
                raise Unfit("impossible-day", "There is no such day.") from None
            if not EARLIEST <= day <= today:
                raise Unfit("impossible-day", "Nobody now living was born on this day.")
            return day
    raise Unfit("wrong-form", "A day is written as YYYY-MM-DD, D-M-YYYY or YYYYMMDD.")


def plain_capitals(text: str) -> str:
    """A text in capitals, every letter without its marks."""
    parts = unicodedata.normalize("NFKD", text).upper().translate(PLAIN)
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _words(name: str) -> list[str]:
    """A name as words of A–Z."""
    return re.findall(r"[A-Z]+", plain_capitals(name))


def _joined(words: list[str]) -> str:
    """Words in one, with the Dutch ij as the y that it is also written as."""
    return "".join(words).replace("IJ", "Y")
