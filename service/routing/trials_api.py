"""The doors at which rule sets are tried out: checked, analysed, simulated, compared, taken out and in as a table."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from service.doors import IfMatch, Reading, Recording, Writing
from service.problems import JsonRoute
from service.routing import actions, queries, trying
from service.routing.reads import RuleSetChanges, RuleSetDraft, RuleSetRead
from service.routing.rule_sets_api import ONE, ChangingRules, ReadingRules, RuleSetVersion, drafted, told
from service.routing.rules import Rule
from service.routing.table import from_table, to_table
from service.routing.trials import AnalysisRead, SimulationRead, SimulationRequest
from service.trail import entry
from service.wire import Wire

router = APIRouter(tags=["routing"], route_class=JsonRoute, redirect_slashes=False)

CSV = "text/csv"
TABLE: dict[str, Any] = {CSV: {"schema": {"type": "string"}}}
TABLE_BODY = {"requestBody": {"required": True, "content": TABLE}}


async def _rules_of_table(caller: ChangingRules, request: Request) -> Sequence[Rule]:
    """The rules of a body that is a table; read before a transaction begins."""
    return await asyncio.to_thread(from_table, await request.body())


RulesOfTable = Annotated[Sequence[Rule], Depends(_rules_of_table)]


class ChangesQuery(Wire):
    """Since which version; left out: the one that this one succeeds."""

    since: Annotated[int | None, Query(ge=1, le=10**6)] = None


@router.post("/rule-sets/_check", operation_id="check_rule_set", response_model_exclude_none=True)
async def check_rule_set(
    caller: ChangingRules, draft: RuleSetDraft, trail: Recording, request: Request
) -> AnalysisRead:
    """What the analysis would say of this draft today; nothing is stored."""
    state = request.app.state
    analysis = await trying.checked(state.database, state.workbench, draft)
    await trail.record(entry(caller.who, "rule-set.check", actions.ACTIVITY))
    return analysis


@router.get(f"{ONE}/analysis", operation_id="analyse_rule_set", response_model_exclude_none=True)
async def analyse_rule_set(
    caller: ReadingRules, version: RuleSetVersion, trail: Recording, request: Request
) -> AnalysisRead:
    """What is wrong with a version, exactly, each finding with a signal that shows it; and an example of each rule."""
    state = request.app.state
    analysis = await trying.analysed(state.database, state.workbench, version)
    await trail.record(entry(caller.who, "rule-set.analyse", actions.ACTIVITY, "rule_set", version))
    return analysis


@router.post(f"{ONE}/simulations", operation_id="simulate_rule_set", response_model_exclude_none=True)
async def simulate_rule_set(
    caller: ReadingRules,
    version: RuleSetVersion,
    simulation: SimulationRequest,
    trail: Recording,
    request: Request,
) -> SimulationRead:
    """How many signals a version would decide otherwise than another, and how; never over what is registered."""
    state = request.app.state
    found = await trying.simulated(state.database, state.workbench, version, simulation)
    await trail.record(entry(caller.who, "rule-set.simulate", actions.ACTIVITY, "rule_set", version))
    return found


@router.get(f"{ONE}/changes", operation_id="list_rule_set_changes")
async def list_rule_set_changes(
    caller: ReadingRules,
    version: RuleSetVersion,
    query: Annotated[ChangesQuery, Query()],
    session: Reading,
    trail: Recording,
) -> RuleSetChanges:
    """What is different since another version, in words."""
    found = await trying.changes_since(session, version, query.since)
    await trail.record(entry(caller.who, "rule-set.compare", actions.ACTIVITY, "rule_set", version))
    return found


@router.get(
    f"{ONE}/table",
    operation_id="get_rule_set_table",
    response_class=Response,
    responses={200: {"description": "A row for each rule, in their order", "content": TABLE}},
)
async def get_rule_set_table(
    caller: ReadingRules, version: RuleSetVersion, session: Reading, trail: Recording
) -> Response:
    """The rules of a version for a spreadsheet (CSV, UTF-8)."""
    rule_set = await queries.get_rule_set(session, version)
    table = to_table(queries.content_of(rule_set).rules)
    await trail.record(entry(caller.who, "rule-set.read", actions.ACTIVITY, "rule_set", version))
    name = f'attachment; filename="rule-set-{version}.csv"'
    headers = {"Content-Disposition": name, "ETag": f'"{rule_set.revision}"'}
    return Response(table, headers=headers, media_type=CSV)


@router.post(
    f"{ONE}/table",
    operation_id="draft_rule_set_from_table",
    status_code=201,
    openapi_extra=TABLE_BODY,
    response_model_exclude_none=True,
)
async def draft_rule_set_from_table(
    caller: ChangingRules, version: RuleSetVersion, rules: RulesOfTable, session: Writing, response: Response
) -> RuleSetRead:
    """Draft a version that succeeds this one, for the same municipalities, with the rules of a table."""
    rule_set = await actions.draft_successor(session, caller, version=version, rules=rules)
    return await drafted(session, rule_set, response)


@router.put(
    f"{ONE}/table",
    operation_id="change_rule_set_by_table",
    openapi_extra=TABLE_BODY,
    response_model_exclude_none=True,
)
async def change_rule_set_by_table(
    caller: ChangingRules,
    version: RuleSetVersion,
    revision: IfMatch,
    rules: RulesOfTable,
    session: Writing,
    response: Response,
) -> RuleSetRead:
    """Replace the rules of a draft by those of a table."""
    rule_set = await actions.change_rules(session, caller, version=version, revision=revision, rules=rules)
    return await told(session, rule_set, response)
