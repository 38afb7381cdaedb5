"""Who calls: what a verified token says about the client, and the person who works there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from service.trail import Who

ACTOR_PATTERN = "[A-Za-z0-9._-]{4,64}"
ACTOR_FORM = re.compile(rf"{ACTOR_PATTERN}\Z")
NO_CLIENT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of an organisation in one role; `actor` is an opaque staff id, `municipalities` its territory.

    At the register's own console there is no client and no organisation: both are `NO_CLIENT`.
    """

    client_id: UUID
    organisation_id: UUID
    role: str
    scopes: frozenset[str]
    municipalities: tuple[str, ...]
    actor: str | None = None
    trace_id: str | None = None

    def is_one_of(self, actors: Iterable[str | None]) -> bool:
        """Whether who acts is among some people; upper and lower case do not make two of one."""
        return self.actor is not None and self.actor.casefold() in {
            actor.casefold() for actor in actors if actor is not None
        }

    @property
    def who(self) -> Who:
        """The same, as the trail writes it."""
        if self.client_id == NO_CLIENT:
            return Who(role=self.role, actor=self.actor)
        return Who(self.client_id, self.organisation_id, self.role, self.actor, self.trace_id)
