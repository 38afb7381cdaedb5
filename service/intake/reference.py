"""What intake decides by: agreements, organisations, contact points and rule sets of a day, and the key.

Read as one snapshot; see `service.snapshot` for when it is read again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.agreements.queries import AgreementInForce, agreements_by_party
from service.organisations.models import Organisation
from service.organisations.queries import contact_points_on, organisations_by_id
from service.pseudonyms.queries import label_in_use
from service.routing.queries import RulesOfDay, rules_of_day
from service.routing.resolve import ContactPoint, Directory


@dataclass(frozen=True)
class Reference:
    """The reference data of one day."""

    organisations: Mapping[UUID, Organisation]
    agreements: Mapping[UUID, AgreementInForce]
    directory: Directory
    rules: RulesOfDay
    sealing_label: str


async def load_reference(session: AsyncSession, day: date) -> Reference:
    """Read it all in one transaction."""
    points = await contact_points_on(session, day)
    organisations = await organisations_by_id(session)
    for organisation in organisations.values():
        session.expunge(organisation)  # kept longer than the transaction, whose rollback would expire them
    return Reference(
        organisations=organisations,
        agreements=await agreements_by_party(session, day),
        directory=Directory(
            [
                ContactPoint(
                    id=point.id,
                    organisation_id=point.organisation_id,
                    level=point.level,  # type: ignore[arg-type]
                    municipalities=frozenset(point.municipalities),
                    function=point.function,
                    deputy_function=point.deputy_function,
                    phone=point.phone,
                    hours=point.hours,
                )
                for point in points
            ]
        ),
        rules=await rules_of_day(session, day),
        sealing_label=await label_in_use(session),
    )
