"""`screen`: which kinds of personal data a text seems to hold.

Decides by rules alone, in time linear in the length of the text: patterns begin at a word and do not look back
over what they read, and every list is a set.
"""

from datetime import date

from service.screening import names, numbers, online, places, plates
from service.screening.kinds import Kind
from service.screening.reading import reading_of


def screen(text: str, on: date) -> tuple[Kind, ...]:
    """The kinds found in a text that is read on a day, in the order of `Kind`; empty for a clean one.

    The day tells a date of birth from the date of an observation. Cost: linear in the length.
    """
    reading = reading_of(text)
    found = {
        *online.kinds(reading),
        *places.kinds(reading),
        *numbers.kinds(reading, on),
        *plates.kinds(reading),
        *names.kinds(reading),
    }
    return tuple(kind for kind in Kind if kind in found)
