"""What an agreement may say, and which one is in force."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from service.agreements.actions import add_agreement
from service.agreements.errors import OverlappingAgreements
from service.agreements.models import Agreement, AgreementContent, Sending
from service.agreements.queries import agreements_by_party
from service.demo.loading import LOADER
from service.intake.agreement import PERSON_FIELDS, SIGNAL_FIELDS
from service.snapshot import ReferenceVersion
from service.trail import AuditEntry
from tests.support.register import Register

DAY = date(2026, 11, 22)
BEFORE, AFTER = DAY - timedelta(1), DAY + timedelta(1)


def content(**changes: Any) -> dict[str, Any]:
    return {
        "purposes": [{"nl": "Signalen samenbrengen", "en": "Bringing signals together"}],
        "parties": [str(uuid.uuid4())],
        "municipalities": ["GM0794"],
        "sending": {
            "JPT": {
                "types": ["LOVERBOY"],
                "roles": ["VICTIM"],
                "legalBases": ["JW_REPORT"],
                "fields": ["types"],
            }
        },
    } | changes


def sending(**changes: Any) -> dict[str, Any]:
    return {"JPT": content()["sending"]["JPT"] | changes}


def sharing(**changes: Any) -> list[dict[str, Any]]:
    text = {"nl": "Als het helpt", "en": "If it helps"}
    return [{"to": "HALT", "fields": ["persons"], "roles": ["SUSPECT"], "conditions": text} | changes]


REFUSED = {
    "no purpose": content(purposes=[]),
    "a purpose in one language": content(purposes=[{"nl": "Signalen"}]),
    "a purpose without words": content(purposes=[{"nl": "", "en": ""}]),
    "no parties": content(parties=[]),
    "a party that is no id": content(parties=["jpt-helmond"]),
    "no municipalities": content(municipalities=[]),
    "a municipality that does not exist": content(municipalities=["GM9999"]),
    "a region among municipalities": content(municipalities=["VR22"]),
    "UNKNOWN among municipalities": content(municipalities=["UNKNOWN"]),
    "an organisation type that does not exist": content(sending={"CLUB": sending()["JPT"]}),
    "a type that does not exist": content(sending=sending(types=["STREET"])),
    "a type that is no signal": content(sending=sending(types=["SEXTING_CONSENSUAL"])),
    "a role that does not exist": content(sending=sending(roles=["CHILD"])),
    "a ground that does not exist": content(sending=sending(legalBases=["BECAUSE"])),
    "a field that does not exist": content(sending=sending(fields=["score"])),
    "a required field among the optional": content(sending=sending(fields=["primaryType"])),
    "no fields said": content(sending={"JPT": {"types": [], "roles": [], "legalBases": []}}),
    "sharing with nobody": content(sharing=sharing(to="NOBODY")),
    "sharing without conditions": content(sharing=[{"to": "HALT", "fields": [], "roles": []}]),
    "a term of no days": content(terms={"decisionWorkingDays": 0}),
    "a term of 31 days": content(terms={"decisionWorkingDays": 31}),
    "no retention": content(terms={"retentionMonths": 0}),
    "more than two years": content(terms={"retentionMonths": 25}),
    "a ladder to nobody": content(escalation=[{"afterWorkingDays": 1, "to": "MAYOR"}]),
    "a ladder that begins before the term": content(escalation=[{"afterWorkingDays": -1, "to": "DEPUTY"}]),
    "an unknown field": content(score=1),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_an_agreement_cannot_say(body: dict[str, Any]) -> None:
    AgreementContent.model_validate(content(sharing=sharing()))
    with pytest.raises(ValidationError):
        AgreementContent.model_validate(body)


def test_terms_have_the_defaults_of_the_design() -> None:
    agreement = AgreementContent.model_validate(content())

    assert agreement.terms.decision_working_days == 5
    assert agreement.terms.retention_months == 12
    assert (agreement.sharing, agreement.escalation) == ([], [])
    assert agreement.sending["JPT"].note is False


def test_every_field_that_can_be_opened_is_checked_by_intake() -> None:
    openable = set(Sending.model_fields["fields"].annotation.__args__[0].__args__)  # type: ignore[union-attr]

    assert {*SIGNAL_FIELDS.values(), *PERSON_FIELDS.values()} == openable


VALIDITY = {
    "from today": (DAY, None, True),
    "until today": (BEFORE, DAY, True),
    "today alone": (DAY, DAY, True),
    "from tomorrow": (AFTER, None, False),
    "until yesterday": (BEFORE, BEFORE, False),
}


@pytest.mark.parametrize(("since", "until", "in_force"), VALIDITY.values(), ids=VALIDITY.keys())
async def test_an_agreement_is_in_force_from_its_first_to_its_last_day(
    register: Register, since: date, until: date | None, in_force: bool
) -> None:
    party = register.loaded.organisations["regional-bureau"]  # a party to nothing yet
    body = AgreementContent.model_validate(content(parties=[str(party)]))
    async with register.database.writing() as session:
        assert party not in await agreements_by_party(session, DAY)
        before = (await session.execute(select(ReferenceVersion.version))).scalar_one()
        added = await add_agreement(
            session, LOADER, title="Try", content=body, valid_from=since, valid_until=until
        )
        found = await agreements_by_party(session, DAY)
        after = (await session.execute(select(ReferenceVersion.version))).scalar_one()

    assert (party in found) == in_force
    if in_force:
        assert (found[party].id, found[party].content) == (added.id, body)
    assert after == before + 1  # every process reads it from its next transaction on
    assert [row.title for row in await register.rows(Agreement) if row.id == added.id] == ["Try"]
    entries = [entry for entry in await register.rows(AuditEntry) if entry.object_id == str(added.id)]
    assert [(entry.act, entry.role, entry.actor) for entry in entries] == [
        ("agreement.add", "administrator", "demo-loader")
    ]


async def test_nobody_takes_part_in_two_agreements_at_a_time(register: Register) -> None:
    """The pack's agreements are in force since 2025 without an end."""
    parties = [str(register.loaded.organisations["jpt-helmond"])]
    body = AgreementContent.model_validate(content(parties=parties))
    with pytest.raises(OverlappingAgreements):
        async with register.database.writing() as session:
            await add_agreement(session, LOADER, title="Twice", content=body, valid_from=date(2026, 1, 1))
    async with register.database.writing() as session:
        until = date(2024, 12, 31)
        await add_agreement(
            session, LOADER, title="Before", content=body, valid_from=date(2024, 1, 1), valid_until=until
        )
