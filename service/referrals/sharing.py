"""What a recipient may see of a signal that is forwarded to it, and whether it may be forwarded at all.

The agreement of the forwarding contact point decides: recipients take part in it, and it names fields and
roles for their type. Handling codes of the sender come first: H2 stops any forwarding, H1 stops it to those
who prosecute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.agreements.queries import agreements_by_party
from service.caller import Caller
from service.organisations.models import Organisation
from service.referrals import errors
from service.referrals.bodies import ForwardingRequest
from service.signals.models import Signal, SignalPerson

PROSECUTING = frozenset({"POLICE", "HALT", "NLA"})


@dataclass(frozen=True)
class Shared:
    """The decision to share, kept with the child: under which agreement, which fields, which persons."""

    agreement_id: UUID
    agreement_version: int
    recipient_type: str
    fields: frozenset[str]
    persons: tuple[int, ...]
    decision_working_days: int

    def as_json(self) -> dict[str, Any]:
        return {
            "agreement": str(self.agreement_id),
            "agreementVersion": self.agreement_version,
            "fields": sorted(self.fields),
            "persons": list(self.persons),
        }


async def shared_with(
    session: AsyncSession,
    caller: Caller,
    signal: Signal,
    persons: Sequence[SignalPerson],
    request: ForwardingRequest,
    day: date,
) -> Shared:
    """What the recipient will see; raises `NoSuchRecipient` or `NobodyToForward`."""
    agreement = (await agreements_by_party(session, day)).get(caller.organisation_id)
    recipient = await session.get(Organisation, request.organisation)
    if agreement is None or recipient is None or recipient.ended_at is not None:
        raise errors.NoSuchRecipient
    rule = next((sharing for sharing in agreement.content.sharing if sharing.to == recipient.type), None)
    if (
        rule is None
        or recipient.id not in agreement.content.parties
        or recipient.id == caller.organisation_id
    ):
        raise errors.NoSuchRecipient
    chosen = tuple(
        person.position
        for person in persons
        if person.role in rule.roles and (request.persons is None or person.position in request.persons)
    )
    if persons and "persons" in rule.fields and not chosen:
        raise errors.NobodyToForward
    return Shared(
        agreement_id=agreement.id,
        agreement_version=agreement.version,
        recipient_type=recipient.type,
        fields=rule.fields,
        persons=chosen,
        decision_working_days=agreement.content.terms.decision_working_days,
    )


def forbidding_codes(codes: Sequence[str], recipient_type: str) -> list[str]:
    """The codes of the sender that stop this forwarding, unless it permits it when asked."""
    stopping = {"H2"} | ({"H1"} if recipient_type in PROSECUTING else set())
    return [code for code in codes if code in stopping]
