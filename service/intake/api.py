"""The door of intake."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.security import SecurityScopes
from pydantic import TypeAdapter
from starlette.types import Message

from service.caller import Caller
from service.doors import IdempotencyKey, enter, entering
from service.intake.actions import Intake
from service.intake.models import Receipt, SubmittedSignal
from service.intake.registration import submission_of
from service.problems import JsonRoute

WRITING = "signals:write"

_KEY = TypeAdapter(UUID)


class StraightRoute(JsonRoute):
    """Takes a faultless post straight to its function, by the same door.

    The framework's solving of dependencies costs a post a tenth of its CPU. Whatever has a fault goes the
    framework's way from its beginning, and gets its answer there.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_straight(request: Request) -> Response:
            body = await request.body()
            try:
                parsed = orjson.loads(body)
                caller = await enter(request, SecurityScopes([WRITING]), None, request.headers.get("actor"))
                key = _KEY.validate_python(request.headers.get("idempotency-key"))
                signal = SubmittedSignal.model_validate(parsed)
            except ValueError:
                return await handle(_unread(request, body))
            return await register_signal(caller, key, signal, request)

        return handle_straight


router = APIRouter(tags=["intake"], route_class=StraightRoute, redirect_slashes=False)


@router.post(
    "/signals",
    operation_id="register_signal",
    status_code=201,
    responses={201: {"model": Receipt, "description": "Registered; the same answer for the same key."}},
)
async def register_signal(
    caller: Annotated[Caller, entering(WRITING)],
    key: IdempotencyKey,
    signal: SubmittedSignal,
    request: Request,
) -> Response:
    """Register a signal: it is recorded, decided by the active rules and referred to its contact point."""
    intake: Intake = request.app.state.intake
    receipt = await intake.queue.submit(submission_of(caller, key, signal))
    headers = {"Location": f"/v1/signals/{orjson.loads(receipt)['id']}", "ETag": '"1"'}
    return Response(receipt, status_code=201, headers=headers, media_type="application/json")


def _unread(request: Request, body: bytes) -> Request:
    """The same request, as if nobody had read its body."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)
