"""The door of intake."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Request, Response

from service.caller import Caller
from service.doors import IdempotencyKey, entering
from service.intake.actions import Intake
from service.intake.models import Receipt, SubmittedSignal
from service.intake.registration import submission_of
from service.problems import JsonRoute

router = APIRouter(tags=["intake"], route_class=JsonRoute, redirect_slashes=False)


@router.post(
    "/signals",
    operation_id="register_signal",
    status_code=201,
    responses={201: {"model": Receipt, "description": "Registered; the same answer for the same key."}},
)
async def register_signal(
    caller: Annotated[Caller, entering("signals:write")],
    key: IdempotencyKey,
    signal: SubmittedSignal,
    request: Request,
) -> Response:
    """Register a signal: it is recorded, decided by the active rules and referred to its contact point."""
    intake: Intake = request.app.state.intake
    receipt = await intake.queue.submit(submission_of(caller, key, signal))
    headers = {"Location": f"/v1/signals/{orjson.loads(receipt)['id']}", "ETag": '"1"'}
    return Response(receipt, status_code=201, headers=headers, media_type="application/json")
