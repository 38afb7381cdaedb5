"""The doors of working agreements, and `/me`: what is open to whoever asks."""

from datetime import date
from enum import Enum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service import clock
from service.agreements import actions, queries
from service.agreements.models import Agreement, AgreementDraft, AgreementPage, AgreementRead, Me
from service.caller import Caller
from service.doors import IfMatch, Reading, Recording, Writing, entering, link_next
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.trail import entry
from service.wire import Wire

router = APIRouter(route_class=JsonRoute, redirect_slashes=False)

Anybody = Annotated[Caller, entering()]
ReadingAgreements = Annotated[Caller, entering("agreements:read")]
ChangingAgreements = Annotated[Caller, entering("agreements:write")]
ALL, ONE = "/agreements", "/agreements/{agreement_id}"
TAGS: list[str | Enum] = ["agreements"]


class AgreementQuery(Wire):
    """Which page."""

    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


@router.get("/me", operation_id="get_me", tags=["access"], response_model_exclude_none=True)
async def get_me(caller: Anybody, session: Reading, trail: Recording, request: Request) -> Me:
    """Who the token is for, and exactly what its client may send and receive today."""
    me = await queries.read_me(
        session, caller, _today(), key_service=request.app.state.settings.key_service_url
    )
    await trail.record(entry(caller.who, "me.read", "access", "client", caller.client_id))
    return me


@router.get(ALL, operation_id="list_agreements", tags=TAGS, response_model_exclude_none=True)
async def list_agreements(
    caller: ReadingAgreements,
    query: Annotated[AgreementQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
    response: Response,
) -> AgreementPage:
    """Every version of every agreement, oldest first, page by page."""
    page = await queries.agreements_page(session, _today(), **dict(query))
    await trail.record(entry(caller.who, "agreement.search", actions.ACTIVITY))
    link_next(request, response, page.next_cursor)
    return AgreementPage(items=list(page.items))


@router.post(
    ALL, operation_id="draft_agreement", status_code=201, tags=TAGS, response_model_exclude_none=True
)
async def draft_agreement(
    caller: ChangingAgreements, draft: AgreementDraft, session: Writing, response: Response
) -> AgreementRead:
    """Draft a version; it holds for nobody until somebody else activates it."""
    agreement = await actions.draft_agreement(session, caller, draft=draft)
    response.headers["Location"] = f"/v1/agreements/{agreement.id}"
    return _told(agreement, response)


@router.get(ONE, operation_id="get_agreement", tags=TAGS, response_model_exclude_none=True)
async def get_agreement(
    caller: ReadingAgreements, agreement_id: UUID, session: Reading, trail: Recording, response: Response
) -> AgreementRead:
    """One version."""
    agreement = await queries.get_agreement(session, agreement_id)
    await trail.record(entry(caller.who, "agreement.read", actions.ACTIVITY, "agreement", agreement_id))
    return _told(agreement, response)


@router.put(ONE, operation_id="change_agreement", tags=TAGS, response_model_exclude_none=True)
async def change_agreement(
    caller: ChangingAgreements,
    agreement_id: UUID,
    revision: IfMatch,
    draft: AgreementDraft,
    session: Writing,
    response: Response,
) -> AgreementRead:
    """Replace a draft. A version that was in force never changes: it is succeeded."""
    agreement = await actions.change_agreement(
        session, caller, agreement_id=agreement_id, revision=revision, draft=draft
    )
    return _told(agreement, response)


@router.post(
    f"{ONE}/activation", operation_id="activate_agreement", tags=TAGS, response_model_exclude_none=True
)
async def activate_agreement(
    caller: ChangingAgreements, agreement_id: UUID, revision: IfMatch, session: Writing, response: Response
) -> AgreementRead:
    """Put a draft into force from its first day on; not by its author."""
    agreement = await actions.activate_agreement(
        session, caller, agreement_id=agreement_id, revision=revision
    )
    return _told(agreement, response)


@router.post(f"{ONE}/termination", operation_id="end_agreement", tags=TAGS, response_model_exclude_none=True)
async def end_agreement(
    caller: ChangingAgreements, agreement_id: UUID, session: Writing, response: Response
) -> AgreementRead:
    """End a version at once, or throw a draft away: nothing is accepted under it any more."""
    return _told(await actions.end_agreement(session, caller, agreement_id=agreement_id), response)


def _today() -> date:
    return clock.local_day(clock.receipt_moment())


def _told(agreement: Agreement, response: Response) -> AgreementRead:
    response.headers["ETag"] = f'"{agreement.revision}"'
    return queries.read_agreement(agreement, _today())
