"""Who calls: what a verified token says about the client, and the person who works there."""

from dataclasses import dataclass
from uuid import UUID

from service.trail import Who


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of an organisation in one role; `actor` is an opaque staff id, `municipalities` its territory."""

    client_id: UUID
    organisation_id: UUID
    role: str
    scopes: frozenset[str]
    municipalities: tuple[str, ...]
    actor: str | None = None
    trace_id: str | None = None

    @property
    def who(self) -> Who:
        """The same, as the trail writes it."""
        return Who(self.client_id, self.organisation_id, self.role, self.actor, self.trace_id)
