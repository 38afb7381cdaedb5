"""The doors of rule sets: drafted, changed, put in force by somebody else, retired."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from service.caller import Caller
from service.doors import IfMatch, Reading, Recording, Writing, entering, link_next
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.routing import actions, queries, trying
from service.routing.analysis import Analysis
from service.routing.models import RuleSet
from service.routing.reads import Activation, RuleSetDraft, RuleSetPage, RuleSetRead
from service.trail import entry
from service.wire import Wire

router = APIRouter(tags=["routing"], route_class=JsonRoute, redirect_slashes=False)

ReadingRules = Annotated[Caller, entering("rules:read")]
ChangingRules = Annotated[Caller, entering("rules:write")]
RuleSetVersion = Annotated[int, Path(ge=1, le=10**6)]
ALL, ONE = "/rule-sets", "/rule-sets/{version}"


class RuleSetQuery(Wire):
    """Which page."""

    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


@router.get(ALL, operation_id="list_rule_sets", response_model_exclude_none=True)
async def list_rule_sets(
    caller: ReadingRules,
    query: Annotated[RuleSetQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
    response: Response,
) -> RuleSetPage:
    """Every version of every rule set, without its rules, oldest first, page by page."""
    page = await queries.rule_sets_page(session, **dict(query))
    await trail.record(entry(caller.who, "rule-set.search", actions.ACTIVITY))
    link_next(request, response, page.next_cursor)
    return RuleSetPage(items=list(page.items))


@router.post(ALL, operation_id="draft_rule_set", status_code=201, response_model_exclude_none=True)
async def draft_rule_set(
    caller: ChangingRules, draft: RuleSetDraft, session: Writing, response: Response
) -> RuleSetRead:
    """Draft a version; it decides nothing until somebody else activates it."""
    return await drafted(session, await actions.draft_rule_set(session, caller, draft=draft), response)


@router.get(ONE, operation_id="get_rule_set", response_model_exclude_none=True)
async def get_rule_set(
    caller: ReadingRules, version: RuleSetVersion, session: Reading, trail: Recording, response: Response
) -> RuleSetRead:
    """One version with its rules; the ETag is what the next change of a draft shows."""
    rule_set = await told(session, await queries.get_rule_set(session, version), response)
    await trail.record(entry(caller.who, "rule-set.read", actions.ACTIVITY, "rule_set", version))
    return rule_set


@router.put(ONE, operation_id="change_rule_set", response_model_exclude_none=True)
async def change_rule_set(
    caller: ChangingRules,
    version: RuleSetVersion,
    revision: IfMatch,
    draft: RuleSetDraft,
    session: Writing,
    response: Response,
) -> RuleSetRead:
    """Replace a draft. What was activated never changes: it is succeeded."""
    rule_set = await actions.change_rule_set(session, caller, version=version, revision=revision, draft=draft)
    return await told(session, rule_set, response)


class Examined(NamedTuple):
    """Since when a draft is to hold (None: now), and its analysis."""

    since: datetime | None
    analysis: Analysis


async def _examined(
    caller: ChangingRules,
    version: RuleSetVersion,
    revision: IfMatch,
    activation: Activation,
    request: Request,
) -> Examined:
    """The analysis of a draft, made before the transaction begins: it may take seconds."""
    database, bench, since = request.app.state.database, request.app.state.workbench, activation.active_from
    analysis = await trying.analysed_to_activate(
        database, bench, caller, version=version, revision=revision, since=since
    )
    return Examined(since, analysis)


@router.post(f"{ONE}/activation", operation_id="activate_rule_set", response_model_exclude_none=True)
async def activate_rule_set(
    caller: ChangingRules,
    version: RuleSetVersion,
    revision: IfMatch,
    examined: Annotated[Examined, Depends(_examined)],
    session: Writing,
    response: Response,
) -> RuleSetRead:
    """Put a draft in force, now or from a moment to come; not by its author, and not with an error in it."""
    rule_set = await actions.activate_rule_set(
        session, caller, version=version, revision=revision, **examined._asdict()
    )
    return await told(session, rule_set, response)


@router.post(f"{ONE}/retirement", operation_id="retire_rule_set", response_model_exclude_none=True)
async def retire_rule_set(
    caller: ChangingRules, version: RuleSetVersion, revision: IfMatch, session: Writing, response: Response
) -> RuleSetRead:
    """Throw a draft away, take back what is planned, or end what holds where no agreement needs rules any more."""
    rule_set = await actions.retire_rule_set(session, caller, version=version, revision=revision)
    return await told(session, rule_set, response)


async def drafted(session: AsyncSession, rule_set: RuleSet, response: Response) -> RuleSetRead:
    """The answer to a new draft."""
    response.headers["Location"] = f"/v1/rule-sets/{rule_set.version}"
    return await told(session, rule_set, response)


async def told(session: AsyncSession, rule_set: RuleSet, response: Response) -> RuleSetRead:
    """A version on the wire, with its ETag."""
    response.headers["ETag"] = f'"{rule_set.revision}"'
    return await queries.read_rule_set(session, rule_set)
