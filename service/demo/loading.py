"""Loading the demo pack into a register: organisations, contact points, clients, agreements, rules, areas.

Called by the demo, the tests and the benchmarks on an empty, migrated database. Goes through the rooms' own
actions, so that every row has its trail; production refuses demo data before this is reached.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service.access.actions import add_client, add_secret
from service.agreements.actions import add_agreement
from service.agreements.models import AgreementContent
from service.agreements.queries import DEMO_LOADER
from service.database import Database
from service.organisations.actions import add_contact_point, add_organisation
from service.organisations.models import ContactPointContent, Organisation
from service.routing.actions import add_active_rule_set
from service.routing.defaults import default_rule_sets
from service.statistics.actions import set_areas
from service.statistics.areas import standing_alone
from service.synthesis.models import Agreement, Pack
from service.trail import Who

LOADER = Who(role="administrator", actor=DEMO_LOADER)
SERVING_SINCE = date(2025, 1, 1)
RULES_SINCE = datetime.combine(SERVING_SINCE, time(), UTC)


@dataclass(frozen=True)
class Credential:
    """What a demo client needs to get a token."""

    client_id: str
    client_secret: str
    role: str
    organisation: str
    organisation_id: UUID

    def as_json(self) -> dict[str, str]:
        """As `demo --credentials` writes it."""
        return {
            "clientId": self.client_id,
            "clientSecret": self.client_secret,
            "role": self.role,
            "organisation": self.organisation,
        }


@dataclass(frozen=True)
class Loaded:
    """What the pack became: credentials by client name, organisation ids by key."""

    credentials: dict[str, Credential]
    organisations: dict[str, UUID]


async def load_demo(database: Database, pack: Pack, *, with_areas: bool = False) -> Loaded:
    """Put the pack into an empty register. Areas need a clock that stands before their year."""
    async with database.writing() as session:
        added = {
            one.key: await add_organisation(session, LOADER, **one.model_dump(exclude={"key"}))
            for one in pack.organisations
        }
        organisations = {key: organisation.id for key, organisation in added.items()}
        await _add_contact_points(session, pack, added)
        credentials = await _add_clients(session, pack, organisations)
        for agreement in pack.agreements:
            await add_agreement(
                session,
                LOADER,
                title=agreement.title,
                content=_content(agreement, organisations),
                valid_from=agreement.valid_from,
                valid_until=agreement.valid_until,
            )
        for name in pack.rule_sets:
            await add_active_rule_set(session, LOADER, default_rule_sets()[name], since=RULES_SINCE)
        if with_areas:
            areas = standing_alone(pack.areas.standing_alone, pack.areas.year)
            await set_areas(session, LOADER, year=pack.areas.year, areas=areas)
    return Loaded(credentials, organisations)


async def _add_contact_points(
    session: AsyncSession, pack: Pack, organisations: dict[str, Organisation]
) -> None:
    for point in pack.contact_points:
        told = point.model_dump(mode="json", by_alias=True, exclude={"organisation"})
        content = ContactPointContent.model_validate({**told, "validFrom": SERVING_SINCE})
        await add_contact_point(
            session, LOADER, organisation=organisations[point.organisation], content=content
        )


async def _add_clients(
    session: AsyncSession, pack: Pack, organisations: dict[str, UUID]
) -> dict[str, Credential]:
    credentials = {}
    for one in pack.clients:
        client = await add_client(
            session,
            LOADER,
            organisation_id=organisations[one.organisation],
            name=one.name,
            role=one.role,
            municipalities=one.municipalities,
        )
        _, secret = await add_secret(session, LOADER, client)
        organisation = pack.organisation(one.organisation).name
        credentials[one.name] = Credential(
            str(client.id), secret, one.role, organisation, organisations[one.organisation]
        )
    return credentials


def _content(agreement: Agreement, organisations: dict[str, UUID]) -> AgreementContent:
    """The pack's agreement with ids instead of keys."""
    told: dict[str, Any] = agreement.model_dump(
        mode="json", by_alias=True, exclude={"title", "valid_from", "valid_until", "parties"}
    )
    return AgreementContent.model_validate(
        {**told, "parties": [str(organisations[key]) for key in agreement.parties]}
    )
