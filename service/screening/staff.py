"""Whether a staff id names nobody: what the header `Actor` may hold beside its form."""

from datetime import date
from functools import lru_cache

from service.screening.guard import screen
from service.screening.kinds import Kind

# What else the guard doubts, an id may well look like: letters and figures of a system.
TELLING = frozenset({Kind.BSN, Kind.IBAN, Kind.PHONE, Kind.NAME})
ANY_DAY = date(2100, 1, 1)  # no date is looked for


@lru_cache(maxsize=4096)
def is_opaque(actor: str) -> bool:
    """No name, and no number that belongs to a person; dots, dashes and underscores part its words."""
    words = actor.replace(".", " ").replace("_", " ").replace("-", " ")
    found = screen(words, ANY_DAY)
    return TELLING.isdisjoint(found)
