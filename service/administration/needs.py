"""What needs an organisation or a contact point: rule sets that hold or will, and open referrals.

Asked before one of them ends or serves less. Told in the words of the register (rule set versions, codes),
never with a count of signals.
"""

from dataclasses import replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.errors import Fault
from service.organisations.models import ContactPoint, ContactPointContent, Organisation
from service.referrals.queries import has_open_referrals
from service.routing.coverage import Post
from service.routing.findings import Finding
from service.routing.queries import contents_from
from service.routing.reach import Surroundings, lost, unreached
from service.routing.surroundings import surroundings_from

OPEN_REFERRALS = Fault("", "open-referrals", "Its queue holds referrals that have not ended.")


async def needs_of_organisation(session: AsyncSession, organisation: Organisation, day: date) -> list[Fault]:
    """What would be lost with an organisation."""
    around = await surroundings_from(session, day)
    needs = await _lost(session, around, around.without(organisation.id))
    if await has_open_referrals(session, organisation_id=organisation.id):
        needs.append(OPEN_REFERRALS)
    return needs


async def needs_of_contact_point(
    session: AsyncSession, point: ContactPoint, content: ContactPointContent | None, day: date
) -> list[Fault]:
    """What would be lost if a contact point had another content, or (None) ended."""
    around = await surroundings_from(session, day)
    others = [post for post in around.posts if post.id != point.id]
    changed = [] if content is None else [_as_changed(point, content)]
    needs = await _lost(session, around, replace(around, posts=[*others, *changed]))
    if content is None and await has_open_referrals(session, contact_point_id=point.id):
        needs.append(OPEN_REFERRALS)
    return needs


async def _lost(session: AsyncSession, before: Surroundings, after: Surroundings) -> list[Fault]:
    """A fault for everything that a rule set would not reach any more, or less long."""
    told = {
        Fault("", "rule-set", f"Rule set {version} {_need(finding)}"): None
        for version, content in await contents_from(session, clock.receipt_moment())
        for finding in lost(unreached(content, before), unreached(content, after))
    }
    return list(told)


def _need(finding: Finding) -> str:
    if finding.target is not None:
        return f"suggests {finding.target}; nobody else in the agreement is that."
    return f"needs a contact point ({finding.level}) for {finding.municipality}."


def _as_changed(point: ContactPoint, content: ContactPointContent) -> Post:
    return Post(
        point.id,
        point.organisation_id,
        content.level,
        content.municipalities,
        content.valid_from,
        content.valid_until,
    )
