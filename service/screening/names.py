"""Names of persons: by lists, by titles and prefixes, and by the words that announce a name.

A word with a capital in the middle of a sentence that no list knows is doubtful: most are surnames.
"""

import re
from collections.abc import Iterator

from service.screening.kinds import Kind
from service.screening.reading import Reading, reading_of
from service.screening.words import AMBIGUOUS_NAMES, KNOWN_CAPITALS, PHRASES, SURE_NAMES, words

SHORTEST_SURE = 3
LONGEST_ABBREVIATION = 6

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_PHRASES = re.compile("|".join(map(re.escape, sorted(PHRASES, key=len, reverse=True))), re.IGNORECASE)
_PHRASE_WORDS = frozenset(_WORD.findall(phrase.lower())[-1] for phrase in PHRASES)
_TITLES = words("titles.txt")
_ANNOUNCING = words("announcing.txt")
_PREFIX = r"(?:van|de|der|den|het|'t|ter|ten|te|el|al|ben|bin|ait|ould|da|di|dos|la|le|von|v\.?d\.?|d')"
# J. de Vries, S.B. Jansen
_INITIALS = re.compile(rf"\b[A-Z]\.(?:\s?[A-Z]\.){{0,4}}\s?(?:{_PREFIX}\s){{0,2}}[A-Z][a-z]{{2,}}")
# Fatima el Idrissi
_PREFIXED = re.compile(rf"\b([A-Z][a-z]+)(?:\s{_PREFIX}){{1,2}}+\s([A-Z][a-z]+)")
# Van den Berg, ter Horst, van der Velde
_SURNAME = re.compile(
    r"(?:(?<=[a-z,] )Van|\bVan\s(?:de[rn]?|het|'t)|[vV]an\sde[rn]|[vV]an\s't|[tT]er|[tT]en|[vV]\.?d\.?)\s([A-Z][a-z]+)"
)
_TITLED = re.compile(
    r"\b(?:meneer|mijnheer|mevrouw|me?vr\.?|mw\.?|dhr\.?|de heer|juf(?:frouw)?|meester|oom|ome|tante|imam|opa|oma"
    r"|dokter|drs\.?|dr\.?|mr\.?|ir\.?|ing\.?|prof\.?|fam\.?|familie)\s"
    r"(?:(?:van|de|der|den|el|al|ben|ter|ten|'t)\s){0,2}+((?-i:[A-Z][a-z]+))",
    re.IGNORECASE,
)
_ANNOUNCED = re.compile(
    r"\b(?:heten?|heette|genaamd|bijgenaamd|noem(?:t|en|de)\s(?:zich(?:zelf)?|haar|hem|ze|hij|zij)"
    r"|(?:zich|hem|haar|ze)\snoem(?:t|en|de)|luistert\snaar(?:\sde\snaam)?|(?:bij|roep|voor|achter)naam(?:\sis)?"
    r"|(?:haar|zijn|de|z'n|d'r)\snaam\sis|naam\s?:|(?:onder|met)\sde\snaam|(?<!die )(?<!de )(?<!dat )ene|alias"
    r"|a\.?k\.?a\.?|aangesproken\sals|voorgesteld\sals|voor\sals|zekere)(?=\W)\W{0,3}(?:(?:ook|eigenlijk|gewoon|waarschijnlijk|mogelijk|is|was)\s)?['\"]?"
    r"([^\W\d_][\w'-]*)|\blaat\szich\s([^\W\d_]+)\snoemen",
    re.IGNORECASE,
)
_KIN = re.compile(
    r"\b(?:broer(?:tje)?|zus(?:je)?|vriend(?:je|in|innetje)?|ex|neef(?:je)?|nicht(?:je)?|zoon(?:tje)?|dochter(?:tje)?"
    r"|buurjongen|buurmeisje|(?:stief)?(?:vader|moeder)|klasgeno(?:ot|te)|loverboy|pooier|mentor|trainer|coach|dealer"
    r"|leerling|maat(?:je)?|collega|begeleider|voogd)\s([a-z][\w'-]{2,})(?=[\s,.]|\Z)",
)
# A sentence begins at the start, behind a full stop, and where somebody begins to speak or to list.
_BEGINS = re.compile(r"(?:^|[.!?:;\n\r\"(*•>/]|\s-)[\s\"'(-]*(?:'[st]\s)?\Z")
_LOOK_BACK = 8
# Behind an article, with an adjective or without, stands a thing: de Wallen, een rode Canyon. So behind `in` a place.
_THING = re.compile(r"\b(?:de|het|een|'n|'t|geen|elke?|in|uit|te|rond|via)\s(?:[a-z]+e\s)?\Z", re.IGNORECASE)
_OF_A_SCHOOL = re.compile(r"\b(?:de|het|'?t)\s\Z", re.IGNORECASE)
_ABOUT_SCHOOL = words("about_school.txt")
_ARTICLE = re.compile(r"\b(?:de|een|sint|st\.?|sint-)[\s-]?\Z", re.IGNORECASE)
_LOOK_BACK_TO_ARTICLE = 24
_FOLLOWING = re.compile(r"(?:'s)?\s([\w&+-]+)")
_PRECEDING = re.compile(r"(\w+)\s\Z")
_BEFORE_A_PERSON = words("before_a_person.txt")
_DONE_BY_PERSONS = words("done_by_persons.txt")
_AFTER_A_PERSON = words("after_a_person.txt") | _DONE_BY_PERSONS
# A name that is a word, at the start, before what persons do.
_SUBJECT = re.compile(r"(?:^|[.!?\n]\s*|- )([A-Z][a-z]+)\s([a-z]+)")
_NO_SUBJECT = KNOWN_CAPITALS | words("not_names.txt")
_INITIALS_ALONE = re.compile(
    r"\b(?:jongere|verdachte|betrokkene|leerling|slachtoffer|jongen|meisje|minderjarige|client|vriend|getuige|kind)"
    r"\s(?-i:[A-Z])\.\s?(?-i:[A-Z])\.",
    re.IGNORECASE,
)
_NO_NAME = words("not_names.txt")
_ROMAN = re.compile(r"[IVX]+\Z")


