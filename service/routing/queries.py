"""Reading rule sets: which hold where and when, and each version with its life."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.errors import NotFound, PreconditionFailed
from service.paging import Page, page_of
from service.routing.decide import CompiledRule, compile_rules
from service.routing.errors import NotADraft
from service.routing.models import RuleSet, RuleSetTurn
from service.routing.reads import RuleSetRead, RuleSetSummary
from service.routing.rules import RuleSetContent
from service.routing.validity import Calendar, Places, Status, Turn

NOTHING_HOLDS = Calendar(())


@dataclass(frozen=True)
class ActiveRuleSet:
    """A rule set ready to decide; `outcomes` holds what each rule decides as it is stored and told."""

    version: int
    rules: tuple[CompiledRule, ...]
    outcomes: Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class RulesOfDay:
    """Every rule set that holds at some moment of a day or later."""

    calendar: Calendar
    sets: Mapping[int, ActiveRuleSet]

    def at(self, municipality: str, moment: datetime) -> ActiveRuleSet | None:
        """The one that holds in a municipality at a moment of that day."""
        version = self.calendar.at(municipality, moment)
        return None if version is None else self.sets[version]


async def calendar_of(session: AsyncSession) -> Calendar:
    """All turns of all municipalities."""
    rows = await session.execute(select(RuleSetTurn.since, RuleSetTurn.municipality, RuleSetTurn.version))
    return Calendar(Turn(*row) for row in rows)


async def rules_of_day(session: AsyncSession, day: date) -> RulesOfDay:
    """What intake decides by on a day."""
    calendar = await calendar_of(session)
    begins = datetime.combine(day, time(), clock.LOCAL)
    contents = await _contents(session, calendar.places_from(begins))
    return RulesOfDay(calendar, {version: _ready(version, content) for version, content in contents.items()})


async def contents_at(session: AsyncSession, moment: datetime) -> Sequence[tuple[int, RuleSetContent]]:
    """The rule sets that hold at a moment, by version, each with the municipalities where it does."""
    return await _where_they_hold(session, (await calendar_of(session)).places_at(moment))


async def contents_from(session: AsyncSession, moment: datetime) -> Sequence[tuple[int, RuleSetContent]]:
    """The same with those that will hold later."""
    return await _where_they_hold(session, (await calendar_of(session)).places_from(moment))


async def rules_at(
    session: AsyncSession, municipality: str, moment: datetime
) -> tuple[int, RuleSetContent] | None:
    """The version that holds in a municipality at a moment, and its content."""
    version = (await calendar_of(session)).at(municipality, moment)
    return None if version is None else (version, content_of(await get_rule_set(session, version)))


async def get_rule_set(session: AsyncSession, version: int) -> RuleSet:
    """One version, whatever became of it; raises `NotFound`."""
    rule_set = await session.get(RuleSet, version)
    if rule_set is None:
        raise NotFound
    return rule_set


async def get_revision(session: AsyncSession, version: int, revision: int) -> RuleSet:
    """One version as the caller has seen it; raises `NotFound`, `PreconditionFailed`."""
    rule_set = await get_rule_set(session, version)
    if rule_set.revision != revision:
        raise PreconditionFailed
    return rule_set


async def get_draft(session: AsyncSession, version: int, revision: int) -> RuleSet:
    """A draft as the caller has seen it; raises `NotFound`, `PreconditionFailed`, `NotADraft`."""
    rule_set = await get_revision(session, version, revision)
    if rule_set.activated_at is not None or rule_set.retired_at is not None:
        raise NotADraft
    return rule_set


async def ever_activated(session: AsyncSession, versions: Collection[int]) -> frozenset[int]:
    """Those of some versions that were activated, whatever became of them."""
    chosen = select(RuleSet.version).where(RuleSet.version.in_(versions), RuleSet.activated_at.is_not(None))
    return frozenset(await session.scalars(chosen))


async def read_rule_set(session: AsyncSession, rule_set: RuleSet) -> RuleSetRead:
    """A version with its rules and its life."""
    told = _told(rule_set, await calendar_of(session), clock.receipt_moment())
    return RuleSetRead(**told, rules=list(content_of(rule_set).rules))


async def rule_sets_page(session: AsyncSession, *, cursor: str | None, limit: int) -> Page[RuleSetSummary]:
    """A page of versions, oldest first."""
    page = await page_of(
        session, select(RuleSet), RuleSet.drafted_at, RuleSet.version, cursor=cursor, limit=limit
    )
    calendar, now = await calendar_of(session), clock.receipt_moment()
    return Page([RuleSetSummary(**_told(row, calendar, now)) for row in page.items], page.next_cursor)


def content_of(rule_set: RuleSet) -> RuleSetContent:
    """What a version says."""
    return RuleSetContent.model_validate(rule_set.content)


def status_of(rule_set: RuleSet, calendar: Calendar, moment: datetime) -> Status:
    """What a version is at a moment."""
    if rule_set.retired_at is not None:
        return "RETIRED"
    return "DRAFT" if rule_set.activated_at is None else calendar.status(rule_set.version, moment)


async def _where_they_hold(session: AsyncSession, places: Places) -> Sequence[tuple[int, RuleSetContent]]:
    contents = await _contents(session, places)
    return [
        (version, content.model_copy(update={"municipalities": tuple(sorted(places[version]))}))
        for version, content in contents.items()
    ]


async def _contents(session: AsyncSession, versions: Iterable[int]) -> Mapping[int, RuleSetContent]:
    rows = await session.scalars(
        select(RuleSet).where(RuleSet.version.in_(versions)).order_by(RuleSet.version)
    )
    return {row.version: content_of(row) for row in rows}


def _ready(version: int, content: RuleSetContent) -> ActiveRuleSet:
    rules = compile_rules(content)
    return ActiveRuleSet(version, rules, {rule.decision.rule: rule.decision.as_json() for rule in rules})


def _told(rule_set: RuleSet, calendar: Calendar, moment: datetime) -> dict[str, Any]:
    if rule_set.activated_at is None:
        calendar = NOTHING_HOLDS  # it may have been activated since the row was read
    begins, ends = calendar.span(rule_set.version)
    holding = [
        code for code in rule_set.content["municipalities"] if calendar.at(code, moment) == rule_set.version
    ]
    return {
        "version": rule_set.version,
        "status": status_of(rule_set, calendar, moment),
        "title": rule_set.content["title"],
        "municipalities": rule_set.content["municipalities"],
        "active_in": holding,
        "succeeds": rule_set.succeeds,
        "drafted_at": rule_set.drafted_at,
        "authors": rule_set.authors,
        "activated_at": rule_set.activated_at,
        "activated_by": rule_set.activated_by,
        "active_from": begins,
        "active_until": ends,
        "retired_at": rule_set.retired_at,
        "retired_by": rule_set.retired_by,
    }
