"""Every field of a signal, stored where it belongs; a note of a school; a signal that was phoned in."""

from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from service.agreements.models import Agreement
from service.pseudonyms.models import SealedPerson, SealedSignal
from service.pseudonyms.sealing import Sealer
from service.signals.models import Signal, SignalPerson
from tests.support.bodies import person, signal, token
from tests.support.register import Register

NOTE = "Ze wordt na school opgehaald door een oudere jongen en zegt dat het haar neef is."
POLICE = signal(
    primaryType="CRIMINAL_EXPLOITATION",
    types=["CRIMINAL_EXPLOITATION", "RECRUITMENT"],
    flag="NA",
    flagCriteria=[],
    settings=["STREET"],
    legalBasis="WPG_20",
    source={"reliability": "A", "information": "1"},
    handlingCodes=["H0", "H1"],
    partnerReference="BVH/2026-0417",
    persons=[
        person(
            "courier",
            alsoKnownAs=[token("courier", "n")],
            ageBand="A16_17",
            gender="M",
            victimStatus="POSSIBLE",
        ),
        person("courier", role="SUSPECT", ageBand="A16_17", gender="M"),
        person("chief", role="RECRUITER", ageBand="A23_29", gender="M", municipality="UNKNOWN"),
    ],
)


async def test_every_field_of_the_police_is_kept_where_it_belongs(register: Register) -> None:
    posted = await register.post_signal(POLICE, client="police-oost-brabant")
    assert posted.status_code == 201, posted.text
    (row,) = await register.rows(Signal)
    persons = await register.rows(SignalPerson)
    apart = {"persons", "note", "partnerReference"}
    assert row.content == {name: value for name, value in POLICE.items() if name not in apart}
    assert [(one.role, one.municipality, one.victim_status) for one in persons] == [
        ("VICTIM", "GM0794", "POSSIBLE"),
        ("SUSPECT", "GM0794", None),
        ("RECRUITER", "UNKNOWN", None),
    ]
    sealed = await register.rows(SealedPerson)
    subjects = {(one.person_id, one.position): one.subject for one in sealed}
    assert len(sealed) == 4
    assert subjects[persons[0].id, 0] == subjects[persons[1].id, 0]

    read = await register.http.get(
        posted.headers["Location"], headers=await register.headers("police-oost-brabant")
    )
    assert read.json()["partnerReference"] == "BVH/2026-0417"
    assert read.json()["signal"] == row.content
    assert token("courier") not in read.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("source", {"reliability": "A", "information": "1"}), ("handlingCodes", ["H1"]), ("note", NOTE)],
)
async def test_what_is_of_the_police_or_of_schools_is_not_open_to_youth_work(
    register: Register, field: str, value: Any
) -> None:
    answer = await register.post_signal(signal(**{field: value}))
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":not-agreed")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{field}"]
    assert await register.rows(Signal) == []


async def test_a_clean_note_reaches_the_contact_point_sealed_and_nobody_else(register: Register) -> None:
    body = signal(note=NOTE, partnerReference="SCHOOL-12", victimStatus=None) | {"flagCriteria": ["EQUALITY"]}
    del body["victimStatus"]
    posted = await register.post_signal(body, client="school-helmond")
    assert posted.status_code == 201, posted.text
    (sealed,) = await register.rows(SealedSignal)
    assert NOTE.encode() not in sealed.note
    sealer: Sealer = register.app.app.state.sealer  # type: ignore[union-attr,attr-defined]
    assert sealer.open_text(sealed.note, "k1", "note", sealed.signal_id) == NOTE
    (row,) = await register.rows(Signal)
    assert "note" not in row.content

    (referral,) = (await register.claim()).json()["items"]
    assert referral["signal"]["note"] == NOTE
    assert referral["partnerReference"] == "SCHOOL-12"
    accepted = (await register.step(referral, "acceptance")).json()
    recipient = {"organisation": str(register.loaded.organisations["veilig-thuis-zuidoost-brabant"])}
    assert (await register.step(accepted, "forwarding", recipient)).status_code == 200
    (child,) = (await register.claim(client="veilig-thuis-zuidoost-brabant")).json()["items"]
    assert "note" not in child["signal"]
    assert "partnerReference" not in child


async def test_what_is_sealed_of_one_signal_opens_in_no_other_place(register: Register) -> None:
    for _ in range(2):
        await register.post_signal(signal(partnerReference="JPT-1"))
    one, other = await register.rows(SealedSignal)
    sealer: Sealer = register.app.app.state.sealer  # type: ignore[union-attr,attr-defined]
    for column, row in (("note", one), ("partner_reference", other)):
        with pytest.raises(InvalidTag):
            sealer.open_text(one.partner_reference, "k1", column, row.signal_id)


async def test_consensual_sexting_and_green_flags_are_shown_the_way(register: Register) -> None:
    for body in (signal(primaryType="SEXTING_CONSENSUAL", types=None), signal(flag="GREEN")):
        body = {name: value for name, value in body.items() if value is not None}
        answer = await register.post_signal(body)
        assert answer.status_code == 400
        (fault,) = answer.json()["errors"]
        assert fault["code"] == "not-registrable"
        assert "/v1/guidance" in fault["detail"]


async def reported_by(register: Register, name: str) -> str:
    return str(register.loaded.organisations[name])


async def test_a_contact_point_enters_what_was_phoned_in(register: Register) -> None:
    jpt = await reported_by(register, "jpt-helmond")
    posted = await register.post_signal(signal(reportedBy=jpt), client="contact-point-helmond")
    assert posted.status_code == 201, posted.text
    (row,) = await register.rows(Signal)
    assert str(row.organisation_id) == jpt
    assert row.entered_by_id == register.loaded.organisations["contact-point-helmond"]
    assert "reportedBy" not in row.content
    for client in ("jpt-helmond", "contact-point-helmond"):
        read = await register.http.get(posted.headers["Location"], headers=await register.headers(client))
        assert read.status_code == 200
        listed = await register.http.get("/v1/signals", headers=await register.headers(client))
        assert [one["id"] for one in listed.json()["items"]] == [posted.json()["id"]]
    (referral,) = (await register.claim()).json()["items"]
    assert referral["reporter"]["type"] == "JPT"


async def test_a_contact_point_always_says_for_whom_and_under_what_is_open_to_them(
    register: Register,
) -> None:
    nobody = await register.post_signal(signal(), client="contact-point-helmond")
    assert [(one["pointer"], one["code"]) for one in nobody.json()["errors"]] == [("/reportedBy", "required")]
    stranger = await reported_by(register, "contact-point-ede")
    refused = await register.post_signal(signal(reportedBy=stranger), client="contact-point-helmond")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "no-party")
    school = await reported_by(register, "school-helmond")
    not_open = signal(reportedBy=school, primaryType="FORCED_BEGGING", types=["FORCED_BEGGING"])
    answer = await register.post_signal(not_open, client="contact-point-helmond")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/primaryType")
    assert await register.rows(Signal) == []


async def test_a_reference_opens_by_the_agreement(register: Register) -> None:
    (before, *_) = await register.rows(Agreement)
    assert "partnerReference" in before.content["sending"]["JPT"]["fields"]
