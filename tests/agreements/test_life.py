"""The life of an agreement over HTTP: drafted, activated by somebody else, succeeded, ended; and `/v1/me`."""

import asyncio
import uuid
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.agreements.models import Agreement
from service.clock import local_day
from service.trail import AuditEntry
from service.vocabulary.lists import codes
from tests.support.bodies import person, signal
from tests.support.register import Register, Templates, in_process

Json = dict[str, Any]
TODAY = local_day(datetime.now(UTC))
TITLE = "Werkafspraken"


async def call(
    register: Register,
    method: str,
    path: str,
    body: Any = None,
    *,
    tag: str | None = None,
    actor: str = "staff.one",
    client: str = "administrator",
) -> httpx.Response:
    more = {"if_match": tag} if tag else {}
    headers = await register.headers(client, **more) | {"Actor": actor}
    return await register.http.request(method, f"/v1/agreements{path}", json=body, headers=headers)


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


def faults(answer: httpx.Response) -> set[tuple[str, str]]:
    return {(fault["pointer"], fault["code"]) for fault in answer.json().get("errors", [])}


async def present(register: Register, party: str = "jpt-helmond") -> Json:
    """The version in force of a demo organisation."""
    items = (await call(register, "GET", "?limit=200")).json()["items"]
    its_id = str(register.loaded.organisations[party])
    (found,) = [one for one in items if its_id in one["content"]["parties"] and one["status"] == "IN_FORCE"]
    return dict(found)


async def successor(register: Register, **changes: Any) -> Json:
    """A draft that succeeds the one in force, today, with changes of its content."""
    known = await present(register)
    content = known["content"] | {
        name: changes.pop(name) for name in list(changes) if name in known["content"]
    }
    return {
        "title": TITLE,
        "content": content,
        "validFrom": TODAY.isoformat(),
        "succeeds": known["id"],
    } | changes


async def drafted(register: Register, body: Json) -> Json:
    answer = await call(register, "POST", "", body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/agreements/{answer.json()['id']}"
    return dict(answer.json())


async def activated(register: Register, body: Json) -> Json:
    draft = await drafted(register, body)
    answer = await call(register, "POST", f"/{draft['id']}/activation", tag='"1"', actor="staff.two")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_version_is_drafted_changed_activated_and_succeeds_the_old_one(register: Register) -> None:
    old = await present(register)
    body = await successor(register, validFrom=(TODAY + timedelta(3)).isoformat())
    draft = await drafted(register, body)
    path = f"/{draft['id']}"
    assert (draft["version"], draft["status"], draft["draftedBy"]) == (
        old["version"] + 1,
        "DRAFT",
        "staff.one",
    )
    assert (await call(register, "PUT", path, body)).status_code == 428
    assert (await call(register, "PUT", path, body, tag='"9"')).status_code == 412
    changed = await call(register, "PUT", path, body | {"title": "New"}, tag='"1"', actor="staff.two")
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.json()["title"], changed.json()["draftedBy"]) == ("New", "staff.two")

    stale = await call(register, "POST", f"{path}/activation", tag='"1"')
    authors = [
        await call(register, "POST", f"{path}/activation", tag='"2"', actor=author)
        for author in ("staff.two", "staff.one", "Staff.One")
    ]
    assert [slug(answer) for answer in (stale, *authors)] == ["stale", *["same-person"] * 3]
    active = await call(register, "POST", f"{path}/activation", tag='"2"', actor="staff.three")
    assert (active.status_code, active.json()["status"], active.json()["activatedBy"]) == (
        200,
        "IN_FORCE",
        "staff.three",
    )
    before = (await call(register, "GET", f"/{old['id']}")).json()
    assert (before["status"], before["validUntil"]) == ("IN_FORCE", (TODAY + timedelta(2)).isoformat())
    assert before | {"validUntil": ""} == old | {"validUntil": ""}
    for method, where in (("PUT", path), ("POST", f"{path}/activation")):
        answer = await call(register, method, where, body, tag='"3"', actor="staff.two")
        assert (answer.status_code, slug(answer)) == (409, "not-a-draft")
    acts = [
        (entry.act, entry.actor)
        for entry in await register.rows(AuditEntry)
        if entry.object_id == draft["id"] and entry.outcome == "done"
    ]
    assert acts == [
        ("agreement.draft", "staff.one"),
        ("agreement.change", "staff.two"),
        ("agreement.activate", "staff.three"),
    ]


