"""Trying rule sets out: read what is needed, do the work with nothing open, and tell it."""

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.database import Database
from service.errors import Fault, Invalid, NotFound
from service.routing.models import RuleSet
from service.routing.queries import content_of, get_rule_set
from service.routing.reach import unreached
from service.routing.reads import RuleSetChanges
from service.routing.rules import RuleSetContent
from service.routing.surroundings import circles_on, posts_from
from service.routing.trials import (
    AnalysisRead,
    SimulationRead,
    SimulationRequest,
    analysis_told,
    simulation_told,
)
from service.routing.words import changes
from service.routing.workbench import Workbench


async def content_of_version(database: Database, version: int) -> RuleSetContent:
    """What a version says; raises `NotFound`."""
    async with database.reading() as session:
        return content_of(await get_rule_set(session, version))


async def analysed(database: Database, workbench: Workbench, content: RuleSetContent) -> AnalysisRead:
    """The analysis of a content, with what can be reached of it today."""
    analysis = await workbench.analyse(content.rules)
    day = clock.local_day(clock.receipt_moment())
    async with database.reading() as session:
        circles, posts = await circles_on(session, day), await posts_from(session, day)
    return analysis_told(analysis, unreached(content, circles, posts, day, analysis.examples), content)


async def simulated(
    database: Database, workbench: Workbench, version: int, request: SimulationRequest
) -> SimulationRead:
    """What a version would decide otherwise than another; raises `NotFound`, `Invalid`."""
    async with database.reading() as session:
        after = await get_rule_set(session, version)
        before = await _other(session, after, request.against, "/against")
        work = request.simulation(content_of(before), content_of(after))
    return simulation_told(await workbench.run(work), before.version, version)


async def changes_since(session: AsyncSession, version: int, since: int | None) -> RuleSetChanges:
    """What is different in a version since another; raises `NotFound`, `Invalid`."""
    after = await get_rule_set(session, version)
    before = await _other(session, after, since, "query:since")
    told = changes(content_of(before), content_of(after))
    return RuleSetChanges(since=before.version, version=version, changes=told)


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
