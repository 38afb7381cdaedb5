"""Trying rule sets out: read what is needed, do the work with nothing open, and tell it."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.caller import Caller
from service.database import Database
from service.errors import Fault, Invalid, NotFound
from service.routing.analysis import Analysis
from service.routing.decide import compile_rules
from service.routing.facts import Facts
from service.routing.models import RuleSet
from service.routing.queries import calendar_of, content_of, get_draft, get_rule_set
from service.routing.reads import RuleSetChanges
from service.routing.refusals import refuse_activation
from service.routing.rules import RuleSetContent
from service.routing.simulation import Simulation, simulate
from service.routing.surroundings import surroundings_on
from service.routing.synthetic import synthetic_signals
from service.routing.trials import (
    AnalysisRead,
    SimulationRead,
    SimulationRequest,
    analysis_told,
    simulation_told,
)
from service.routing.words import changes
from service.routing.workbench import Workbench


async def checked(database: Database, workbench: Workbench, content: RuleSetContent) -> AnalysisRead:
    """The analysis of what is not stored, with what can be reached of it today."""
    return await _analysed(database, workbench, content, _today())


async def analysed(database: Database, workbench: Workbench, version: int) -> AnalysisRead:
    """The analysis of a version, with what can be reached of it today, or on its first day; raises `NotFound`."""
    async with database.reading() as session:
        content = content_of(await get_rule_set(session, version))
        begins, _ = (await calendar_of(session)).span(version)
    day = _today() if begins is None else max(_today(), clock.local_day(begins))
    return await _analysed(database, workbench, content, day)


async def analysed_to_activate(
    database: Database,
    workbench: Workbench,
    caller: Caller,
    *,
    version: int,
    revision: int,
    since: datetime | None,
) -> Analysis:
    """The analysis of a draft that nothing else keeps from holding since a moment (None: now).

    Raises `NotFound`, `PreconditionFailed`, `NotADraft`, and as `refuse_activation`.
    """
    async with database.reading() as session:
        draft = await get_draft(session, version, revision)
        content, calendar = content_of(draft), await calendar_of(session)
        refuse_activation(draft, calendar, caller, since, clock.receipt_moment())
    return await workbench.analyse(content.rules)


async def simulated(
    database: Database, workbench: Workbench, version: int, request: SimulationRequest
) -> SimulationRead:
    """What a version would decide otherwise than another; raises `NotFound`, `Invalid`."""
    async with database.reading() as session:
        after = await get_rule_set(session, version)
        before = await _other(session, after, request.against, "/against")
        work = partial(_simulated, request, content_of(before), content_of(after))
    return simulation_told(await workbench.run(work), before.version, version)


async def changes_since(session: AsyncSession, version: int, since: int | None) -> RuleSetChanges:
    """What is different in a version since another; raises `NotFound`, `Invalid`."""
    after = await get_rule_set(session, version)
    before = await _other(session, after, since, "query:since")
    told = changes(content_of(before), content_of(after))
    return RuleSetChanges(since=before.version, version=version, changes=told)


def _today() -> date:
    return clock.local_day(clock.receipt_moment())


async def _analysed(
    database: Database, workbench: Workbench, content: RuleSetContent, day: date
) -> AnalysisRead:
    analysis = await workbench.analyse(content.rules)
    async with database.reading() as session:
        around = await surroundings_on(session, day)
    return await workbench.run(partial(analysis_told, analysis, content, around))


async def _other(session: AsyncSession, rule_set: RuleSet, named: int | None, pointer: str) -> RuleSet:
    """The version that is named, or the only one that a rule set succeeds."""
    if named is None:
        if len(rule_set.succeeds) != 1:
            told = "It does not succeed exactly one version: name one."
            raise Invalid(errors=[Fault(pointer, "required", told)])
        named = rule_set.succeeds[0]
    try:
        return await get_rule_set(session, named)
    except NotFound:
        raise Invalid(errors=[Fault(pointer, "unknown", "There is no such version.")]) from None


def _simulated(request: SimulationRequest, before: RuleSetContent, after: RuleSetContent) -> Simulation:
    signals: Iterable[Facts] = (one.facts for one in request.signals or ())
    if request.generated is not None:
        signals = synthetic_signals(request.generated.count, request.generated.seed)
    return simulate(signals, compile_rules(before), compile_rules(after))
