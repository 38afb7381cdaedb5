"""Whether somebody serves a municipality on every day to come. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

ONE_DAY = timedelta(1)


@dataclass(frozen=True, slots=True)
class Post:
    """A contact point as far as coverage goes; `last` None: without an end."""

    id: UUID
    organisation_id: UUID
    level: str
    municipalities: frozenset[str]
    first: date
    last: date | None

    def serves(self, level: str, municipality: str) -> bool:
        """Whether signals for a level come here: a regional one stands in for a local one."""
        return municipality in self.municipalities and self.level in (level, "REGIONAL")


def first_gap(posts: Iterable[Post], day: date) -> date | None:
    """The first day, from `day` on, on which none of the posts is there; None: there is always one."""
    for post in sorted(posts, key=lambda one: one.first):
        if post.first > day:
            return day
        if post.last is None or post.last == date.max:
            return None
        day = max(day, post.last + ONE_DAY)
    return day
