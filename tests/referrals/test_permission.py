"""Permission to forward: what a handling code stops, until the reporter permits exactly that."""

from typing import Any

from service.referrals.models import Question, Referral
from tests.support.bodies import person, signal
from tests.support.register import Register
from tests.support.talking import HALT, HELP, LOCAL, OBSERVED, POLICE, Talk, police_talk, refusal, talk

FORBIDDEN = (409, "handling-code-forbids")
INSPECTORATE = "labour-inspectorate-brabant-zuidoost"
FORWARDED_TO = {"HALT": HALT, "VEILIG_THUIS": HELP, "NLA": INSPECTORATE, "POLICE": POLICE}


async def permission(one: Talk, type: str, permitted: bool, **more: Any) -> None:
    asked = await one.ask(kind="PERMISSION", organisationType=type)
    answered = await one.answer(asked, permitted=permitted, **more)
    assert answered.status_code == 201, answered.text
    await one.read()


async def children(register: Register) -> list[Any]:
    return [row for row in await register.rows(Referral) if row.parent_id]


async def test_a_permission_is_asked_and_given_for_one_kind_of_organisation(register: Register) -> None:
    one = await police_talk(register, "H2")
    asked = await one.ask(
        kind="PERMISSION", organisationType="VEILIG_THUIS", text="Mag dit worden doorgezet?"
    )
    assert asked == {
        "id": asked["id"],
        "kind": "PERMISSION",
        "organisationType": "VEILIG_THUIS",
        "text": "Mag dit worden doorgezet?",
        "askedAt": asked["askedAt"],
        "dueOn": asked["dueOn"],
    }
    await one.forward(HELP, refused=FORBIDDEN)
    answered = await one.answer(asked, permitted=True, text="Ja, na overleg.")
    given = asked | {"permitted": True, "answer": "Ja, na overleg."}
    assert answered.json() == given | {"answeredAt": answered.json()["answeredAt"]}
    assert (await one.read())["questions"] == [answered.json()]
    (heard,) = [told["question"] for told in await one.heard() if told["code"] == "F05_NEED_INFO"]
    assert heard == answered.json()

    await one.forward(HALT, refused=FORBIDDEN)
    assert await children(register) == []
    assert (await one.forward(HELP))["status"] == "FORWARDED"
    assert len(await children(register)) == 1


async def test_a_code_stops_forwarding_until_it_is_permitted(register: Register) -> None:
    stopped = [("H1", type) for type in ("HALT", "NLA", "POLICE")] + [("H2", type) for type in FORWARDED_TO]
    for code, type in stopped:
        one = await police_talk(register, code)
        await one.forward(FORWARDED_TO[type], refused=FORBIDDEN)
        await permission(one, type, permitted=True)
        if type == "POLICE":  # nothing forbids it any more; but the police have no queue in the demo
            await one.forward(POLICE, refused=(409, "nobody-there"))
        else:
            assert [child["type"] for child in (await one.forward(FORWARDED_TO[type]))["children"]] == [type]


async def test_h1_lets_help_through_without_a_question(register: Register) -> None:
    one = await police_talk(register, "H1")
    assert (await one.forward(HELP))["status"] == "FORWARDED"
    assert await register.rows(Question) == []


async def test_a_refused_permission_opens_nothing(register: Register) -> None:
    one = await police_talk(register, "H1")
    await permission(one, "HALT", permitted=False)
    await one.forward(HALT, refused=FORBIDDEN)
    assert one.referral["questions"][0]["permitted"] is False
    assert await children(register) == []


async def test_of_several_answers_the_last_counts(register: Register) -> None:
    one = await police_talk(register, "H2")
    await permission(one, "VEILIG_THUIS", permitted=True)
    await permission(one, "VEILIG_THUIS", permitted=False)
    await one.forward(HELP, refused=FORBIDDEN)
    await permission(one, "VEILIG_THUIS", permitted=True)
    assert (await one.forward(HELP))["status"] == "FORWARDED"


async def test_words_alone_permit_nothing(register: Register) -> None:
    one = await police_talk(register, "H1")
    asked = await one.ask(kind="INFORMATION", text="Mag dit naar Halt?")
    assert (await one.answer(asked, text="Ja, dat mag.")).status_code == 201
    await one.read()
    await one.forward(HALT, refused=FORBIDDEN)


async def test_a_corrected_signal_needs_a_permission_of_its_own(register: Register) -> None:
    one = await police_talk(register, "H2")
    open_before = await one.ask(kind="PERMISSION", organisationType="HALT")
    await permission(one, "VEILIG_THUIS", permitted=True)
    persons = [person("victim"), person("suspect", role="SUSPECT", gender="M")]
    body = signal(
        **OBSERVED, legalBasis="WPG_20", handlingCodes=["H2"], persons=persons, urgency="STRUCTURAL"
    )
    headers = await register.headers(POLICE, if_match='"1"')
    path = f"/v1/signals/{one.signal_id}/corrections"
    assert (await register.http.post(path, json=body, headers=headers)).status_code == 201
    await one.read()
    await one.forward(HELP, refused=FORBIDDEN)
    late = await one.answer(open_before, permitted=True)  # it was asked about what the signal said before
    assert refusal(late) == (409, "nobody-asks-any-more")
    await one.forward(HALT, refused=FORBIDDEN)
    await permission(one, "VEILIG_THUIS", permitted=True)
    assert (await one.forward(HELP))["status"] == "FORWARDED"


async def test_a_permission_for_one_signal_opens_no_other(register: Register) -> None:
    first = await police_talk(register, "H2")
    await permission(first, "VEILIG_THUIS", permitted=True)
    second = await police_talk(register, "H2")
    await second.forward(HELP, refused=FORBIDDEN)


async def test_permission_is_not_asked_for_whom_the_agreement_shares_nothing_with(register: Register) -> None:
    one = await talk(register)
    await one.accept()
    for type in ("SCHOOL", "LEV", "JPT"):
        question = {"kind": "PERMISSION", "organisationType": type}
        await one.step("questions", question, refused=(409, "no-such-recipient"))
    assert await register.rows(Question) == []
    assert (await one.read())["version"] == 3


async def test_the_contact_point_cannot_permit_itself(register: Register) -> None:
    one = await police_talk(register, "H2")
    asked = await one.ask(kind="PERMISSION", organisationType="VEILIG_THUIS")
    assert (await one.answer(asked, by=LOCAL, permitted=True)).status_code == 404
    await one.forward(HELP, refused=FORBIDDEN)
