"""A school joins: two administrators agree, its system gets in, posts, and is shut out again.

The scene of the demo about access, over the public API like every other. Called by `story`.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.client.connection import Connection, Refused
from service.clock import local_day
from service.demo.screen import Screen

SCHOOL = "Praktijkschool Peelland (fictief)"


async def a_school_joins(clients: dict[str, Connection], screen: Screen) -> None:
    """From an unknown organisation to a receipt, and to the kill switch."""
    screen.chapter(
        "A school joins",
        "One administrator adds the school and drafts a new version of the working agreement. A draft opens "
        "nothing: somebody else puts it into force, and the old version ends.",
    )
    administrator, deputy = clients["administrator"], clients["administrator-deputy"]
    school = await administrator.call("POST", "/v1/organisations", json={"name": SCHOOL, "type": "SCHOOL"})
    agreement = await _agreed(administrator, deputy, school["id"])
    screen.say(
        f"“{agreement['title']}” is in force as version {agreement['version']}, from {agreement['validFrom']}."
    )
    client = await administrator.call(
        "POST",
        "/v1/clients",
        json={
            "name": "practical-school-peelland",
            "organisation": school["id"],
            "role": "reporter",
            "municipalities": ["GM0762"],
        },
    )
    path = f"/v1/clients/{client['id']}"
    secret = await administrator.call("POST", f"{path}/secrets")
    newcomer = Connection(administrator.http, secret["clientId"], secret["clientSecret"])
    screen.opened((await newcomer.get("/v1/me"))["agreement"]["sending"])
    receipt = await newcomer.post_signal(_first_signal(local_day(datetime.now(UTC))))
    screen.receipt(
        SCHOOL, "Its first signal: a pupil of 12–15 is given expensive presents by a stranger.", receipt
    )
    await administrator.call("POST", f"{path}/termination")
    screen.say(f"The client is ended; what it asks next is refused: {await _refusal(newcomer)}.")


async def _agreed(author: Connection, other: Connection, school: str) -> dict[str, Any]:
    """A new version of Helmond's agreement, with the school as a party, in force from today."""
    versions = (await author.get("/v1/agreements", limit=200))["items"]
    present = next(one for one in versions if one["status"] == "IN_FORCE" and "Helmond" in one["title"])
    content = present["content"] | {"parties": [*present["content"]["parties"], school]}
    draft = await author.call(
        "POST",
        "/v1/agreements",
        json={
            "title": present["title"],
            "content": content,
            "validFrom": local_day(datetime.now(UTC)).isoformat(),
            "succeeds": present["id"],
        },
    )
    path = f"/v1/agreements/{draft['id']}/activation"
    return dict(await other.call("POST", path, headers={"If-Match": '"1"'}))


async def _refusal(newcomer: Connection) -> str:
    try:
        await newcomer.get("/v1/me")
    except Refused as refused:
        return str(refused.problem["title"])
    raise RuntimeError("an ended client was let in")


def _first_signal(today: date) -> dict[str, Any]:
    return {
        "primaryType": "LOVERBOY",
        "observedFrom": (today - timedelta(4)).isoformat(),
        "municipalities": {"incident": "GM0762"},
        "settings": ["SCHOOL"],
        "urgency": "CONCERN",
        "indicators": [{"code": "G01", "observation": "OBSERVED"}],
        "persons": [{"pseudonym": "UNKNOWN", "role": "AT_RISK", "ageBand": "A12_15", "gender": "F"}],
        "legalBasis": "JW_REPORT",
    }