def kinds(read: Reading) -> Iterator[Kind]:
    """What a text holds of names."""
    if not read.tokens.isdisjoint(_PHRASE_WORDS):
        read = reading_of(_PHRASES.sub("x", read.text))
    if read.text.isupper():  # who shouts says nothing by capitals
        read = reading_of(read.low)
    capitals = [] if read.text == read.low else list(_capitals(read.text))
    if (
        any(_is_sure(word) and _stands_alone(word, read.low) for word in read.tokens)
        or any(_is_ambiguous(found[0]) for found in capitals)
        or read.text != read.low
        and _is_built(read)
        or _is_said(read)
    ):
        yield Kind.NAME
    elif any(_is_doubtful(found, read) for found in capitals) or _foreign_script(read.text):
        yield Kind.DOUBTFUL


def _is_built(read: Reading) -> bool:
    """Whether initials, a prefix or a title make a name of what follows."""
    text = read.text
    return (
        _INITIALS.search(text) is not None
        or _INITIALS_ALONE.search(text) is not None
        or any(_is_subject(found) for found in _SUBJECT.finditer(text))
        or any(map(_has_surname, _PREFIXED.finditer(text)))
        or any(map(_is_surname, _SURNAME.finditer(text)))
        or not _TITLES.isdisjoint(read.tokens)
        and _TITLED.search(text) is not None
    )


def _is_said(read: Reading) -> bool:
    """Whether the words around it say that something is a name, also in lower case."""
    return (
        not _ANNOUNCING.isdisjoint(read.tokens) and any(map(_is_announced, _ANNOUNCED.finditer(read.text)))
    ) or (
        not AMBIGUOUS_NAMES.isdisjoint(read.tokens)
        and any(found[1] in AMBIGUOUS_NAMES and found[1] not in _NO_NAME for found in _KIN.finditer(read.low))
    )


def _capitals(text: str) -> Iterator[re.Match[str]]:
    """Words with a capital that do not begin a sentence."""
    for found in _WORD.finditer(text):
        if found[0][0].isupper():
            start = found.start()
            if not _BEGINS.search(text[start - _LOOK_BACK : start] if start > _LOOK_BACK else text[:start]):
                yield found


def _is_doubtful(found: re.Match[str], read: Reading) -> bool:
    """An unknown capital that stands as persons do, not things; where a school is spoken of, it may be that."""
    if not _unknown(found[0]):
        return False
    before = found.string[max(0, found.start() - _LOOK_BACK_TO_ARTICLE) : found.start()]
    if _OF_A_SCHOOL.search(before) and not _ABOUT_SCHOOL.isdisjoint(read.tokens):
        return True
    return not _THING.search(before) and _stands_as_a_person(found, before)


