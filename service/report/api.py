"""The door of the report: a page for a region of a release."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from service.answers import sheet, tagged
from service.doors import Reading, Recording
from service.problems import JsonRoute
from service.report import queries
from service.report.page import POLICY, page_of
from service.report.words import Language, language_of
from service.statistics.api import ReadingStatistics, record_reading, sees_unpublished
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
    material = await queries.gather(session, release_id, region, unpublished=sees_unpublished(caller))
    await record_reading(trail, caller, release_id)
    language = query.language or language_of(request.headers.get("accept-language"))
    page = await asyncio.to_thread(page_of, material, language)
    told = {"Vary": "Accept-Language", "Content-Language": language, "Content-Security-Policy": POLICY}
    return tagged(sheet(page), "text/html; charset=utf-8", request.headers, told)
