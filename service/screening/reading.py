"""A text as the detectors read it: without accents and tricks, in lower case too, and its words."""

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")

# What looks like nothing or like something else: invisible characters, and the many dashes and quotes.
_LOOKS = str.maketrans(
    {
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u201b\u00b4\u0060", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
        **dict.fromkeys("\u00b7\u2022", "."),
        **{"\u0131": "i", "\u0142": "l", "\u0141": "L", "\u00f8": "o", "\u00d8": "O", "\u00df": "ss"},
    }
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text prepared once for all detectors; `tokens` are its words in lower case, and their halves."""

    text: str
    low: str
    tokens: frozenset[str]


def reading_of(text: str) -> Reading:
    """Prepare a text; linear in its length."""
    plain = _plain(text)
    low = plain.lower()
    words = _WORD.findall(low)
    halves = [half for word in words if "-" in word for half in word.split("-")]
    return Reading(plain, low, frozenset(words).union(halves))


def _plain(text: str) -> str:
    """The text without accents, invisible characters and figures of other scripts."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_LOOKS))
    return "".join(
        str(unicodedata.digit(letter)) if letter.isdigit() else letter
        for letter in decomposed
        if not unicodedata.combining(letter)
    )