def _stands_as_a_person(found: re.Match[str], before: str) -> bool:
    """Whether persons stand so: `met Brekelmans.`, `dat Brekelmans zei`; not so `van Ozempic pennen`."""
    following = _FOLLOWING.match(found.string, found.end())
    if following is not None and following[1] in _DONE_BY_PERSONS:
        return True
    preceding = _PRECEDING.search(before)
    if preceding is None or preceding[1].lower() not in _BEFORE_A_PERSON:
        return False
    return following is None or following[1] in _AFTER_A_PERSON


def _stands_alone(name: str, low: str) -> bool:
    """Whether a name stands somewhere without an article, as persons do."""
    start = low.find(name)
    while start >= 0:
        if not _ARTICLE.search(low[max(0, start - _LOOK_BACK) : start]):
            return True
        start = low.find(name, start + 1)
    return False


def _is_subject(found: re.Match[str]) -> bool:
    name = found[1].lower()
    return found[2] in _DONE_BY_PERSONS and name in AMBIGUOUS_NAMES and name not in _NO_SUBJECT


def _parts(word: str) -> list[str]:
    """The word and its halves, in lower case, without the ending of a possessive."""
    low = word.lower().removesuffix("'s").removesuffix("'")
    return [low, *low.split("-")] if "-" in low else [low]


def _is_sure(word: str) -> bool:
    if len(word) < SHORTEST_SURE:
        return False
    low = word.lower()
    if low in SURE_NAMES:
        return low not in KNOWN_CAPITALS
    return ("'" in low or "-" in low) and any(
        len(part) >= SHORTEST_SURE and part in SURE_NAMES and part not in KNOWN_CAPITALS
        for part in _parts(word)
    )


def _is_ambiguous(word: str) -> bool:
    if word.isupper() and len(word) <= SHORTEST_SURE:
        return False
    if word[-1] == "s" and word[:-1].lower() in SURE_NAMES:
        return not _is_known(word)
    return any(part in AMBIGUOUS_NAMES and part not in KNOWN_CAPITALS for part in _parts(word))


def _is_known(word: str) -> bool:
    """Whether a capital is no sign of a person: a place, a people, an organisation, a brand, an abbreviation."""
    word = word.removesuffix("'s").removesuffix("'")
    if word.isupper() and len(word) <= LONGEST_ABBREVIATION or _ROMAN.match(word):
        return True
    if _is_listed(word.lower()):
        return True
    halves = word.split("-")
    return len(halves) > 1 and (
        _is_listed(halves[0].lower()) or len(halves[0]) > 1 and halves[0].isupper() or halves[0] == "V"
    )


def _is_listed(low: str) -> bool:
    """The word, or the place of which it is the adjective: Helmondse, Twentse, Tilburger."""
    if low in KNOWN_CAPITALS:
        return True
    stem = low.removesuffix("se").removesuffix("er").removesuffix("s")
    return stem in KNOWN_CAPITALS or f"{stem}e" in KNOWN_CAPITALS or f"{low}e" in KNOWN_CAPITALS


def _unknown(word: str) -> bool:
    return len(word) > 1 and not _is_known(word)


def _is_surname(found: re.Match[str]) -> bool:
    """Behind `Van` or `v.d.` stands a surname; behind `van der` or `ter` it may be a place."""
    return found[0].startswith(("V", "v.", "vd")) or found[1].lower() not in KNOWN_CAPITALS


def _has_surname(found: re.Match[str]) -> bool:
    return not _is_listed(found[1].lower()) and not _is_listed(found[2].lower()) and not _begins(found)


def _begins(found: re.Match[str]) -> bool:
    start = found.start()
    return (
        bool(_BEGINS.search(found.string[max(0, start - _LOOK_BACK) : start]))
        and found[1].lower() not in SURE_NAMES
    )


def _is_announced(found: re.Match[str]) -> bool:
    """A word that is announced as a name; a thing has one too, but nobody calls `hem` or `haar` a thing."""
    if found[2]:
        return True
    low, called = found[1].lower(), found[0].lower().startswith(("noem", "zich", "hem", "haar"))
    return (
        len(low) > 1
        and low not in _NO_NAME
        and (called or not (found[1][0].isupper() and _is_known(found[1])))
    )


def _foreign_script(text: str) -> bool:
    return not text.isascii() and any(letter.isalpha() and ord(letter) > 0x24F for letter in text)
