"""What the reporter's agreement opens, checked for one submission. Pure.

Types, roles, legal bases and every optional field that is filled in; all faults at once, with their pointers.
"""

from collections.abc import Iterator

from service.agreements.models import Sending
from service.errors import Fault
from service.intake.models import SubmittedSignal

SIGNAL_FIELDS = {
    "types": "types",
    "settings": "settings",
    "indicators": "indicators",
    "urgency": "urgency",
    "flag": "flag",
    "flag_criteria": "flagCriteria",
    "observed_until": "observedUntil",
    "group": "group",
    "source": "source",
    "handling_codes": "handlingCodes",
    "legal_basis": "legalBasis",
    "consent": "consent",
    "partner_reference": "partnerReference",
}
PERSON_FIELDS = {
    "also_known_as": "alsoKnownAs",
    "municipality": "municipality",
    "victim_status": "victimStatus",
}
CODE = "not-agreed"


def not_agreed(signal: SubmittedSignal, sending: Sending) -> list[Fault]:
    """Everything in the submission that the agreement does not open to this kind of organisation."""
    return [
        *_types(signal, sending),
        *_basis(signal, sending),
        *_fields(signal, sending),
        *_persons(signal, sending),
    ]


def _types(signal: SubmittedSignal, sending: Sending) -> Iterator[Fault]:
    if signal.primary_type not in sending.types:
        yield Fault("/primaryType", CODE, "This type is not open.")
    for place, code in enumerate(signal.types or ()):
        if code not in sending.types:
            yield Fault(f"/types/{place}", CODE, "This type is not open.")


def _basis(signal: SubmittedSignal, sending: Sending) -> Iterator[Fault]:
    if signal.legal_basis is not None and signal.legal_basis not in sending.legal_bases:
        yield Fault("/legalBasis", CODE, "This legal basis is not open.")


def _fields(signal: SubmittedSignal, sending: Sending) -> Iterator[Fault]:
    for field, name in SIGNAL_FIELDS.items():
        if getattr(signal, field) and name not in sending.fields:
            yield Fault(f"/{name}", CODE, "This field is not open.")
    if signal.note is not None and not sending.note:
        yield Fault("/note", CODE, "A note is not open.")


def _persons(signal: SubmittedSignal, sending: Sending) -> Iterator[Fault]:
    for place, person in enumerate(signal.persons):
        if person.role not in sending.roles:
            yield Fault(f"/persons/{place}/role", CODE, "This role is not open.")
        for field, name in PERSON_FIELDS.items():
            if getattr(person, field) and name not in sending.fields:
                yield Fault(f"/persons/{place}/{name}", CODE, "This field is not open.")
