"""Rule sets over HTTP: bodies to draft from, and who calls as whom."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from service.routing.defaults import default_rule_sets
from tests.support.register import Register

Json = dict[str, Any]
AUTHOR, OTHER = "staff.author", "staff.other"
WHY = {"nl": "Daarom.", "en": "Therefore."}
HELMOND, EDE, UTRECHT = 1, 2, 3  # the versions of the demo pack


def rule(name: str, when: Json, **outcome: Any) -> Json:
    then = {"contactPoint": "LOCAL", "priority": "NORMAL"} | outcome
    return {"name": name, "when": when, "then": then, "why": WHY, "basis": "a test"}


def rule_set(*rules: Json, **changes: Any) -> Json:
    """A draft for Helmond that succeeds the set of the demo pack, with a catch-all at the end."""
    return {
        "title": "Regels voor Helmond",
        "municipalities": list(default_rule_sets()["helmond"].municipalities),
        "rules": [*rules, rule("every-other-signal", {})],
        "succeeds": [HELMOND],
    } | changes


def helmond(**changes: Any) -> Json:
    """The set of the demo pack as a draft that succeeds it."""
    return deepcopy(default_rule_sets()["helmond"].as_json()) | {"succeeds": [HELMOND]} | changes


def wire(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def in_days(days: float) -> str:
    return wire(datetime.now(UTC).replace(microsecond=0) + timedelta(days))


class Rules:
    """Calls by an administrator of the demo."""

    def __init__(self, register: Register) -> None:
        self.register = register

    async def call(
        self,
        method: str,
        path: str = "",
        body: Any = None,
        *,
        tag: int | None = None,
        actor: str = AUTHOR,
        client: str = "administrator",
    ) -> httpx.Response:
        more = {} if tag is None else {"if_match": f'"{tag}"'}
        headers = await self.register.headers(client, **more) | {"Actor": actor}
        given: Json = {"json": body}
        if isinstance(body, str | bytes):
            headers["Content-Type"] = "text/csv"
            given = {"content": body}
        return await self.register.http.request(
            method, f"/v1/rule-sets{path}", headers=headers, **(given if body is not None else {})
        )

    async def drafted(self, body: Json) -> int:
        """The version of a new draft, at revision 1."""
        answer = await self.call("POST", "", body)
        assert answer.status_code == 201, answer.text
        version = answer.json()["version"]
        assert (answer.headers["Location"], answer.headers["ETag"]) == (f"/v1/rule-sets/{version}", '"1"')
        return int(version)

    async def activate(
        self, version: int, body: Json | None = None, *, tag: int = 1, actor: str = OTHER
    ) -> httpx.Response:
        return await self.call("POST", f"/{version}/activation", body or {}, tag=tag, actor=actor)

    async def activated(self, body: Json, **activation: Any) -> int:
        version = await self.drafted(body)
        answer = await self.activate(version, activation)
        assert answer.status_code == 200, answer.text
        return version

    async def read(self, version: int) -> Json:
        answer = await self.call("GET", f"/{version}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"].rpartition(":")[2])


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in answer.json().get("errors", [])]
