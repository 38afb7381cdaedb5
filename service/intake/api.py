"""The doors of intake: register, by one or in batches, check, correct, withdraw."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from service import clock
from service.answers import Streamed
from service.caller import Caller
from service.doors import IdempotencyKey, IfMatch, Reading, Recording, Writing, entering
from service.intake import batch, changes
from service.intake.actions import Intake
from service.intake.models import Check, Receipt, SubmittedSignal, WithdrawalRequest
from service.intake.registration import submission_of
from service.problems import JsonRoute
from service.pseudonyms.api import Unsealing
from service.signals.models import SignalRead
from service.signals.queries import get_own_signal
from service.trail import entry

router = APIRouter(tags=["intake"], route_class=JsonRoute, redirect_slashes=False)

Reporting = Annotated[Caller, entering("signals:write")]
NDJSON = "application/x-ndjson"
LINES: dict[str, Any] = {"schema": {"type": "string"}}
BATCH_BODY = {"requestBody": {"required": True, "content": {NDJSON: LINES}}}
BATCH_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "A line for each line, in order", "content": {NDJSON: LINES}}
}


@router.post(
    "/signals",
    operation_id="register_signal",
    status_code=201,
    responses={201: {"model": Receipt, "description": "Registered; the same answer for the same key."}},
)
async def register_signal(
    caller: Reporting, key: IdempotencyKey, signal: SubmittedSignal, request: Request
) -> Response:
    """Register a signal: it is recorded, decided by the active rules and referred to its contact point."""
    receipt = await _intake(request).queue.submit(submission_of(caller, key, signal))
    return _receipt(orjson.loads(receipt)["id"], 1, receipt)


@router.post(
    "/signals/_batch",
    operation_id="register_signals",
    status_code=200,
    response_class=Streamed,
    openapi_extra=BATCH_BODY,
    responses=BATCH_ANSWERS,
)
async def register_signals(caller: Reporting, trail: Recording, request: Request) -> Streamed:
    """Register up to 1,000 signals (8 MB): NDJSON lines `{"idempotencyKey", "signal"}`.

    Each line has its own answer `{"line", "status", "receipt" | "problem"}`, as `POST /signals` would give it.
    """
    work = batch.Batch(_intake(request), trail, caller, request.state.trace_id)
    return Streamed(batch.answers(work, _body(request)), NDJSON)


@router.post("/signals/_check", operation_id="check_signal")
async def check_signal(
    caller: Reporting, signal: SubmittedSignal, session: Reading, trail: Recording, request: Request
) -> Check:
    """What this signal would get now: everything is checked, nothing is stored."""
    judgement = await _intake(request).judge(session, caller, signal, received_at=clock.receipt_moment())
    await trail.record(entry(caller.who, "signal.check", changes.ACTIVITY))
    return Check.model_validate_json(orjson.dumps(judgement.told))


@router.post(
    "/signals/{signal_id}/corrections",
    operation_id="correct_signal",
    status_code=201,
    responses={201: {"model": Receipt, "description": "The receipt of the new version."}},
)
async def correct_signal(
    caller: Reporting,
    signal_id: UUID,
    version: IfMatch,
    signal: SubmittedSignal,
    session: Writing,
    request: Request,
) -> Response:
    """Put a whole new version in place of the present one; it is decided and, if need be, referred anew."""
    intake = _intake(request)
    new, receipt = await changes.correct(
        session, caller, intake=intake, signal_id=signal_id, version=version, submitted=signal
    )
    return _receipt(signal_id, new, receipt)


@router.post(
    "/signals/{signal_id}/withdrawal", operation_id="withdraw_signal", response_model_exclude_none=True
)
async def withdraw_signal(
    caller: Reporting,
    signal_id: UUID,
    version: IfMatch,
    request: WithdrawalRequest,
    session: Writing,
    sealer: Unsealing,
    response: Response,
) -> SignalRead:
    """Withdraw a signal: its open referral ends, and it is not matched or counted any more."""
    await changes.withdraw(session, caller, signal_id=signal_id, version=version, reason=request.reason)
    signal = await get_own_signal(session, caller, sealer, signal_id)
    response.headers["ETag"] = f'"{signal.version}"'
    return signal


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise batch.PartnerGone from None


def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


def _receipt(signal_id: object, version: int, receipt: bytes) -> Response:
    headers = {"Location": f"/v1/signals/{signal_id}", "ETag": f'"{version}"'}
    return Response(receipt, status_code=201, headers=headers, media_type="application/json")
