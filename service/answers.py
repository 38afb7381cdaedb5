"""Answers that are not left to the framework: JSON written once, bytes under a tag of their own, and what begins before
its request has ended."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class JsonResponse(Response):
    """JSON values that need no more checking, days and ids among them; `version` becomes the ETag."""

    media_type = "application/json"

    def __init__(self, values: Any, status_code: int = 200, *, version: int | None = None) -> None:
        headers = None if version is None else {"ETag": f'"{version}"'}
        super().__init__(orjson.dumps(values, default=_as_text), status_code, headers)


def _as_text(value: Any) -> str:
    if isinstance(value, UUID):  # asyncpg's own subclass
        return str(value)
    raise TypeError(f"no form in JSON for {type(value).__name__}")


class Sheet(NamedTuple):
    """A representation that seldom changes, and its strong ETag."""

    body: bytes
    tag: str


def sheet(body: bytes) -> Sheet:
    """A representation under the tag of its own content."""
    return Sheet(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def tagged(found: Sheet, media_type: str, asked: Headers, told: Mapping[str, str] | None = None) -> Response:
    """A representation, or 304 where who asks has it already (RFC 9110, 13.1.2).

    `told` are more headers. Caches ask before they use what they keep, and keep it for one reader.
    """
    tag = found.tag
    headers = {"ETag": tag, "Vary": "Accept", "Cache-Control": "private, no-cache", **(told or {})}
    known = {one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type=media_type)


class Streamed(Response):
    """An answer that is sent in parts while the body of its request is still read.

    Starlette's own listens for the end of the connection and would take parts of that body.
    """

    def __init__(self, parts: AsyncIterator[bytes], media_type: str) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
