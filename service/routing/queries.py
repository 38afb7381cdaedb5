"""Reading active rule sets and stored decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.agreements.queries import agreements_by_party
from service.caller import Caller
from service.organisations.queries import contact_points_on, get_organisation, organisations_by_id
from service.routing.decide import CompiledRule, compile_rules
from service.routing.guidance import guidance_for, steps_for
from service.routing.guidance_models import NOT_REGISTRABLE, Guidance, Route, RoutePoint
from service.routing.models import RuleSet
from service.routing.rules import RuleSetContent

ACTIVE = "ACTIVE"


@dataclass(frozen=True)
class ActiveRuleSet:
    """A rule set ready to decide; `outcomes` holds what each rule decides as it is stored and told."""

    version: int
    rules: tuple[CompiledRule, ...]
    outcomes: Mapping[str, dict[str, Any]]


async def active_rule_sets(session: AsyncSession) -> Mapping[str, ActiveRuleSet]:
    """The active rule set of each municipality that has one."""
    found: dict[str, ActiveRuleSet] = {}
    for version, content in await active_contents(session):
        rules = compile_rules(content)
        outcomes = {rule.decision.rule: rule.decision.as_json() for rule in rules}
        active = ActiveRuleSet(version, rules, outcomes)
        found.update(dict.fromkeys(content.municipalities, active))
    return found


async def active_contents(session: AsyncSession) -> Sequence[tuple[int, RuleSetContent]]:
    """The active rule sets by version."""
    rows = await session.scalars(select(RuleSet).where(RuleSet.status == ACTIVE).order_by(RuleSet.version))
    return [(row.version, RuleSetContent.model_validate(row.content)) for row in rows]


async def read_guidance(
    session: AsyncSession,
    caller: Caller,
    *,
    type: str,
    organisation_type: str | None,
    municipality: str | None,
) -> Guidance:
    """The guidance for the caller's kind of organisation and place, unless others are named."""
    kind = organisation_type or (await get_organisation(session, caller.organisation_id)).type
    place = municipality or next(iter(caller.municipalities), None)
    registrable = type not in NOT_REGISTRABLE
    route = await _route(session, caller, type, kind, place) if place and registrable else None
    return guidance_for(type, kind, route)


async def _route(
    session: AsyncSession, caller: Caller, type: str, kind: str, municipality: str
) -> Route | None:
    """The way of a signal by the active rules; None where the municipality has none."""
    for version, content in await active_contents(session):
        if municipality in content.municipalities:
            steps = steps_for(type, kind, content.rules)
            point = await _point(session, caller, steps[0].contact_point, municipality)
            return Route(municipality=municipality, rule_set=version, contact_point=point, steps=steps)
    return None


async def _point(session: AsyncSession, caller: Caller, level: str, municipality: str) -> RoutePoint | None:
    """The contact point of the caller's agreement for this level, or the covering regional one."""
    day = clock.local_day(clock.receipt_moment())
    agreement = (await agreements_by_party(session, day)).get(caller.organisation_id)
    serving = [
        point
        for point in await contact_points_on(session, day)
        if municipality in point.municipalities
        and (agreement is None or point.organisation_id in agreement.content.parties)
    ]
    best = sorted(serving, key=lambda point: (point.level != level, point.level != "REGIONAL"))
    if not best:
        return None
    name = (await organisations_by_id(session))[best[0].organisation_id].name
    return RoutePoint(organisation=name, function=best[0].function, phone=best[0].phone, hours=best[0].hours)
