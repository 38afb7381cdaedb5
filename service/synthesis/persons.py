"""Synthetic persons, and which reporters know them.

Decides whether a reporter writes about somebody new or about somebody who is known, here or at another type
of reporter. Called by the generator, one `Acquaintance` for each region and population. A person is a number:
there is no name, birth date or BSN behind a pseudonym, and none can be asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from service.scheme import shortened, token
from service.synthesis.calibration import KNOWN_TO_TWO_TYPES

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same about a person at every reporter; `residence` may be UNKNOWN."""

    pseudonym: str
    by_name: str
    age_band: str
    gender: str
    residence: str


def pseudonym(kind: str, seed: int, person: str) -> str:
    """A pseudonym in the form of the key service, of kind `b` (BSN) or `n` (name), from no real value."""
    digest = sha256(f"demo|{kind}|{seed}|{person}".encode()).digest()
    return token(1, kind, shortened(digest))


class Acquaintance:
    """Who of one population is known to which type of reporter, within one region.

    The share known to two types is kept, not drawn: it stays as published however many are reported again.
    Somebody known to two is left in peace after that.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._known: dict[Place, dict[str, list[Person]]] = {}
        self._persons = 0
        self._shared = 0

    def met(self, reporter: str, among: Place, again: float, newcomer: Callable[[], Person]) -> Person:
        """The person reported: with probability `again` somebody known `among` people of the same kind."""
        known = self._known.setdefault(among, {})
        if self._random.random() < again:
            person = self._from_elsewhere(reporter, known) or self._from_here(reporter, known)
            if person is not None:
                return person
        person = newcomer()
        known.setdefault(reporter, []).append(person)
        self._persons += 1
        return person

    def _from_elsewhere(self, reporter: str, known: dict[str, list[Person]]) -> Person | None:
        others = [people for other, people in known.items() if other != reporter and people]
        if not others or self._shared >= KNOWN_TO_TWO_TYPES * self._persons:
            return None
        (people,) = self._random.choices(others, weights=[len(people) for people in others])
        self._shared += 1
        index = self._random.randrange(len(people))
        people[index], people[-1] = people[-1], people[index]
        return people.pop()

    def _from_here(self, reporter: str, known: dict[str, list[Person]]) -> Person | None:
        people = known.get(reporter)
        return self._random.choice(people) if people else None
