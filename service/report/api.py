"""The door of the report: a page for a region of a release."""

import asyncio
import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import Headers

from service.caller import Caller
from service.doors import Reading, Recording
from service.problems import JsonRoute
from service.report import queries
from service.report.page import POLICY, page_of
from service.report.words import Language, language_of
from service.statistics.actions import ACTIVITY
from service.statistics.api import CACHED, ReadingStatistics
from service.trail import entry
from service.wire import Wire

router = APIRouter(prefix="/statistics", tags=["statistics"], route_class=JsonRoute, redirect_slashes=False)


class ReportQuery(Wire):
    """In which language; nothing else can be asked."""

    language: Annotated[
        Language | None, Query(description="Instead of what `Accept-Language` prefers; Dutch without either.")
    ] = None


@router.get(
    "/releases/{release_id}/regions/{region}/report",
    operation_id="get_regional_report",
    response_class=HTMLResponse,
    responses={304: {"description": "Unchanged"}},
)
async def get_regional_report(
    caller: ReadingStatistics,
    release_id: UUID,
    region: str,
    query: Annotated[ReportQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
) -> Response:
    """The report of a region (`VR22`, or `ALL`) as a page: sentences, tables and charts of released numbers."""
    material = await queries.gather(session, release_id, region, unpublished=_sees_unpublished(caller))
    await trail.record(entry(caller.who, "release.read", ACTIVITY, "release", release_id))
    language = query.language or language_of(request.headers.get("accept-language"))
    page = await asyncio.to_thread(page_of, material, language)
    return _represented(page, language, request.headers)


def _sees_unpublished(caller: Caller) -> bool:
    return "statistics:compile" in caller.scopes


def _represented(page: bytes, language: Language, headers: Headers) -> Response:
    """The page with the policy under which it is shown, or 304 where the reader has it already."""
    tag = f'"{hashlib.sha256(page).hexdigest()[:32]}"'
    told = {"ETag": tag, "Vary": "Accept-Language", "Content-Language": language, **CACHED}
    known = {one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=told)
    return HTMLResponse(page, headers={**told, "Content-Security-Policy": POLICY})
