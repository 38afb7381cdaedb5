"""The shapes of the demo pack, as in `data/pack.json` (camelCase there).

Keeps what an organisation, a contact point, a client, an agreement and the area plan are made of. Called by
`pack`, which reads them, and by whoever loads the demo. Never knows whether the parts fit together.
"""

from collections.abc import Iterable
from datetime import date
from itertools import chain
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from service.access.roles import Role
from service.agreements.fields import OptionalField, SharedField
from service.vocabulary.municipalities import municipalities
from service.vocabulary.types import LegalBasis, MunicipalityCode, OrganisationType, PersonRole, SignalType
from service.wire import Text, Wire


def _of_region(code: str) -> list[str]:
    return [m.code for m in municipalities().values() if m.region == code]


def _expanded(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(chain.from_iterable(_of_region(code) or [code] for code in codes))


Territory = Annotated[tuple[MunicipalityCode, ...], BeforeValidator(_expanded)]
"""Municipalities; in the file a safety region (`VR22`) stands for all of its municipalities."""


class Organisation(Wire):
    key: str
    name: str
    type: OrganisationType
    oin: Annotated[str, Field(pattern=r"^0000000\d{13}$")] | None
    function: str | None
    phone: str | None


class ContactPoint(Wire):
    organisation: str
    level: Literal["LOCAL", "REGIONAL"]
    municipalities: Territory
    function: str
    deputy_function: str
    phone: str
    hours: str


class Client(Wire):
    name: str
    organisation: str
    role: Role
    municipalities: Territory


class Sending(Wire):
    """What is open to the reporters of one organisation type."""

    types: tuple[SignalType, ...]
    roles: tuple[PersonRole, ...]
    legal_bases: tuple[LegalBasis, ...]
    fields: tuple[OptionalField, ...]
    note: bool


class Sharing(Wire):
    """What a contact point may share on, with which organisation type."""

    to: OrganisationType
    fields: tuple[SharedField, ...]
    roles: tuple[PersonRole, ...]
    conditions: Text


class Terms(Wire):
    decision_working_days: int
    feedback_working_days: int
    retention_months: int


class Escalation(Wire):
    after_working_days: int
    to: Literal["DEPUTY", "REGIONAL"]


class Agreement(Wire):
    title: str
    valid_from: date
    valid_until: date | None
    parties: tuple[str, ...]
    municipalities: Territory
    purposes: tuple[Text, ...]
    sending: dict[OrganisationType, Sending]
    sharing: tuple[Sharing, ...]
    terms: Terms
    escalation: tuple[Escalation, ...]


class Areas(Wire):
    """The year whose areas are set, and the municipalities that stand alone in it."""

    year: int
    standing_alone: tuple[MunicipalityCode, ...]


class Pack(Wire):
    comment: str
    organisations: tuple[Organisation, ...]
    contact_points: tuple[ContactPoint, ...]
    clients: tuple[Client, ...]
    agreements: tuple[Agreement, ...]
    rule_sets: tuple[str, ...]
    areas: Areas

    def organisation(self, key: str) -> Organisation:
        """The organisation with this key; LookupError if there is none."""
        found = next((one for one in self.organisations if one.key == key), None)
        if found is None:
            raise LookupError(f"no organisation {key}")
        return found

    def agreement_of(self, organisation: str) -> Agreement:
        """The agreement that an organisation is a party to; LookupError if there is none."""
        found = next((one for one in self.agreements if organisation in one.parties), None)
        if found is None:
            raise LookupError(f"no agreement with {organisation}")
        return found
