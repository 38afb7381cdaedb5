"""Whether somebody serves a municipality on every day to come. Pure.

A contact point may end, or serve less, as long as no rule that is active loses the last one that would take
its signals; what is asked is when a gap would begin, before the change and after it.
"""

from collections.abc import Iterable, Sequence
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
        if post.last is None:
            return None
        day = max(day, post.last + ONE_DAY)
    return day


def opens_gap(
    before: Sequence[Post], after: Sequence[Post], level: str, municipality: str, day: date
) -> bool:
    """Whether a municipality would be without a contact point earlier than it is now."""
    now, then = (
        first_gap((post for post in posts if post.serves(level, municipality)), day)
        for posts in (before, after)
    )
    return then is not None and (now is None or then < now)
