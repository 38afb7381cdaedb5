"""The shapes of rule sets on the wire: what is drafted and activated, and how a version is told."""

from typing import Annotated

from pydantic import Field, StrictInt

from service.routing.rules import Rule, RuleSetContent
from service.routing.validity import Status
from service.wire import Answer, Distinct, GivenInstant, Instant, Sentence, Wire

Version = Annotated[StrictInt, Field(ge=1, le=10**6)]


class RuleSetDraft(RuleSetContent):
    """A draft. `succeeds` names the versions from which it takes over its municipalities; others it leaves alone."""

    succeeds: Annotated[tuple[Version, ...], Field(max_length=50), Distinct] = ()


class Activation(Wire):
    """From when it holds; left out: from now on."""

    active_from: GivenInstant | None = None


class RuleSetSummary(Answer):
    """A version without its rules. `activeIn` are the municipalities in which it holds now.

    `authors` are all who wrote at the draft: none of them activates it.
    """

    version: int
    status: Status
    title: str
    municipalities: list[str]
    active_in: list[str]
    succeeds: list[int]
    drafted_at: Instant
    authors: list[str]
    activated_at: Instant | None = None
    activated_by: str | None = None
    active_from: Instant | None = None
    active_until: Instant | None = None
    retired_at: Instant | None = None
    retired_by: str | None = None


class RuleSetRead(RuleSetSummary):
    """A version with its rules, in their order."""

    rules: list[Rule]


class RuleSetPage(Answer):
    items: list[RuleSetSummary]


class RuleSetChanges(Answer):
    """What is different in a version since another one, a sentence each."""

    since: int
    version: int
    changes: list[Sentence]
