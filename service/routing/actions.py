"""Activating rule sets and writing decisions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.routing.models import RuleSet, SignalDecision
from service.routing.queries import ACTIVE, active_rule_sets
from service.routing.rules import RuleSetContent
from service.rows import insert_rows
from service.snapshot import reference_changed


class MunicipalityTaken(ValueError):
    """A municipality of the new set has an active one already."""


async def add_active_rule_set(session: AsyncSession, who: trail.Who, content: RuleSetContent) -> RuleSet:
    """The first active rule set of its municipalities; raises `MunicipalityTaken`."""
    if active_rule_set_municipalities := set(await active_rule_sets(session)) & set(content.municipalities):
        raise MunicipalityTaken(", ".join(sorted(active_rule_set_municipalities)))
    latest = (await session.execute(select(func.max(RuleSet.version)))).scalar() or 0
    rule_set = RuleSet(
        version=latest + 1,
        status=ACTIVE,
        content=content.model_dump(mode="json", by_alias=True, exclude_none=True),
        activated_at=clock.now(),
        retired_at=None,
    )
    session.add(rule_set)
    await session.flush()
    await trail.append(
        session, [trail.entry(who, "rule-set.activate", "administration", "rule_set", rule_set.version)]
    )
    await reference_changed(session)
    return rule_set


async def record_decisions(session: AsyncSession, decisions: Sequence[dict[str, Any]]) -> None:
    """Write rows of `decision`; called by intake in its transaction."""
    await insert_rows(session, SignalDecision.__table__, decisions)
