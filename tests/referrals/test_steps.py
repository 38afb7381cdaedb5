"""The steps that keep or give back work: renewing a lease, releasing a claim, letting a colleague go on."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import clock
from service.events.models import Event
from service.referrals.models import Referral, ReferralStep
from service.trail import AuditEntry
from tests.referrals.test_queue import ORGANISATION, claimed, everything, referred, second_client, slug
from tests.support.bodies import signal
from tests.support.register import Register

Json = dict[str, Any]
BODIES: dict[str, Any] = {
    "renewal": {"leaseSeconds": 600},
    "release": None,
    "assignment": {"actor": "staff.two"},
}


@pytest.fixture
def jump(register: Register, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock, `jump(seconds=…)` from where it stands; tokens are asked for anew."""
    ahead = timedelta(0)

    def by(**more: float) -> None:
        nonlocal ahead
        ahead += timedelta(**more)
        register.tokens.clear()

    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + ahead)
    return by


async def in_hand(register: Register, step: str) -> Json:
    """A referral on which this step can be taken: claimed, and accepted for an assignment."""
    await referred(register)
    (referral,) = await claimed(register)
    if step == "assignment":
        referral = (await register.step(referral, "acceptance")).json()
    return dict(referral)


def whole(referral: Json, **changes: Any) -> Json:
    """The answer to a step: the referral as it was with these changes, and a line more in its history."""
    move = {key: changes.pop(key) for key in ("move", "actor", "detail") if key in changes}
    status = changes.get("status", referral["status"])
    body = {**referral, **changes, "version": referral["version"] + 1}
    line = {"move": move["move"], "status": status, "actor": "staff.one"} | move
    return {name: value for name, value in body.items() if value is not None} | {
        "history": [*referral["history"], line]
    }


def without_moments(referral: Json) -> Json:
    """Without when the last step was taken."""
    *earlier, last = referral["history"]
    return referral | {"history": [*earlier, {name: last[name] for name in last if name != "at"}]}


async def test_a_renewed_lease_runs_from_now_on(register: Register, jump: Any) -> None:
    referral = await in_hand(register, "renewal")
    jump(seconds=600)
    began = clock.now()
    answer = await register.step(referral, "renewal", {"leaseSeconds": 600})
    renewed = answer.json()

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert without_moments(renewed) == whole(referral, leaseUntil=renewed["leaseUntil"], move="renew")
    lease = datetime.fromisoformat(renewed["leaseUntil"])
    assert began + timedelta(seconds=598) <= lease <= clock.now() + timedelta(seconds=600)
    (row,) = await register.rows(Referral)
    assert (row.renewals, row.lease_until.replace(microsecond=0)) == (1, lease.replace(microsecond=0))

    jump(seconds=500)  # beyond the first lease
    assert (await register.step(renewed, "acceptance")).status_code == 200


async def test_a_renewal_may_be_shorter_than_the_lease_was(register: Register, jump: Any) -> None:
    referral = await in_hand(register, "renewal")
    renewed = (await register.step(referral, "renewal", {"leaseSeconds": 30})).json()
    jump(seconds=31)
    late = await register.step(renewed, "acceptance")
    assert (late.status_code, slug(late)) == (412, "stale")
    assert [one["id"] for one in await claimed(register)] == [referral["id"]]


async def test_a_lease_is_renewed_three_times_and_no_more(register: Register, jump: Any) -> None:
    referral = await in_hand(register, "renewal")
    for _ in range(3):
        jump(seconds=800)
        answer = await register.step(referral, "renewal", {})
        assert answer.status_code == 200
        referral = answer.json()
    before = await everything(register)
    refused = await register.step(referral, "renewal", {})
    assert (refused.status_code, slug(refused)) == (409, "renewed-enough")
    assert await everything(register) == before
    assert [step["move"] for step in referral["history"]] == ["claim", "renew", "renew", "renew"]

    assert (await register.step(referral, "release")).status_code == 200
    (again,) = await claimed(register)
    assert (await register.step(again, "renewal", {})).status_code == 200  # the next claim begins anew


