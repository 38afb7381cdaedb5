"""What keeps a rule set from being drafted, put in force or ended: each refusal with everything that is in the way."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.errors import Fault, Invalid
from service.routing import errors
from service.routing.analysis import Analysis
from service.routing.findings import faults_in
from service.routing.queries import ever_activated
from service.routing.reach import unreached
from service.routing.reads import RuleSetDraft
from service.routing.rules import RuleSetContent
from service.routing.surroundings import agreements_on, circles_on, posts_from
from service.routing.validity import Calendar


async def refuse_unknown(session: AsyncSession, draft: RuleSetDraft) -> None:
    """Raise `Invalid` where a draft succeeds versions that were never activated."""
    known = await ever_activated(session, draft.succeeds)
    unknown = [
        Fault(f"/succeeds/{place}", "unknown", "No version with this number was ever activated.")
        for place, version in enumerate(draft.succeeds)
        if version not in known
    ]
    if unknown:
        raise Invalid(errors=unknown)


def refuse_taken(
    calendar: Calendar, content: RuleSetContent, succeeds: Sequence[int], since: datetime
) -> None:
    """Raise `MunicipalityTaken` where others hold at a moment or are planned; `NotSucceeded` for those that do not."""
    faults, holding = [], set()
    for place, code in enumerate(content.municipalities):
        pointer, holder = f"/municipalities/{place}", calendar.at(code, since)
        holding.add(holder)
        if holder is not None and holder not in succeeds:
            faults.append(Fault(pointer, "taken", f"Rule set {holder} holds there at that moment."))
        if any(turn.version is not None for turn in calendar.coming(code, since)):
            faults.append(
                Fault(pointer, "planned", "A rule set is planned to hold there from then or later.")
            )
    if faults:
        raise errors.MunicipalityTaken(errors=faults)
    idle = [
        Fault(f"/succeeds/{place}", "not-holding", f"Rule set {version} holds in none of the municipalities.")
        for place, version in enumerate(succeeds)
        if version not in holding
    ]
    if idle:
        raise errors.NotSucceeded(errors=idle)


def refuse_followed(calendar: Calendar, content: RuleSetContent, version: int) -> None:
    """Raise `MunicipalityTaken` where another version is planned to succeed one that is planned itself."""
    begins, _ = calendar.span(version)
    faults = [
        Fault(f"/municipalities/{place}", "planned", "A rule set is planned to succeed it there.")
        for place, code in enumerate(content.municipalities)
        if begins is not None and len(calendar.coming(code, begins)) > 1
    ]
    if faults:
        raise errors.MunicipalityTaken(errors=faults)


async def refuse_faulty(
    session: AsyncSession, content: RuleSetContent, since: datetime, analysis: Analysis
) -> None:
    """Raise `FaultyRules` with every error of the rules, and of what they reach on the first day."""
    day = clock.local_day(since)
    circles, posts = await circles_on(session, day), await posts_from(session, day)
    more = unreached(content, circles, posts, day, analysis.examples)
    faults = faults_in([*analysis.findings, *more], content)
    if faults:
        raise errors.FaultyRules(errors=faults)


async def refuse_needed(
    session: AsyncSession, content: RuleSetContent, held: Sequence[str], now: datetime
) -> None:
    """Raise `RulesNeeded` where an agreement in force covers a municipality that is held."""
    agreements = await agreements_on(session, clock.local_day(now))
    agreed = frozenset[str]().union(*(agreement.content.municipalities for agreement in agreements))
    faults = [
        Fault(f"/municipalities/{place}", "agreed", "A working agreement covers it.")
        for place, code in enumerate(content.municipalities)
        if code in held and code in agreed
    ]
    if faults:
        raise errors.RulesNeeded(errors=faults)
