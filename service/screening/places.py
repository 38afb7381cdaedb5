"""Addresses, postcodes and names of schools."""

import re
from collections.abc import Iterator

from service.screening.kinds import Kind
from service.screening.reading import Reading
from service.screening.words import words

_STREET = (
    r"(?:straat|straatje|laan|weg|plein|dijk|singel|gracht|kade|hof|park|pad|steeg|dreef|plantsoen|markt|wal|kamp|oord"
    r"|hoek|veld|akker|donk|(?<!e)ring|(?<!bij)baan|(?<!werk)(?<!stage)(?<!speel)(?<!slaap)plaats|dam|brink|hoeve|burg|horst|erf|berg|str\.?|ln|wg)"
)
_NUMBER = r"(?:nr\.?\s?|nummer\s|no\.?\s?|huisnummer\s)?\d{1,4}+(?:\s?-?\s?[a-z]\b|\s?-\s?\d{1,3}+|\s?bis)?"
_HAS_FIGURE = re.compile(r"\d")
_ADDRESSES = (
    # kerkstraat 12, van goghlaan nr. 3b
    re.compile(
        rf"[a-z'-]{{2}}{_STREET}\s{{1,2}}+{_NUMBER}(?![\d:.,]*(?:\s?uur|\d|\s?euro|\sjaar|\skeer|\s?km|\s?min|\s?m\b))"
    ),
    # laan van eik en duinen 77, industrieweg-oost 31
    re.compile(
        r"\b(?:laan|plein|weg|park|hof|kade)\s(?:van|der|de|den|'t|het)\s(?:[a-z']{2,20}\s){1,3}\d{1,4}\b"
    ),
    re.compile(rf"[a-z]{_STREET}-(?:noord|oost|zuid|west)\s\d"),
    # op nummer 12 aan de …, de … op nummer 12
    re.compile(r"\b(?:huis)?nummer\s\d{1,4}+\s?[a-z]?\s(?:aan|in|op|van)\s(?:de|het|'t)\b"),
    re.compile(
        rf"\b(?:de|het)\s[a-z'-]{{2,30}}?{_STREET}\b[\w\s,]{{0,20}}\b(?:op|huis)?\s?(?:huis)?nummer\s\d"
    ),
    re.compile(r"\bpostcode\b\W{0,3}(?:is|van|in|:)?\W{0,3}[1-9]\d{3}"),
)
# Nieuwe Gracht 9, Noordeinde 15 bis
_TWO_WORDS = re.compile(
    r"\b[A-Z][a-z]{3,}\s\d{1,4}\s?(?:bis|hs|[a-f])\b|\b[A-Z][a-z]+\s(?:Straat|Laan|Weg|Plein|Dijk|Singel|Gracht|Kade|Hof|Park|Pad|Steeg|Dreef|Plantsoen|Markt|Wal|Baan)"
    rf"\s{{1,2}}+{_NUMBER}"
)
_POSTCODE = re.compile(
    r"(?<![\d\w])[1-9]\d{3}\s?(?:[A-Z]{2}|(?<=\d)[a-z]{2}|(?<=\s)[a-z]{2}(?=\s{1,2}\d))(?![\w-])"
)
# Two letters behind four figures that make a sentence: `in 2025 is 1 keer …`.
_WORDS_OF_TWO = words("words_of_two.txt")
_SCHOOLS = (
    # basisschool De Regenboog, obs 't Palet, Vakcollege Helmond
    re.compile(
        r"\b(?:[Bb]asisschool|[Pp]raktijkschool|[Oo]bs|OBS|[Cc]bs|CBS|[Kk]bs|KBS|[Rr]kbs|RKBS|[Bb]s|ROC|[Rr]oc|AOC|CSG|MBO|ISK|"
        r"[Ss]cholengemeenschap|[Vv]akcollege|[Ll]yceum|[Cc]ollege|[Gg]ymnasium|[Ss]chool|VSO|[Vv]so|[Mm]avo|SBO|[Ss]bo|"
        r"[Kk]indcentrum|IKC|[Hh]ogeschool|[Uu]niversiteit|[Vv]akschool|[Mm]iddelbare)"
        r"\s(?:(?:[Dd]e|[Hh]et|'t|[Dd]en|van|der|[Dd]r\.|[Ss]int|St\.?)\s){0,2}+(?!\d)([A-Z][\w'-]+)"
    ),
    # het Dr. Knippenbergcollege, Carolus Borromeus College
    re.compile(
        r"(?<![\w.'-])([A-Z][\w.'-]{0,40}?)(?:\s[A-Z][\w.'-]*+){0,2}?[\s-]?(?:[Cc]ollege|[Ll]yceum|[Ss]cholengemeenschap|[Gg]ymnasium"
        r"|[Ss]chool|[Mm]avo|[Aa]cademie|[Hh]avo)\b"
    ),
)
_SCHOOLS_IN_LOWER_CASE = (
    # basisschool de kameleon, 't palet, de rietzanger vso
    re.compile(
        r"\b(?:basisschool|praktijkschool|vso|p?cbs|obs|sbo|ikc)\s(?:'t|de|het)\s(?!andere?\b|kinderen|jongens?\b|meisjes?\b"
        r"|school|klas|leerling|ouders?\b|meester|juf|docent|mentor|les|pauze|poort|politie|hele|laatste|nieuwe)([a-z]+)"
        r"|\b(?:p?cbs|r?kbs)\s(?!de\b|het\b|en\b|in\b|te\b|is\b|of\b)([a-z]{3,})"
        r"|\bvd\s([a-z]+)\s(?:mavo|havo|vso|school)\b"
    ),
    # het sint jozef, waar van een school sprake is
    re.compile(
        r"\b(?:sint|st\.?)[\s-](?!oedenrode|michielsgestel|anthonis|hubert\b|maarten|annaparochie|nicolaas|pancras|willebrord"
        r"|philipsland|odilienberg|geertruid|joost)([a-z]{3,})\b"
    ),
    re.compile(r"\b(?:montessori|dalton|jenaplan)\s?(?:college|lyceum|school|mavo)\s((?:de\s|het\s)?[a-z]+)"),
    re.compile(r"\b([a-z]{3,}-[a-z]{3,})\s(?:gymnasium|lyceum|college|mavo)\b"),
    # knippenbergcollege, eckartcollege
    re.compile(
        r"\b((?!vak|hoor|werk|gast|over|ouder|kaart|hoge|hoog|jongeren|student)[a-z-]{4,20}?)(?:college|lyceum)\b"
    ),
)
_SCHOOL_WORDS = words("school_words.txt")
_SCHOOL_PARTS = ("scho", "college", "lyce", "mavo", "gymnasium", "leerling", "klas", "universiteit")
# What stands before -school or -college without naming one.
_NO_NAME = re.compile(
    r"(?:de|het|een|op|naar|van|in|geen|die|deze|haar|zijn|hun|onze|elke|andere|nieuwe|vorige|middelbare|basis|praktijk"
    r"|avond|hoge|muziek|dans|sport|rij|vak|voor|na|zondag|koran|taal|internationale|speciale|vmbo|mavo|havo|vwo|mbo"
    r"|openbare|bijzondere|christelijke|islamitische|katholieke|tussen|brede|kleuter|kunst|toneel|zwem|kook|ballet|"
    r"burgemeester|wethouder|buiten|thuis|zomer|voort|politie|schakel|inter|top|bij|week|nacht|kost|modevak|jeugd|"
    r"moskee|mytyl|tyltyl|vrije|montessori|dalton|jenaplan|"
    r"pabo|kappers|horeca|moeder|bedrijfs)\Z",
    re.I,
)


def kinds(read: Reading) -> Iterator[Kind]:
    """What a text holds of where somebody lives or learns."""
    text, low = read.text, read.low
    if _HAS_FIGURE.search(text) and (
        any(address.search(low) for address in _ADDRESSES)
        or _TWO_WORDS.search(text)
        or any(found[0][-2:].lower() not in _WORDS_OF_TWO for found in _POSTCODE.finditer(text))
    ):
        yield Kind.ADDRESS
    if _may_name_a_school(read) and (
        any(_names_a_school(found) for pattern in _SCHOOLS for found in pattern.finditer(text))
        or any(
            _names_a_school(found) for pattern in _SCHOOLS_IN_LOWER_CASE for found in pattern.finditer(low)
        )
    ):
        yield Kind.SCHOOL


def _may_name_a_school(read: Reading) -> bool:
    low = read.low
    return any(part in low for part in _SCHOOL_PARTS) or not _SCHOOL_WORDS.isdisjoint(read.tokens)


def _names_a_school(found: re.Match[str]) -> bool:
    return not _NO_NAME.match((found[1] or found[found.lastindex or 0]).rstrip("-"))