async def test_a_lease_that_is_over_is_not_renewed(register: Register, jump: Any) -> None:
    referral = await in_hand(register, "renewal")
    jump(seconds=901)
    before = await everything(register)
    for step in ("renewal", "release"):
        late = await register.step(referral, step, BODIES[step])
        assert (late.status_code, slug(late)) == (412, "stale"), step
    assert await everything(register) == before


@pytest.mark.parametrize("seconds", [29, 3601, None, "x"])
async def test_a_lease_has_a_length_of_ours(register: Register, seconds: Any) -> None:
    referral = await in_hand(register, "renewal")
    refused = await register.step(referral, "renewal", {"leaseSeconds": seconds})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/leaseSeconds")
    assert [row.renewals for row in await register.rows(Referral)] == [0]


async def test_a_released_referral_is_there_for_a_colleague_with_its_term(register: Register) -> None:
    referral = await in_hand(register, "release")
    answer = await register.step(referral, "release")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert without_moments(answer.json()) == whole(
        referral, status="WAITING", leaseUntil=None, move="release"
    )
    (row,) = await register.rows(Referral)
    assert (row.held_by, row.lease_until, row.renewals, row.decided_at) == (None, None, 0, None)

    late = await register.step(referral, "acceptance")
    assert (late.status_code, slug(late)) == (412, "stale")
    (again,) = await claimed(register, client=await second_client(register, "GM0794"))
    assert (again["id"], again["version"], again["dueOn"]) == (referral["id"], 4, referral["dueOn"])


