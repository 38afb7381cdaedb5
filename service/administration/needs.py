"""What needs an organisation or a contact point: active rules, and open referrals.

Asked before one of them ends or serves less. Told in the words of the register (rule set versions, codes),
never with a count of signals.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.agreements.queries import AgreementInForce
from service.errors import Fault
from service.organisations.models import ContactPoint, ContactPointContent, Organisation
from service.organisations.queries import organisations_by_id
from service.referrals.queries import has_open_referrals
from service.routing.coverage import Post, opens_gap
from service.routing.queries import contents_from
from service.routing.rules import RuleSetContent
from service.routing.surroundings import agreements_on, posts_from
from service.routing.targets import TYPES_OF_TARGET

OPEN_REFERRALS = Fault("", "open-referrals", "Its queue holds referrals that have not ended.")


async def needs_of_organisation(session: AsyncSession, organisation: Organisation, day: date) -> list[Fault]:
    """What would be lost with an organisation."""
    posts = await posts_from(session, day)
    remaining = [post for post in posts if post.organisation_id != organisation.id]
    lost = await _lost_coverage(session, posts, remaining, day)
    if await has_open_referrals(session, organisation_id=organisation.id):
        lost.append(OPEN_REFERRALS)
    return lost + await _lost_targets(session, organisation, day)


async def needs_of_contact_point(
    session: AsyncSession, point: ContactPoint, content: ContactPointContent | None, day: date
) -> list[Fault]:
    """What would be lost if a contact point had another content, or (None) ended."""
    posts = await posts_from(session, day)
    others = [post for post in posts if post.id != point.id]
    if content is None:
        lost = await _lost_coverage(session, posts, others, day)
        if await has_open_referrals(session, contact_point_id=point.id):
            lost.append(OPEN_REFERRALS)
        return lost
    return await _lost_coverage(session, posts, [*others, _as_changed(point, content)], day)


async def _lost_coverage(
    session: AsyncSession, before: Sequence[Post], after: Sequence[Post], day: date
) -> list[Fault]:
    """A fault for each municipality of an active rule set that would be without a contact point earlier."""
    agreements = await agreements_on(session, day)
    return [
        Fault("", "rule-set", f"Rule set {version} needs a contact point ({level}) for {municipality}.")
        for version, content in await contents_from(session, clock.receipt_moment())
        for level in sorted({rule.then.contact_point for rule in content.rules})
        for municipality in content.municipalities
        if any(
            opens_gap(*ours, level, municipality, day)
            for ours in _among(before, after, municipality, agreements)
        )
    ]


def _among(
    before: Sequence[Post], after: Sequence[Post], municipality: str, agreements: Sequence[AgreementInForce]
) -> Iterator[tuple[Sequence[Post], Sequence[Post]]]:
    """All contact points, and for each agreement those of its parties: a signal goes nowhere else."""
    yield before, after
    for agreement in agreements:
        if municipality in agreement.content.municipalities:
            parties = agreement.content.parties
            yield (
                [post for post in before if post.organisation_id in parties],
                [post for post in after if post.organisation_id in parties],
            )


async def _lost_targets(session: AsyncSession, organisation: Organisation, day: date) -> list[Fault]:
    """A fault for each target of an active rule set that nobody else in the agreement could be."""
    known = await organisations_by_id(session)
    lost: dict[tuple[int, str], None] = {}
    rule_sets = await contents_from(session, clock.receipt_moment())
    for agreement in await agreements_on(session, day):
        if organisation.id not in agreement.content.parties:
            continue
        others = agreement.content.parties - {organisation.id}
        types = {known[party].type for party in others if known[party].ended_at is None}
        for version, content in rule_sets:
            if not agreement.content.municipalities.isdisjoint(content.municipalities):
                for target in _targets(content):
                    possible = TYPES_OF_TARGET.get(target, frozenset())
                    if organisation.type in possible and types.isdisjoint(possible):
                        lost[version, target] = None
    return [
        Fault("", "rule-set", f"Rule set {version} suggests {target}; nobody else in the agreement is that.")
        for version, target in lost
    ]


def _targets(content: RuleSetContent) -> list[str]:
    return sorted({suggestion.target for rule in content.rules for suggestion in rule.then.suggest})


def _as_changed(point: ContactPoint, content: ContactPointContent) -> Post:
    return Post(
        point.id,
        point.organisation_id,
        content.level,
        content.municipalities,
        content.valid_from,
        content.valid_until,
    )
