"""Which version of the rules holds in a municipality, at which moment. Pure.

Each municipality has a list of turns: from a moment on a version holds there, until the next turn begins. So there is
never more than one. Called with the turns of the database by the queries, and by the acts that add some.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal

Places = Mapping[int, frozenset[str]]
Status = Literal["DRAFT", "PLANNED", "ACTIVE", "RETIRED"]


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """From a moment on (UTC) a version holds in a municipality; None: no rules hold there any more."""

    since: datetime
    municipality: str
    version: int | None


class Calendar:
    """All turns, past and to come."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self._turns: Mapping[str, list[Turn]] = defaultdict(list)
        for turn in sorted(turns, key=lambda one: one.since):
            self._turns[turn.municipality].append(turn)

    def at(self, municipality: str, moment: datetime) -> int | None:
        """The version that holds in a municipality at a moment."""
        turns = self._turns.get(municipality, ())
        place = bisect_right(turns, moment, key=lambda turn: turn.since)
        return turns[place - 1].version if place else None

    def coming(self, municipality: str, moment: datetime) -> Sequence[Turn]:
        """The turns in a municipality that begin at a moment or later, in their order."""
        turns = self._turns.get(municipality, [])
        return turns[bisect_left(turns, moment, key=lambda turn: turn.since) :]

    def last_in(self, municipalities: Iterable[str]) -> Sequence[int]:
        """The versions that hold in some municipalities when all that is planned has begun."""
        last = (turns[-1].version for code in municipalities if (turns := self._turns.get(code)))
        return sorted({version for version in last if version is not None})

    def places_at(self, moment: datetime) -> Places:
        """The versions that hold somewhere at a moment, and in which municipalities."""
        return _by_version((self.at(municipality, moment), municipality) for municipality in self._turns)

    def places_from(self, moment: datetime) -> Places:
        """The same with those that will later."""
        coming = chain.from_iterable(self.coming(municipality, moment) for municipality in self._turns)
        return _by_version(
            chain(
                ((self.at(municipality, moment), municipality) for municipality in self._turns),
                ((turn.version, turn.municipality) for turn in coming),
            )
        )

    def span(self, version: int) -> tuple[datetime | None, datetime | None]:
        """When a version first holds anywhere, and when it last ceases to (None: it does not)."""
        begins = [turn.since for turns in self._turns.values() for turn in turns if turn.version == version]
        ends = [
            turns[place + 1].since if place + 1 < len(turns) else None
            for turns in self._turns.values()
            for place, turn in enumerate(turns)
            if turn.version == version
        ]
        over = [end for end in ends if end is not None]
        return min(begins, default=None), max(over) if over and len(over) == len(ends) else None

    def status(self, version: int, moment: datetime) -> Status:
        """What a version that was activated is at a moment."""
        begins, ends = self.span(version)
        if begins is None or (ends is not None and ends <= moment):
            return "RETIRED"
        return "ACTIVE" if begins <= moment else "PLANNED"


def _by_version(held: Iterable[tuple[int | None, str]]) -> Places:
    found: dict[int, set[str]] = defaultdict(set)
    for version, municipality in held:
        if version is not None:
            found[version].add(municipality)
    return {version: frozenset(places) for version, places in sorted(found.items())}
