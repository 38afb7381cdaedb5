"""A connection of one client to a register."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

RENEW_SECONDS_BEFORE = 60
LONGEST_SECONDS = 120
LONGEST_ANSWER = 16 * 1024 * 1024


class Refused(Exception):
    """The register answered with a problem; `problem` is its body."""

    def __init__(
        self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {problem.get('title') or problem.get('error') or 'without a problem'}")
        self.status = status
        self.problem = problem
        self.headers = headers or {}

    @property
    def passes(self) -> bool:
        """Whether the same may be sent again later: too much was asked, or the fault is on the other side."""
        return self.status == 429 or self.status >= 500

    @property
    def faults(self) -> list[dict[str, str]]:
        """The faults that the problem lists."""
        listed = self.problem.get("errors")
        return [
            {name: str(one.get(name, "")) for name in ("pointer", "code", "detail")}
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict)
        ]

    @property
    def retry_after(self) -> float:
        """Seconds to wait before asking again; 0 where nothing is told."""
        told = self.headers.get("Retry-After", "")
        return float(told) if told.isdecimal() else 0.0


@dataclass
class Connection:
    """Calls as one client; `actor` is the opaque staff id of who works there (not needed by a reporter)."""

    http: httpx.AsyncClient
    client_id: str
    client_secret: str
    actor: str | None = None
    _token: str = field(default="", repr=False)
    _renew_at: float = 0.0

    async def post_signal(self, body: Mapping[str, Any], key: UUID | None = None) -> dict[str, Any]:
        """Register a signal; the receipt. The same key may be sent again, and gives the same receipt."""
        headers = {"Idempotency-Key": str(key or uuid4())}
        return dict(await self.call("POST", "/v1/signals", json=body, headers=headers))

    async def post_batch(self, lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Register up to 1,000 signals (`{"idempotencyKey", "signal"}`); the answer to each line, in order."""
        content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await self._send("POST", "/v1/signals/_batch", content=content, headers=headers)
        return [json.loads(line) for line in answer.content.split(b"\n") if line]

    async def correct_signal(self, signal_id: str, version: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """Put a new version in place of the one that was read; the receipt."""
        path, headers = f"/v1/signals/{signal_id}/corrections", {"If-Match": f'"{version}"'}
        return dict(await self.call("POST", path, json=body, headers=headers))

    async def withdraw_signal(self, signal_id: str, version: int, reason: str) -> dict[str, Any]:
        """Withdraw the version that was read; the signal as it is then."""
        path, headers = f"/v1/signals/{signal_id}/withdrawal", {"If-Match": f'"{version}"'}
        return dict(await self.call("POST", path, json={"reason": reason}, headers=headers))

    async def claim(self, *, wait: int = 0, **wanted: Any) -> list[dict[str, Any]]:
        """Claim the most urgent waiting referrals: limit, leaseSeconds, priority, municipality.

        Waits up to so many seconds for the first one.
        """
        headers = {"Idempotency-Key": str(uuid4())} | ({"Prefer": f"wait={wait}"} if wait else {})
        answer = await self.call("POST", "/v1/referral-claims", json=wanted, headers=headers)
        return list(answer["items"])

    async def step(
        self, referral: Mapping[str, Any], step: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Take a step (acceptance, forwarding, closure) on the version of a referral that was read."""
        headers = {"If-Match": f'"{referral["version"]}"'}
        path = f"/v1/referrals/{referral['id']}/{step}"
        return dict(await self.call("POST", path, json=body, headers=headers))

    async def events(self, after: str | None = None, *, wait: int = 0) -> tuple[list[dict[str, Any]], str]:
        """What happened after a place in the feed, all that is there, and the place to go on from.

        Waits up to so many seconds for the first.
        """
        found: list[dict[str, Any]] = []
        while True:
            query = {"limit": "200"} | ({"after": after} if after else {})
            headers = {"Prefer": f"wait={wait}"} if wait and not found else {}
            page = await self.call("GET", "/v1/events", params=query, headers=headers)
            found += page["items"]
            if page["after"] == after or not page["items"]:
                return found, str(page["after"])
            after = page["after"]

    async def get(self, path: str, **query: Any) -> Any:
        """Read JSON."""
        return await self.call("GET", path, params=query)

    async def pages(self, path: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """The items of a list, page after page."""
        answer = await self._send("GET", path, params=query)
        while True:
            for item in answer.json()["items"]:
                yield item
            following = answer.links.get("next")
            if following is None:
                return
            answer = await self._send("GET", following["url"])

    async def get_text(self, path: str, media_type: str) -> str:
        """Read another representation, as CSV."""
        answer = await self._send("GET", path, headers={"Accept": media_type})
        return answer.text

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """Any call with a token; raises `Refused` with the problem."""
        return (await self._send(method, path, **options)).json()

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        given = options.pop("headers", {}) | ({"Actor": self.actor} if self.actor is not None else {})
        answer = await self._sent(method, path, given, options)
        if answer.status_code == 401:
            self._renew_at = (
                0.0  # the token was taken back, or its key: once more with a new one, if there is one
            )
            with suppress(Refused):
                answer = await self._sent(method, path, given, options)
        return _checked(answer)

    async def _sent(
        self, method: str, path: str, given: Mapping[str, str], options: Mapping[str, Any]
    ) -> httpx.Response:
        headers = {**given, "Authorization": f"Bearer {await self._fresh_token()}"}
        return await _asked(self.http, method, path, headers=headers, **options)

    async def _fresh_token(self) -> str:
        if time.monotonic() >= self._renew_at:
            form, auth = {"grant_type": "client_credentials"}, (self.client_id, self.client_secret)
            answer = _checked(await _asked(self.http, "POST", "/oauth/token", data=form, auth=auth)).json()
            try:
                self._token = str(answer["access_token"])
                self._renew_at = time.monotonic() + float(answer["expires_in"]) - RENEW_SECONDS_BEFORE
            except (KeyError, TypeError, ValueError):
                raise Refused(502, {"title": "This is no token"}) from None
        return self._token


async def _asked(http: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:
    """An answer that is neither endless nor for ever in coming; raises httpx.TransportError for one that is."""
    headers = {"Accept-Encoding": "identity", **options.pop("headers", {})}
    try:
        async with (
            asyncio.timeout(LONGEST_SECONDS),
            http.stream(method, path, headers=headers, **options) as answer,
        ):
            content = bytearray()
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > LONGEST_ANSWER:
                    raise httpx.ReadError("an answer without end")
    except TimeoutError:
        raise httpx.ReadTimeout("an answer that does not come to its end") from None
    told = [(name, value) for name, value in answer.headers.multi_items() if name != "content-encoding"]
    return httpx.Response(answer.status_code, headers=told, content=bytes(content), request=answer.request)


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise Refused(answer.status_code, _problem_of(answer), answer.headers)
    return answer


def _problem_of(answer: httpx.Response) -> Mapping[str, Any]:
    """The problem of an answer; of what stands between us and the register there is none."""
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
