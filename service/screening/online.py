"""Web addresses, e-mail addresses and account names, also where they are written around a filter."""

import re
from collections.abc import Iterator

from service.screening.kinds import Kind
from service.screening.reading import Reading
from service.screening.words import AMBIGUOUS_NAMES, SURE_NAMES, words

MANY_FIGURES = 3
ALL_NAMES = SURE_NAMES | AMBIGUOUS_NAMES

_AT = r"(?:@|[\[({<]\s?(?:at|apenstaart(?:je)?)\s?[\])}>]|\bapenstaart(?:je)?\b|(?<=\s)at(?=\s))"
_DOT = r"(?:\.|[\[({<]\s?(?:dot|punt)\s?[\])}>]|(?<=\s)(?:punt|dot)(?=\s))"
_ENDING = (
    r"(?:nl|com|be|eu|org|net|info|me|gg|ly|io|tv|de|uk|fr|pl|ro|bg|tr|ru|to|cc|xyz|app|link|site|online|live|onion"
    r"|shop|club|nu|co|ws|ai|vip)"
)
_EMAIL = re.compile(
    rf"(?<![\w.+-])[\w.+-]{{1,64}}+\s{{0,2}}+{_AT}\s{{0,2}}+[\w-]{{1,60}}+\s{{0,2}}+{_DOT}\s{{0,2}}+[a-z]{{2,}}+",
    re.I,
)
_AT_NAME = re.compile(r"(?<![\w.])(?:@\s?(?!\w+\s?,)|\$(?=[a-z]))[\w.]{3,}")
_URLS = (
    re.compile(rf"\bh(?:tt|xx)ps?+\s?:|//[\w-]+\.|\bwww\s?{_DOT}|\bt\.me/|[a-z]\.[a-z]{{2,12}}/\w"),
    re.compile(rf"(?<![\w@.-])[\w-]{{2,60}}+(?:\.[\w-]{{2,60}})*?\.{_ENDING}\b(?![\w-])"),
    re.compile(rf"[\w-][\w-]\s{{1,2}}+(?:punt\s{{1,2}}+{_ENDING}|dot\s{{1,2}}+[a-z]{{2,12}})\b"),
    re.compile(rf"[\w-][\w-]\s?[\[(](?:punt|dot|\.)[\])]\s?{_ENDING}\b"),
)
_PLATFORMS = words("platforms.txt")
_SITES = words("sites.txt")
_PLATFORM = re.compile(rf"\b(?:{'|'.join(sorted(_PLATFORMS, key=len, reverse=True))})\b")
# Behind a platform: a few small words at most, a colon or a word that announces, then a name: `snap: x`.
_SAID = re.compile(
    r"['\"]?(?:\s?(?:[:=]|->)\s?|(?:\s(?:account|profiel|als|is|onder|de|ze|hij|zij|haar|zijn|met|op|te|vinden)\b"
    r"){0,3}+\s?(?:heet|genaamd|gebruikersnaam|bekend|id|naam|vinden\sals)\b(?:\s(?:ze|hij|zij|is|als|onder)\b){0,2}\s?:?\s?"
    r"|\sonder\s(?!valse|dwang|druk|invloed|andere?\b|een|haar|zijn|de\b|het\b|schuil|andermans|meerdere)(?=\w{7}))"
    r"['\"(]?(\w[\w.\-]{3,}+)",
)
# What an account name looks like, where a platform is spoken of: lola.x, kledingkast-vd-zuid, sem04.
_PIECED = re.compile(r"\b[a-z]\w{2,}(?:\.[a-z_]\w+)+\b|\b\w{3,}(?:-\w{2,}){2,}\b|\b(?=\w*[a-z])\w*\d\w*\b")
_CAMEL = re.compile(
    r"\b(?!TikTok|WhatsApp|YouTube|OnlyFans|BeReal|LinkedIn|PlayStation|AliExpress|FaceTime|iPhone)[A-Z][a-z]{2,}[A-Z][a-z]{2,}\w*"
)
_UNDERSCORED = re.compile(r"\b(?=[a-z0-9.]{0,40}_)[\w.]{3,}")
_NUMBERED = re.compile(r"\b([a-z]{3,20}+)(\d{1,6}+)([a-z]?)(?![\w-])")
_MIXED = re.compile(r"\b(?:x{1,3}[._]?\w+[._]?x{1,3}|[a-z]+\d+[a-z]{2,}\w*|\w{3,}xx+\w*)\b")
_HAS_MARK = re.compile(r"[\d_]|xx")
# Words that carry a number by nature.
_COUNTED = words("counted.txt")
_HARMLESS = re.compile(
    r"(?:(?:ps|mp|h|b|a|g|k|v|c|s|n|e)\d{1,4}[a-z]?|\d{1,4}(?:d|g|x|e|de|ste|k|m|cm|mm|km|kg|gr|gram|u|uur|jr|j|jarige?|min"
    r"|euro|eu|pk|gb|mb|mg|ml|cl|cc|[abcdtbghkmv]{1,2}|vmbo\w*|havo|vwo|mavo|mbo|hbo|e?jaars?|tal|ers?|plus))\Z",
)
# What follows a colon in ordinary Dutch.
_AFTER_A_COLON = words("after_a_colon.txt")


def kinds(read: Reading) -> Iterator[Kind]:
    """What a text holds of the online world."""
    rest = read.low
    if "@" in rest or "$" in rest or "at" in read.tokens or "apenstaart" in rest:
        rest, mails = _EMAIL.subn(" ", rest)
        if mails:
            yield Kind.EMAIL
        if _AT_NAME.search(rest):
            yield Kind.HANDLE
    if _may_have_url(rest, read) and any(
        found[0] not in _SITES for url in _URLS for found in url.finditer(rest)
    ):
        yield Kind.URL
    if not _PLATFORMS.isdisjoint(read.tokens) and (_names_an_account(rest) or _CAMEL.search(read.text)):
        yield Kind.HANDLE
    if _HAS_MARK.search(rest):
        if _UNDERSCORED.search(rest):
            yield Kind.HANDLE
        if any(not _is_harmless(one[0]) for one in _MIXED.finditer(rest)) or any(
            _is_numbered_name(one)
            and (len(one[2]) >= MANY_FIGURES and one[0] in read.text or one[1] in ALL_NAMES)
            for one in _NUMBERED.finditer(rest)
        ):
            yield Kind.DOUBTFUL


def _may_have_url(rest: str, read: Reading) -> bool:
    return (
        "//" in rest
        or "www" in rest
        or "p:" in rest
        or not read.tokens.isdisjoint(("punt", "dot"))
        or any(piece[:1].isalpha() or piece[:1] in ("]", ")") for piece in rest.split(".")[1:])
    )


def _names_an_account(text: str) -> bool:
    platform = None
    for platform in _PLATFORM.finditer(text):
        said = _SAID.match(text, platform.end())
        if said and not _is_harmless(said[1]) and said[1] not in _AFTER_A_COLON:
            return True
    return platform is not None and any(not _is_harmless(one[0]) for one in _PIECED.finditer(text))


def _is_harmless(word: str) -> bool:
    numbered = _NUMBERED.match(word)
    return word.isdigit() or bool(_HARMLESS.match(word)) or bool(numbered and not _is_numbered_name(numbered))


def _is_numbered_name(numbered: re.Match[str]) -> bool:
    return numbered[1] not in _COUNTED and not _HARMLESS.match(numbered[0])
