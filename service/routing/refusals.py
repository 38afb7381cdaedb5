"""What keeps a rule set from being drafted, put in force or ended: each refusal with everything that is in the way."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.agreements.queries import agreements_from
from service.caller import Caller
from service.errors import Fault, Invalid
from service.routing import errors
from service.routing.analysis import Analysis
from service.routing.findings import faults_in
from service.routing.models import RuleSet
from service.routing.queries import content_of, ever_activated
from service.routing.reach import unreached
from service.routing.reads import RuleSetDraft
from service.routing.rules import RuleSetContent
from service.routing.surroundings import surroundings_on
from service.routing.validity import Calendar

FURTHEST = timedelta(days=5 * 366)


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


def refuse_activation(
    rule_set: RuleSet, calendar: Calendar, caller: Caller, since: datetime | None, now: datetime
) -> None:
    """Raise what keeps a draft from holding since a moment (None: now), whatever its rules say.

    `AuthorUnknown`, `SamePerson`, `Invalid` for a moment that is far away, `BeginsInThePast`, `MunicipalityTaken`,
    `NotSucceeded`.
    """
    if not rule_set.authors:
        raise errors.AuthorUnknown
    if caller.is_one_of(rule_set.authors):
        raise errors.SamePerson
    if since is not None and since > now + FURTHEST:
        raise Invalid(errors=[Fault("/activeFrom", "too-far", "At most five years from now.")])
    if since is not None and since < now:
        raise errors.BeginsInThePast
    _refuse_taken(calendar, content_of(rule_set), rule_set.succeeds, since or now)


def _refuse_taken(
    calendar: Calendar, content: RuleSetContent, succeeds: Sequence[int], since: datetime
) -> None:
    faults, holding = [], set()
    for place, code in enumerate(content.municipalities):
        pointer, holder = f"/municipalities/{place}", calendar.at(code, since)
        holding.add(holder)
        if holder is not None and holder not in succeeds:
            faults.append(Fault(pointer, "taken", f"Rule set {holder} holds there at that moment."))
        if any(turn.since > since and turn.version is not None for turn in calendar.coming(code, since)):
            faults.append(Fault(pointer, "planned", "A rule set is planned to hold there later on."))
    if faults:
        raise errors.MunicipalityTaken(errors=faults)
    idle = [
        Fault(f"/succeeds/{place}", "not-holding", f"Rule set {version} holds in none of the municipalities.")
        for place, version in enumerate(succeeds)
        if version not in holding
    ]
    if idle:
        raise errors.NotSucceeded(errors=idle)


async def refuse_faulty(
    session: AsyncSession, content: RuleSetContent, since: datetime, analysis: Analysis
) -> None:
    """Raise `FaultyRules` with every error of the rules, and of what they reach on the first day."""
    around = await surroundings_on(session, clock.local_day(since))
    faults = faults_in([*analysis.findings, *unreached(content, around, analysis.examples)], content)
    if faults:
        raise errors.FaultyRules(errors=faults)


async def refuse_retirement(
    session: AsyncSession, rule_set: RuleSet, calendar: Calendar, now: datetime
) -> None:
    """Raise what needs a version that holds or will.

    `RulesNeeded` where a working agreement, of now or later, would be without rules; `MunicipalityTaken` where another
    version is planned to succeed one that is planned itself.
    """
    content, version = content_of(rule_set), rule_set.version
    begins, _ = calendar.span(version)
    agreed: set[str] = set()
    for agreement in await agreements_from(session, clock.local_day(now)):
        agreed |= agreement.content.municipalities
    needed, followed = [], []
    for place, code in enumerate(content.municipalities):
        pointer = f"/municipalities/{place}"
        planned = begins is not None and begins > now
        if code in agreed and calendar.at(code, now) == (None if planned else version):
            needed.append(Fault(pointer, "agreed", "A working agreement covers it."))
        if planned and len(calendar.coming(code, begins or now)) > 1:
            followed.append(Fault(pointer, "planned", "A rule set is planned to succeed it there."))
    if followed:
        raise errors.MunicipalityTaken(errors=followed)
    if needed:
        raise errors.RulesNeeded(errors=needed)
