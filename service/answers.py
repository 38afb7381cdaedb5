"""Answers that are not left to the framework: JSON written once, and what begins before its request has ended."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
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
