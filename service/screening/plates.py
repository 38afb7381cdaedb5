"""Licence plates: Dutch by their fourteen shapes, with dashes, spaces or none, and some of the neighbours'."""

import re
from collections.abc import Iterator

from service.screening.kinds import Kind
from service.screening.reading import Reading

SHORT = 3  # words: a note of more that is all in capitals says nothing by them

_PLATES = frozenset(
    (
        *("XX-99-99", "99-99-XX", "99-XX-99", "XX-99-XX", "XX-XX-99", "99-XX-XX", "99-XXX-9"),
        *(
            "9-XXX-99",
            "XX-999-X",
            "X-999-XX",
            "XXX-99-X",
            "X-99-XXX",
            "9-XX-999",
            "999-XX-9",
            "9-XXX-999",
            "XX-999-XX",
            "XX-99-XXX",
        ),
    )
)
_CLOSED_PLATES = frozenset(plate.replace("-", "") for plate in _PLATES)
_DASHED = re.compile(r"(?<![\w-])[a-z0-9]{1,3}-[a-z0-9]{1,3}-[a-z0-9]{1,3}(?![\w-])")
_SPACED = re.compile(
    r"(?<![\w-])(?=([A-Z0-9]{1,3} [A-Z0-9]{1,3} [A-Z0-9]{1,3})(?![\w-]))"
)  # as on the plate, in capitals
# DU-KL 4821, WGM 38271
_FOREIGN = re.compile(r"\b[A-Z]{1,3}-[A-Z]{1,2}[ -]?\d{1,4}\b|\b(?!IBAN|BSN|KVK|BVH|PV)[A-Z]{2,3} \d{4,5}\b")
_CLOSED = re.compile(r"\b(?=[a-z0-9]*[a-z])(?=[a-z0-9]*\d)[a-z0-9]{6}\b")
_PLATE_SAID = re.compile(
    r"\b(?:kenteken\w*|nummerbord\w*|nummerplaat|plaat|plates?)\b(?:[\s:(-]{1,3}[a-z]{1,12}\b){0,3}?[\s:('\"-]{1,3}"
    r"(?:[a-z]{1,3}[ -]?\d{1,5}|\d{1,3}[ -]?[a-z]{1,3}(?:[ -]?\d|\b(?<!en)(?<!uu)))[a-z0-9 -]{0,5}",
)
_HAS_FIGURE = re.compile(r"\d")


def kinds(read: Reading) -> Iterator[Kind]:
    """Whether a text holds a plate."""
    if _HAS_FIGURE.search(read.low) and _has_plate(read):
        yield Kind.PLATE


def _has_plate(read: Reading) -> bool:
    text, low = read.text, read.low
    return (
        ("-" in low and any(_shape(found[0]) in _PLATES for found in _DASHED.finditer(low)))
        or not (text.isupper() and len(read.tokens) > SHORT)
        and (
            any(_shape(found[1].replace(" ", "-")) in _PLATES for found in _SPACED.finditer(text))
            or _FOREIGN.search(text) is not None
        )
        or any(map(_is_closed, _CLOSED.findall(low)))
        or ("kenteken" in low or "plaat" in low or "nummerbord" in low or "plate" in low)
        and _PLATE_SAID.search(low) is not None
    )


def _shape(plate: str) -> str:
    return "".join("-" if sign == "-" else "9" if sign.isdigit() else "X" for sign in plate)


def _is_closed(found: str) -> bool:
    """A plate without its dashes, in capitals."""
    return _shape(found) in _CLOSED_PLATES
