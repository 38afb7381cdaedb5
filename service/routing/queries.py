"""Reading active rule sets and stored decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from service.routing.decide import CompiledRule, compile_rules
from service.routing.models import RuleSet, SignalDecision
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


async def decisions_of(
    session: AsyncSession, signal_ids: Sequence[UUID]
) -> Mapping[tuple[UUID, int], dict[str, Any]]:
    """The decision on the wire, by signal and version."""
    rows = await session.scalars(select(SignalDecision).where(SignalDecision.signal_id.in_(signal_ids)))
    return {(row.signal_id, row.signal_version): {"ruleSet": row.rule_set, **row.outcome} for row in rows}