async def test_intake_follows_a_succession_from_its_first_day(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> None:
    moment = tmp_path / "moment"
    first = TODAY + timedelta(10)

    def set_day(day: date) -> None:
        moment.write_text(datetime.combine(day, time(12), UTC).isoformat())

    set_day(TODAY)
    async with in_process(database_url, templates.loaded[engine], tmp_path, clock_file=moment) as register:
        old = await present(register)
        sending = {
            kind: rule | {"fields": ["indicators", "settings"]}
            for kind, rule in old["content"]["sending"].items()
        }
        terms = {
            "decisionWorkingDays": 1,
            "feedbackWorkingDays": 3,
            "handlingWorkingDays": 20,
            "answerWorkingDays": 4,
            "retentionMonths": 13,
            "feedDays": 30,
        }
        body = await successor(register, sending=sending, terms=terms, validFrom=first.isoformat())
        new = await activated(register, body)
        few = {"primaryType": "LOVERBOY", "observedFrom": "2026-11-01", "settings": ["SCHOOL"]}
        few |= {"municipalities": {"incident": "GM0794"}}
        set_day(first - timedelta(1))
        before = [await register.post_signal(signal()), await register.post_signal(few)]
        set_day(first)
        after = [await register.post_signal(signal()), await register.post_signal(few)]
        me = await register.http.get("/v1/me", headers=await register.headers("jpt-helmond"))

    assert [answer.status_code for answer in before] == [201, 201]
    assert [answer.status_code for answer in after] == [409, 201]
    assert faults(after[0]) >= {("/urgency", "not-agreed"), ("/types", "not-agreed")}
    assert (me.json()["agreement"]["id"], me.json()["agreement"]["terms"]) == (new["id"], terms)
    removal = [date.fromisoformat(answer.json()["removeBy"]) for answer in (before[1], after[1])]
    assert removal[1] > removal[0] + timedelta(25)
    due = [date.fromisoformat(answer.json()["referral"]["dueOn"]) for answer in (before[1], after[1])]
    assert due[1] - first <= timedelta(4) < due[0] - first


async def test_an_ended_agreement_opens_nothing(register: Register) -> None:
    known = await present(register)
    assert (await register.post_signal(signal())).status_code == 201
    ended = await call(register, "POST", f"/{known['id']}/termination")
    assert (ended.status_code, ended.json()["status"], ended.json()["endedBy"]) == (200, "ENDED", "staff.one")

    refused = await register.post_signal(signal())
    assert (refused.status_code, slug(refused)) == (409, "no-agreement")
    me = await register.http.get("/v1/me", headers=await register.headers("jpt-helmond"))
    assert "agreement" not in me.json()
    again = await call(register, "POST", f"/{known['id']}/termination")
    assert (again.status_code, slug(again)) == (409, "ended")


async def test_a_draft_thrown_away_is_never_activated(register: Register) -> None:
    draft = await drafted(register, await successor(register))
    assert (await call(register, "POST", f"/{draft['id']}/termination")).json()["status"] == "ENDED"
    answer = await call(register, "POST", f"/{draft['id']}/activation", tag='"2"', actor="staff.two")
    assert (answer.status_code, slug(answer)) == (409, "not-a-draft")


async def refused_activation(register: Register, body: Json) -> httpx.Response:
    draft = await drafted(register, body)
    before = await present(register)
    answer = await call(register, "POST", f"/{draft['id']}/activation", tag='"1"', actor="staff.two")
    assert answer.status_code == 409, answer.text
    assert await present(register) == before  # nothing moved, the predecessor neither
    return answer


async def test_it_does_not_begin_in_the_past(register: Register) -> None:
    body = await successor(register, validFrom=(TODAY - timedelta(1)).isoformat())
    assert slug(await refused_activation(register, body)) == "begins-in-the-past"


async def test_nobody_is_party_to_two_at_a_time(register: Register) -> None:
    body = await successor(register) | {"succeeds": None}
    answer = await refused_activation(register, body)
    assert (slug(answer), faults(answer)) == ("overlapping-agreements", {("/content/parties", "overlapping")})
    ede = str(register.loaded.organisations["jpt-ede"])
    known = await present(register)
    body = await successor(register, parties=[*known["content"]["parties"], ede])
    answer = await refused_activation(register, body)
    assert [fault["detail"].partition(" ")[0] for fault in answer.json()["errors"]] == [ede]


async def test_every_municipality_has_a_contact_point_among_the_parties(register: Register) -> None:
    known = await present(register)
    served = known["content"]["municipalities"]
    answer = await refused_activation(register, await successor(register, municipalities=[*served, "GM0228"]))
    assert (slug(answer), [fault["detail"] for fault in answer.json()["errors"]]) == (
        "no-contact-point",
        ["GM0228"],
    )


async def test_an_organisation_that_ended_is_no_party(register: Register) -> None:
    body = await successor(register)
    lev = register.loaded.organisations["lev-helmond"]
    path = f"/v1/organisations/{lev}/termination"
    assert (
        await register.http.post(path, headers=await register.headers("administrator"))
    ).status_code == 200
    answer = await refused_activation(register, body)
    assert (slug(answer), [fault["detail"] for fault in answer.json()["errors"]]) == (
        "party-missing",
        [str(lev)],
    )


async def test_of_two_successors_one_is_activated_also_at_once(register: Register) -> None:
    drafts = [await drafted(register, await successor(register)) for _ in range(4)]
    answers = await asyncio.gather(
        *(call(register, "POST", f"/{one['id']}/activation", tag='"1"', actor="staff.two") for one in drafts)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {slug(answer) for answer in answers if answer.status_code == 409} == {"succeeded"}
    assert (await register.post_signal(signal())).status_code == 201


BAD = {
    "nothing": (lambda body: {}, {"/title", "/content", "/validFrom"}),
    "no title": (lambda body: body | {"title": " "}, {"/title"}),
    "a moment": (lambda body: body | {"validFrom": "2027-01-01T00:00:00Z"}, {"/validFrom"}),
    "an end before its beginning": (lambda body: body | {"validUntil": "2020-01-01"}, {"/validUntil"}),
    "unknown parties and predecessor": (
        lambda body: (
            body
            | {"succeeds": str(uuid.uuid4()), "content": body["content"] | {"parties": [str(uuid.uuid4())]}}
        ),
        {"/content/parties", "/succeeds"},
    ),
    "a field that nobody knows": (
        lambda body: body | {"content": body["content"] | {"Qz7canaryXw": 1}},
        {"/content"},
    ),
    "NUL": (
        lambda body: (
            body | {"title": "a\0", "content": body["content"] | {"purposes": [{"nl": "a\0b", "en": "x"}]}}
        ),
        {"/title", "/content/purposes/0/nl"},
    ),
    "mass assignment": (
        lambda body: body | {"status": "IN_FORCE", "version": 9, "draftedBy": "x", "activatedAt": None},
        {"/status", "/version", "/draftedBy", "/activatedAt"},
    ),
}


@pytest.mark.parametrize(("spoil", "pointers"), BAD.values(), ids=BAD.keys())
async def test_a_draft_that_is_not_right_is_not_stored(
    register: Register, spoil: Any, pointers: set[str]
) -> None:
    before = len(await register.rows(Agreement))
    answer = await call(register, "POST", "", spoil(await successor(register)))

    assert (answer.status_code, {pointer for pointer, _ in faults(answer)}) == (400, pointers)
    assert "Qz7canaryXw" not in answer.text
    assert len(await register.rows(Agreement)) == before


async def test_auditors_read_and_change_nothing(register: Register) -> None:
    known = await present(register)
    read = await call(register, "GET", f"/{known['id']}", client="auditor")
    assert (read.status_code, read.json()) == (200, known)
    ended = await call(register, "POST", f"/{known['id']}/termination", client="auditor")
    assert ended.status_code == 403


REPORTERS = (
    "jpt-helmond",
    "police-oost-brabant",
    "school-helmond",
    "lev-helmond",
    "jpt-ede",
    "school-utrecht",
)
SAMPLES: Json = {
    "settings": ["SCHOOL"],
    "urgency": "CONCERN",
    "flag": "RED",
    "observedUntil": "2026-11-02",
    "consent": "NOT_REQUIRED",
    "handlingCodes": ["H0"],
    "source": {"reliability": "A", "information": "1"},
}


@pytest.mark.parametrize("client", REPORTERS)
async def test_me_tells_exactly_what_intake_accepts(register: Register, client: str) -> None:
    """Every type, role and legal basis of the vocabulary, and every field: accepted just when it was told."""
    me = (await register.http.get("/v1/me", headers=await register.headers(client))).json()
    told = me["agreement"]["sending"]
    home = me["client"]["municipalities"][0]
    least = {
        "primaryType": told["types"][0],
        "observedFrom": "2026-11-01",
        "municipalities": {"incident": home},
        "indicators": [{"code": "C02", "observation": "OBSERVED"}],
    }
    accused = person() | {"role": told["roles"][0]}
    accused.pop("municipality")
    tries = [("types", code, least | {"primaryType": code}) for code in codes("signal_type")]
    tries += [
        ("roles", code, least | {"persons": [accused | {"role": code}]}) for code in codes("person_role")
    ]
    tries += [("legalBases", code, least | {"legalBasis": code}) for code in codes("legal_basis")]
    tries += [("fields", name, least | {name: value}) for name, value in SAMPLES.items()]

    wrong = []
    for kind, code, body in tries:
        answer = await register.post_signal(body, client=client)
        if (answer.status_code == 201) != (code in told[kind]):
            wrong.append((kind, code, answer.status_code, answer.text))
    assert wrong == []


async def test_me_tells_each_role_what_is_its_own(register: Register) -> None:
    async def me(client: str) -> Json:
        return dict((await register.http.get("/v1/me", headers=await register.headers(client))).json())

    halt, analyst, coordinator = [
        await me(name) for name in ("halt-oost-brabant", "analyst", "contact-point-ede")
    ]
    assert halt["client"]["actorRequired"]
    assert halt["organisation"]["type"] == "HALT"
    assert "sending" not in halt["agreement"]
    assert [rule["roles"] for rule in halt["agreement"]["receiving"]] == [["SUSPECT"]]
    assert "agreement" not in analyst
    assert "sending" not in coordinator["agreement"]
    assert coordinator["agreement"]["sendingFor"]["SCHOOL"]["note"]
    assert "sendingFor" not in halt["agreement"]
    narrow = {"Authorization": f"Bearer {await register.token('jpt-helmond', 'signals:read')}"}
    assert "sending" not in (await register.http.get("/v1/me", headers=narrow)).json()["agreement"]
