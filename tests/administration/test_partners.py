"""Organisations and contact points over HTTP: the life of each, and what may not end."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from service.organisations.models import ContactPoint, Organisation
from service.referrals.models import Referral
from service.trail import AuditEntry
from tests.support.bodies import CONTACT_POINT, signal
from tests.support.register import Register

Json = dict[str, Any]
NOBODY = str(uuid.UUID(int=1))


async def call(
    register: Register, method: str, path: str, body: Any = None, *, tag: str | None = None
) -> httpx.Response:
    more = {"if_match": tag} if tag else {}
    headers = await register.headers("administrator", **more)
    return await register.http.request(method, f"/v1{path}", json=body, headers=headers)


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition(":")[2])


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in answer.json().get("errors", [])]


async def added(register: Register, **content: Any) -> Json:
    answer = await call(register, "POST", "/organisations", {"name": "School", "type": "SCHOOL"} | content)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def point_of(register: Register, name: str) -> tuple[str, Json]:
    """The path of the first contact point of a demo organisation, and its content."""
    path = f"/organisations/{register.loaded.organisations[name]}/contact-points"
    item = (await call(register, "GET", path)).json()["items"][0]
    names = set(CONTACT_POINT) | {"validUntil"}
    return f"{path}/{item['id']}", {name: value for name, value in item.items() if name in names}


async def test_the_life_of_an_organisation(register: Register) -> None:
    oin = "00000009000000009999"
    first = await call(
        register, "POST", "/organisations", {"name": "School Deurne", "type": "SCHOOL", "oin": oin}
    )
    its_id = first.json()["id"]
    path = f"/organisations/{its_id}"
    assert (first.status_code, first.headers["ETag"]) == (201, '"1"')
    assert first.headers["Location"] == f"/v1{path}"
    assert {name: first.json()[name] for name in ("name", "type", "oin")} == {
        "name": "School Deurne",
        "type": "SCHOOL",
        "oin": oin,
    }
    assert "endedAt" not in first.json()

    stale = await call(register, "PUT", path, {"name": "New"}, tag='"7"')
    nameless = await call(register, "PUT", path, {"name": "New"})
    assert [(one.status_code, slug(one)) for one in (stale, nameless)] == [
        (412, "stale"),
        (428, "if-match-required"),
    ]
    changed = await call(register, "PUT", path, {"name": "New"}, tag='"1"')
    assert (changed.status_code, changed.headers["ETag"], changed.json()["name"]) == (200, '"2"', "New")
    assert "oin" not in changed.json()
    read = await call(register, "GET", path)
    assert (read.json(), read.headers["ETag"]) == (changed.json(), '"2"')

    ended = await call(register, "POST", f"{path}/termination")
    assert (ended.status_code, "endedAt" in ended.json()) == (200, True)
    for method, where, body in (
        ("POST", f"{path}/termination", None),
        ("PUT", path, {"name": "Again"}),
        ("POST", f"{path}/contact-points", CONTACT_POINT),
    ):
        again = await call(register, method, where, body, tag='"3"')
        assert (again.status_code, slug(again)) == (409, "ended")
    client = {"name": "late", "organisation": its_id, "role": "reporter"}
    assert slug(await call(register, "POST", "/clients", client)) == "ended"
    entries = [entry for entry in await register.rows(AuditEntry) if entry.object_id == its_id]
    done = [(entry.act, entry.actor) for entry in entries if entry.outcome == "done"]
    assert done == [
        ("organisation.add", "staff.one"),
        ("organisation.change", "staff.one"),
        ("organisation.read", "staff.one"),
        ("organisation.end", "staff.one"),
    ]


BAD_ORGANISATIONS = {
    "nothing": ({}, {("/name", "required"), ("/type", "required")}),
    "an empty name": ({"name": "", "type": "SCHOOL"}, {("/name", "too-short")}),
    "spaces": ({"name": "  ", "type": "SCHOOL"}, {("/name", "wrong-form")}),
    "NUL": ({"name": "a\0b", "type": "SCHOOL"}, {("/name", "wrong-form")}),
    "a line break": ({"name": "a\nb", "type": "SCHOOL"}, {("/name", "wrong-form")}),
    "too long": ({"name": "x" * 121, "type": "SCHOOL"}, {("/name", "too-long")}),
    "no such type": ({"name": "x", "type": "CLUB"}, {("/type", "unknown-code")}),
    "19 digits": ({"name": "x", "type": "SCHOOL", "oin": "1" * 19}, {("/oin", "wrong-form")}),
    "letters": ({"name": "x", "type": "SCHOOL", "oin": "Qz7canaryXw123456789"}, {("/oin", "wrong-form")}),
    "a number": ({"name": "x", "type": "SCHOOL", "oin": 10**19}, {("/oin", "wrong-type")}),
    "mass assignment": (
        {"name": "x", "type": "SCHOOL", "id": NOBODY, "version": 9, "endedAt": None, "createdAt": "2020"},
        {(f"/{name}", "unknown-field") for name in ("id", "version", "endedAt", "createdAt")},
    ),
}


@pytest.mark.parametrize(("body", "expected"), BAD_ORGANISATIONS.values(), ids=BAD_ORGANISATIONS.keys())
async def test_an_organisation_that_is_not_right_is_not_stored(
    register: Register, body: Json, expected: set[tuple[str, str]]
) -> None:
    before = len(await register.rows(Organisation))
    answer = await call(register, "POST", "/organisations", body)

    assert (answer.status_code, set(faults(answer))) == (400, expected)
    assert "Qz7canaryXw" not in answer.text
    assert len(await register.rows(Organisation)) == before


async def test_the_type_of_an_organisation_does_not_change(register: Register) -> None:
    path = f"/organisations/{(await added(register))['id']}"
    answer = await call(register, "PUT", path, {"name": "x", "type": "POLICE"}, tag='"1"')
    assert (answer.status_code, faults(answer)) == (400, [("/type", "unknown-field")])


async def test_an_oin_belongs_to_one_organisation_also_of_two_at_once(register: Register) -> None:
    body = {"name": "Two", "type": "SCHOOL", "oin": "00000009000000008888"}
    answers = await asyncio.gather(*(call(register, "POST", "/organisations", body) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {slug(answer) for answer in answers if answer.status_code == 409} == {"oin-taken"}


async def test_lists_go_page_by_page(register: Register) -> None:
    seen: list[str] = []
    path = "/organisations?limit=7"
    while True:
        page = await call(register, "GET", path)
        seen += [item["id"] for item in page.json()["items"]]
        if "Link" not in page.headers:
            break
        path = page.headers["Link"].partition(">")[0].removeprefix("</v1")

    assert len(seen) == len(set(seen)) == len(register.loaded.organisations)
    schools = (await call(register, "GET", "/organisations?type=SCHOOL")).json()["items"]
    assert {item["type"] for item in schools} == {"SCHOOL"}


async def test_an_organisation_takes_its_clients_with_it(register: Register) -> None:
    token = await register.token("school-ede")
    headers = {"Authorization": f"Bearer {token}"}
    assert (await register.http.get("/v1/me", headers=headers)).status_code == 200
    path = f"/organisations/{register.loaded.organisations['school-ede']}/termination"
    assert (await call(register, "POST", path)).status_code == 200

    assert (await register.http.get("/v1/me", headers=headers)).status_code == 401
    credential = register.loaded.credentials["school-ede"]
    answer = await register.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(credential.client_id, credential.client_secret),
    )
    assert answer.json()["error"] == "invalid_client"


async def test_what_an_active_rule_suggests_cannot_end(register: Register) -> None:
    path = f"/organisations/{register.loaded.organisations['halt-oost-brabant']}/termination"
    answer = await call(register, "POST", path)

    assert (answer.status_code, slug(answer), faults(answer)) == (409, "still-needed", [("", "rule-set")])
    assert "HALT" in answer.json()["errors"][0]["detail"]
    another = await added(register, name="Halt too", type="HALT")
    assert (await call(register, "POST", path)).status_code == 409  # it is no party to the agreement
    assert (await call(register, "POST", f"/organisations/{another['id']}/termination")).status_code == 200


async def test_a_local_contact_point_may_end_where_a_regional_one_covers_it(register: Register) -> None:
    local, _ = await point_of(register, "contact-point-helmond")
    regional, _ = await point_of(register, "contact-point-brabant-zuidoost")
    assert (await call(register, "POST", f"{local}/termination")).status_code == 200

    receipt = (await register.post_signal(signal())).json()
    assert receipt["referral"]["contactPoint"]["function"] == "Regionaal coördinator"
    refused = await call(register, "POST", f"{regional}/termination")
    assert (refused.status_code, slug(refused)) == (409, "still-needed")
    assert {code for _, code in faults(refused)} == {"rule-set", "open-referrals"}


async def test_an_open_referral_keeps_its_contact_point_and_organisation(register: Register) -> None:
    local, content = await point_of(register, "contact-point-helmond")
    organisation = local.partition("/contact-points")[0]
    await register.post_signal(signal())
    for path in (local, organisation):
        refused = await call(register, "POST", f"{path}/termination")
        assert (refused.status_code, ("", "open-referrals") in faults(refused)) == (409, True)

    (claimed,) = (await register.claim()).json()["items"]
    accepted = (await register.step(claimed, "acceptance")).json()
    await register.step(accepted, "closure", {"outcome": "ADVICE_ONLY"})
    assert (await call(register, "POST", f"{local}/termination")).status_code == 200
    assert (await call(register, "POST", f"{organisation}/termination")).status_code == 200


SHRUNK = {
    "fewer municipalities": ({"municipalities": ["GM0762"]}, 409),
    "an end in sight": ({"validUntil": "2027-06-30"}, 409),
    "a beginning in the future": ({"validFrom": "2027-01-01"}, 409),
    "another phone": ({"phone": "0492-000002"}, 200),
}


@pytest.mark.parametrize(("change", "status"), SHRUNK.values(), ids=SHRUNK.keys())
async def test_a_contact_point_cannot_shrink_below_what_rules_need(
    register: Register, change: Json, status: int
) -> None:
    local, _ = await point_of(register, "contact-point-helmond")
    path, content = await point_of(register, "contact-point-brabant-zuidoost")
    assert (await call(register, "POST", f"{local}/termination")).status_code == 200  # now it is the last one
    answer = await call(register, "PUT", path, content | change, tag='"1"')

    assert answer.status_code == status
    if status == 409:
        assert slug(answer) == "still-needed"
        assert set(faults(answer)) == {("", "rule-set")}


async def test_a_contact_point_is_handed_over_to_another_organisation(register: Register) -> None:
    """The new one begins later and serves from that day; then the old one may end."""
    newcomer = (await added(register, name="Nieuw meldpunt", type="CONTACT_POINT"))["id"]
    path = f"/organisations/{newcomer}/contact-points"
    answer = await call(register, "POST", path, CONTACT_POINT | {"validFrom": "2026-11-01"})
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert (await call(register, "GET", f"{path}/{answer.json()['id']}")).json() == answer.json()
    assert (await call(register, "GET", path)).json() == {"items": [answer.json()]}
    # Not being a party to the agreement, it gets nothing: the old one still does.
    receipt = (await register.post_signal(signal())).json()
    assert receipt["referral"]["contactPoint"]["organisation"] != "Nieuw meldpunt"


BAD_POINTS = {
    "nothing": (dict.fromkeys(CONTACT_POINT), {f"/{name}" for name in CONTACT_POINT}),
    "no municipality": ({"municipalities": []}, {"/municipalities"}),
    "a region": ({"municipalities": ["VR22"]}, {"/municipalities/0"}),
    "no such level": ({"level": "NATIONAL"}, {"/level"}),
    "NUL": ({"hours": "a\0b"}, {"/hours"}),
    "a phone of letters": ({"phone": "call me"}, {"/phone"}),
    "a moment as day": ({"validFrom": "2026-01-01T00:00:00Z"}, {"/validFrom"}),
    "an end before its beginning": ({"validUntil": "2025-12-31"}, {"/validUntil"}),
    "mass assignment": ({"organisation": NOBODY, "endedAt": None}, {"/organisation", "/endedAt"}),
}


@pytest.mark.parametrize(("change", "pointers"), BAD_POINTS.values(), ids=BAD_POINTS.keys())
async def test_a_contact_point_that_is_not_right_is_not_stored(
    register: Register, change: Json, pointers: set[str]
) -> None:
    before = len(await register.rows(ContactPoint))
    path = f"/organisations/{register.loaded.organisations['contact-point-ede']}/contact-points"
    body = {
        name: value
        for name, value in (CONTACT_POINT | change).items()
        if value is not None or name == "endedAt"
    }
    answer = await call(register, "POST", path, body)

    assert (answer.status_code, {pointer for pointer, _ in faults(answer)}) == (400, pointers)
    assert len(await register.rows(ContactPoint)) == before


async def test_a_contact_point_is_found_under_its_own_organisation_alone(register: Register) -> None:
    path, _ = await point_of(register, "contact-point-ede")
    stranger = path.replace(
        str(register.loaded.organisations["contact-point-ede"]),
        str(register.loaded.organisations["contact-point-helmond"]),
    )
    for method, where in (("GET", stranger), ("POST", f"{stranger}/termination")):
        assert (await call(register, method, where)).status_code == 404
    assert (await call(register, "PUT", stranger, CONTACT_POINT, tag='"1"')).status_code == 404


async def test_posts_and_an_ending_at_once_leave_no_referral_with_nobody(register: Register) -> None:
    """Either the ending waits for the posts and is refused, or the posts find another contact point."""
    local, _ = await point_of(register, "contact-point-helmond")
    await register.token("jpt-helmond")
    posts = [register.post_signal(signal()) for _ in range(20)]
    ending = call(register, "POST", f"{local}/termination")
    *receipts, ended = await asyncio.gather(*posts[:10], *posts[10:], ending)

    assert {receipt.status_code for receipt in receipts} == {201}
    gone = {point.id for point in await register.rows(ContactPoint) if point.ended_at is not None}
    assert ended.status_code == (200 if gone else 409)
    assert {referral.contact_point_id for referral in await register.rows(Referral)}.isdisjoint(gone)
