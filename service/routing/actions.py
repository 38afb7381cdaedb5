"""The life of a rule set: drafted, put in force at a moment by somebody else, succeeded or retired; and decisions.

A version takes its municipalities over from those that it succeeds, from its moment on; what they have besides stays
theirs. Each act waits for every other one and for intake's running groups (`one_at_a_time`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.routing import errors
from service.routing.analysis import Analysis
from service.routing.models import RuleSet, RuleSetTurn, SignalDecision
from service.routing.queries import calendar_of, content_of, get_draft, get_revision, get_rule_set, status_of
from service.routing.reads import RuleSetDraft
from service.routing.refusals import (
    refuse_activation,
    refuse_faulty,
    refuse_retirement,
    refuse_unknown,
)
from service.routing.rules import Rule, RuleSetContent
from service.routing.validity import Calendar
from service.rows import insert_or_change, insert_rows
from service.snapshot import one_at_a_time, reference_changed

ACTIVITY = "administration"


async def draft_rule_set(session: AsyncSession, caller: Caller, *, draft: RuleSetDraft) -> RuleSet:
    """A draft; its author is who acts. Raises `Invalid` where it succeeds what is not there."""
    await one_at_a_time(session)
    await refuse_unknown(session, draft)
    rule_set = await _add(session, draft, draft.succeeds, caller.actor)
    await _record(session, caller.who, "rule-set.draft", rule_set)
    return rule_set


async def change_rule_set(
    session: AsyncSession, caller: Caller, *, version: int, revision: int, draft: RuleSetDraft
) -> RuleSet:
    """Replace a draft, and become an author of it; raises `NotFound`, `PreconditionFailed`, `NotADraft`, `Invalid`."""
    await one_at_a_time(session)
    rule_set = await get_draft(session, version, revision)
    await refuse_unknown(session, draft)
    rule_set.succeeds = list(draft.succeeds)
    await _rewrite(session, caller, rule_set, draft)
    return rule_set


async def draft_successor(
    session: AsyncSession, caller: Caller, *, version: int, rules: Sequence[Rule]
) -> RuleSet:
    """A draft of other rules for the same municipalities, to succeed whatever holds there last.

    Raises `NotFound`, `NotActivated`.
    """
    await one_at_a_time(session)
    before = await get_rule_set(session, version)
    if before.activated_at is None:
        raise errors.NotActivated
    content = content_of(before).model_copy(update={"rules": tuple(rules)})
    holders = (await calendar_of(session)).last_in(content.municipalities)
    rule_set = await _add(session, content, holders, caller.actor)
    await _record(session, caller.who, "rule-set.draft", rule_set)
    return rule_set


async def change_rules(
    session: AsyncSession, caller: Caller, *, version: int, revision: int, rules: Sequence[Rule]
) -> RuleSet:
    """Replace the rules of a draft, and become an author of it; raises as `change_rule_set`."""
    await one_at_a_time(session)
    rule_set = await get_draft(session, version, revision)
    content = content_of(rule_set).model_copy(update={"rules": tuple(rules)})
    await _rewrite(session, caller, rule_set, content)
    return rule_set


async def activate_rule_set(
    session: AsyncSession,
    caller: Caller,
    *,
    version: int,
    revision: int,
    since: datetime | None,
    analysis: Analysis,
) -> RuleSet:
    """Put a draft in force since a moment to come (None: now); `analysis` is that of this revision.

    Raises `NotFound`, `PreconditionFailed`, `NotADraft`, `FaultyRules`, and as `refuse_activation`.
    """
    await one_at_a_time(session)
    rule_set = await get_draft(session, version, revision)
    content, now = content_of(rule_set), clock.receipt_moment()
    refuse_activation(rule_set, await calendar_of(session), caller, since, now)
    await refuse_faulty(session, content, since or now, analysis)
    await _take_turns(session, content.municipalities, since or now, version)
    rule_set.activated_at, rule_set.activated_by = clock.now(), caller.actor
    await _record(session, caller.who, "rule-set.activate", rule_set)
    return rule_set


async def retire_rule_set(session: AsyncSession, caller: Caller, *, version: int, revision: int) -> RuleSet:
    """Throw a draft away, take back what is planned, or end what holds where no agreement needs rules.

    Raises `NotFound`, `PreconditionFailed`, `AlreadyRetired`, `MunicipalityTaken`, `RulesNeeded`.
    """
    await one_at_a_time(session)
    rule_set = await get_revision(session, version, revision)
    calendar, now = await calendar_of(session), clock.receipt_moment()
    status = status_of(rule_set, calendar, now)
    if status == "RETIRED":
        raise errors.AlreadyRetired
    if status != "DRAFT":
        await refuse_retirement(session, rule_set, calendar, now)
        await _give_turns_up(session, rule_set, calendar, now)
    rule_set.retired_at, rule_set.retired_by = clock.now(), caller.actor
    await _record(session, caller.who, "rule-set.retire", rule_set)
    return rule_set


async def add_active_rule_set(
    session: AsyncSession, who: trail.Who, content: RuleSetContent, *, since: datetime
) -> RuleSet:
    """A version that holds without two people, in municipalities that have none: for demo data and tests."""
    if not content.takes_all:
        raise ValueError("a rule set that is active takes every signal")
    rule_set = await _add(session, content, (), who.actor)
    rule_set.activated_at = clock.now()
    await session.flush()
    await _take_turns(session, content.municipalities, since, rule_set.version)
    await _record(session, who, "rule-set.activate", rule_set)
    return rule_set


async def record_decisions(session: AsyncSession, decisions: Sequence[dict[str, Any]]) -> None:
    """Write rows of `decision`; called by intake in its transaction."""
    await insert_rows(session, SignalDecision.__table__, decisions)


async def _add(
    session: AsyncSession, content: RuleSetContent, succeeds: Sequence[int], author: str | None
) -> RuleSet:
    latest = (await session.execute(select(func.max(RuleSet.version)))).scalar() or 0
    rule_set = RuleSet(
        version=latest + 1,
        revision=0,
        content=_json(content),
        succeeds=list(succeeds),
        drafted_at=clock.now(),
        authors=[] if author is None else [author],
    )
    session.add(rule_set)
    return rule_set


def _json(content: RuleSetContent) -> dict[str, Any]:
    told = content.as_json()
    return {name: told[name] for name in ("title", "municipalities", "rules")}


async def _rewrite(session: AsyncSession, caller: Caller, rule_set: RuleSet, content: RuleSetContent) -> None:
    """Give a draft another content, and its authors one who wrote it."""
    rule_set.content = _json(content)
    if caller.actor is not None and caller.actor not in rule_set.authors:
        rule_set.authors = [*rule_set.authors, caller.actor]
    await _record(session, caller.who, "rule-set.change", rule_set)


async def _take_turns(
    session: AsyncSession, municipalities: Sequence[str], since: datetime, version: int | None
) -> None:
    """Let a version (None: none) hold since a moment, in the place of what began at the very same one."""
    if municipalities:
        turn = insert_or_change(session, RuleSetTurn.__table__)
        turn = turn.on_conflict_do_update(
            index_elements=["municipality", "since"], set_={"version": turn.excluded.version}
        )
        rows = [{"municipality": code, "since": since, "version": version} for code in municipalities]
        await session.execute(turn, rows)
    await reference_changed(session)


async def _give_turns_up(session: AsyncSession, rule_set: RuleSet, calendar: Calendar, now: datetime) -> None:
    """What is planned will not be; where a version holds, nothing does from now on."""
    version = rule_set.version
    coming = delete(RuleSetTurn).where(RuleSetTurn.version == version, RuleSetTurn.since > now)
    await session.execute(coming)
    held = [code for code in content_of(rule_set).municipalities if calendar.at(code, now) == version]
    await _take_turns(session, held, now, None)


async def _record(session: AsyncSession, who: trail.Who, act: str, rule_set: RuleSet) -> None:
    rule_set.revision += 1
    await session.flush()
    await trail.append(session, [trail.entry(who, act, ACTIVITY, "rule_set", rule_set.version)])