async def test_an_assigned_referral_is_a_colleagues(register: Register) -> None:
    referral = await in_hand(register, "assignment")
    answer = await register.step(referral, "assignment", {"actor": "staff.two"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"4"')
    assert without_moments(answer.json()) == whole(
        referral, assignedTo="staff.two", move="assign", detail="staff.two"
    )

    async def mine(actor: str) -> list[str]:
        headers = await register.headers(ORGANISATION) | {"Actor": actor}
        page = await register.http.get("/v1/referrals?assignedTo=me", headers=headers)
        return [item["id"] for item in page.json()["items"]]

    assert (await mine("staff.one"), await mine("staff.two")) == ([], [referral["id"]])
    closed = await register.step(answer.json(), "closure", {"outcome": "ADVICE_ONLY"})
    assert closed.json()["assignedTo"] == "staff.two"


@pytest.mark.parametrize(
    "name", ["sanne.devries", "Fatima", "jansen@helmond.nl", "123456782", "a,b", "een naam"]
)
async def test_nothing_is_assigned_to_a_name_and_the_name_is_nowhere(register: Register, name: str) -> None:
    referral = await in_hand(register, "assignment")
    before = await everything(register)
    refused = await register.step(referral, "assignment", {"actor": name})
    assert (refused.status_code, slug(refused)) == (400, "invalid")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/actor"]
    assert name not in refused.text
    assert await everything(register) == before
    assert name not in str(await register.rows(AuditEntry))


@pytest.mark.parametrize("step", BODIES)
async def test_a_step_leaves_its_history_trail_and_event(register: Register, step: str) -> None:
    referral = await in_hand(register, step)
    assert (await register.step(referral, step, BODIES[step])).status_code == 200
    move, detail = {
        "renewal": ("renew", None),
        "release": ("release", None),
        "assignment": ("assign", "staff.two"),
    }[step]

    organisation_id = register.loaded.organisations[ORGANISATION]
    last = max(await register.rows(ReferralStep), key=lambda row: row.version)
    assert (str(last.referral_id), last.version, last.move) == (referral["id"], referral["version"] + 1, move)
    assert (last.organisation_id, last.actor, last.detail) == (organisation_id, "staff.one", detail)
    assert last.status == (await register.rows(Referral))[0].status

    (entry,) = [row for row in await register.rows(AuditEntry) if row.act == f"referral.{move}"]
    credential = register.loaded.credentials[ORGANISATION]
    assert (str(entry.client_id), entry.organisation_id) == (credential.client_id, organisation_id)
    assert (entry.object_type, entry.object_id) == ("referral", referral["id"])
    assert (entry.actor, entry.role, entry.outcome) == ("staff.one", "coordinator", "done")

    (told,) = [row for row in await register.rows(Event) if row.type == f"referral.{move}"]
    assert (told.subject, told.organisation_id) == (f"/v1/referrals/{referral['id']}", organisation_id)
    assert (told.audience, told.municipality) == ("coordinator", "GM0794")


@pytest.mark.parametrize("step", BODIES)
async def test_a_step_shows_the_version_that_it_was_decided_on(register: Register, step: str) -> None:
    referral = await in_hand(register, step)
    before = await everything(register)
    path, version = f"/v1/referrals/{referral['id']}/{step}", referral["version"]
    fences = ((f'"{version - 1}"', 412, "stale"), (f'"{version + 1}"', 412, "stale"))
    for if_match, status, problem in (*fences, (None, 428, "if-match-required"), ("*", 400, "invalid")):
        headers = await register.headers(ORGANISATION) | ({"If-Match": if_match} if if_match else {})
        answer = await register.http.post(path, json=BODIES[step], headers=headers)
        assert (answer.status_code, slug(answer)) == (status, problem), if_match
    assert await everything(register) == before


@pytest.mark.parametrize("step", BODIES)
async def test_what_others_have_is_left_alone(register: Register, step: str) -> None:
    referral = await in_hand(register, step)
    colleague = await second_client(register, "GM0762")  # of the same queue, but not of this place
    before = await everything(register)
    answers = []
    for id_ in (referral["id"], str(uuid.uuid4())):
        for stranger in ("contact-point-brabant-zuidoost", "halt-oost-brabant", colleague):
            answer = await register.step(referral | {"id": id_}, step, BODIES[step], client=stranger)
            answers.append((answer.status_code, answer.json() | {"traceId": ""}))
    assert answers[:3] == answers[3:]
    assert {status for status, _ in answers} == {404}
    assert await everything(register) == before


@pytest.mark.parametrize("step", ["renewal", "release"])
async def test_another_client_of_the_queue_does_not_touch_a_claim(register: Register, step: str) -> None:
    referral = await in_hand(register, step)
    other = await second_client(register, "GM0794")
    before = await everything(register)
    answer = await register.step(referral, step, BODIES[step], client=other)
    assert (answer.status_code, slug(answer)) == (409, "not-the-holder")
    assert await everything(register) == before


@pytest.mark.parametrize("step", BODIES)
async def test_who_does_not_work_a_queue_takes_no_step(register: Register, step: str) -> None:
    referral = await in_hand(register, step)
    path, fence = f"/v1/referrals/{referral['id']}/{step}", {"If-Match": f'"{referral["version"]}"'}
    assert (await register.http.post(path, json=BODIES[step], headers=fence)).status_code == 401
    for client in ("jpt-helmond", "administrator", "analyst", "auditor"):
        headers = await register.headers(client) | fence
        answer = await register.http.post(path, json=BODIES[step], headers=headers)
        assert (answer.status_code, slug(answer)) == (403, "forbidden"), client
    assert [row.version for row in await register.rows(Referral)] == [referral["version"]]


async def test_a_recipient_works_what_was_forwarded_to_it_in_the_same_way(register: Register) -> None:
    assert (await register.post_signal(signal())).status_code == 201
    parent = (await register.step((await claimed(register))[0], "acceptance")).json()
    recipient = "veilig-thuis-zuidoost-brabant"
    to = {"organisation": str(register.loaded.organisations[recipient])}
    assert (await register.step(parent, "forwarding", to)).status_code == 200

    (child,) = await claimed(register, client=recipient)
    for step in ("renewal", "release"):
        answer = await register.step(child, step, BODIES[step], client=recipient)
        assert answer.status_code == 200, step
        child = answer.json()
    (child,) = await claimed(register, client=recipient)
    child = (await register.step(child, "acceptance", client=recipient)).json()
    assigned = await register.step(child, "assignment", BODIES["assignment"], client=recipient)
    assert assigned.json()["assignedTo"] == "staff.two"
    assert [step["move"] for step in assigned.json()["history"]] == [
        "claim",
        "renew",
        "release",
        "claim",
        "accept",
        "assign",
    ]
