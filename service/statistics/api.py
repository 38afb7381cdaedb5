"""The doors of statistics: definitions, releases, their tables."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import Headers

from service.caller import Caller
from service.contract import preferred
from service.doors import Reading, Recording, Writing, entering
from service.problems import JsonRoute
from service.statistics import actions, queries
from service.statistics.formats import MEDIA_TYPE, as_csv
from service.statistics.models import (
    DefinitionList,
    ReleaseList,
    ReleaseRead,
    ReleaseRequest,
    TableRead,
)
from service.trail import entry
from service.wire import Wire

router = APIRouter(prefix="/statistics", tags=["statistics"], route_class=JsonRoute, redirect_slashes=False)

ReadingStatistics = Annotated[Caller, entering("statistics:read")]
Compiling = Annotated[Caller, entering("statistics:compile")]
CACHED = {"Cache-Control": "private, no-cache"}


class TableQuery(Wire):
    """Which released cells of the table; nothing else can be asked."""

    area: Annotated[str | None, Query(max_length=12)] = None
    region: Annotated[str | None, Query(max_length=12)] = None
    form: Annotated[str | None, Query(max_length=20)] = None
    age: Annotated[str | None, Query(max_length=20)] = None
    gender: Annotated[str | None, Query(max_length=20)] = None
    reporter_type: Annotated[str | None, Query(max_length=20)] = None
    setting: Annotated[str | None, Query(max_length=20)] = None
    step: Annotated[str | None, Query(max_length=20)] = None
    outcome: Annotated[str | None, Query(max_length=20)] = None
    feedback: Annotated[str | None, Query(max_length=20)] = None


def _sees_unpublished(caller: Caller) -> bool:
    return "statistics:compile" in caller.scopes


@router.get("/definitions", operation_id="get_definitions")
async def get_definitions(caller: ReadingStatistics) -> DefinitionList:
    """What is counted, how, and with which caveats."""
    return queries.definitions()


@router.get("/releases", operation_id="list_releases", response_model_exclude_none=True)
async def list_releases(caller: ReadingStatistics, session: Reading, trail: Recording) -> ReleaseList:
    """The releases, newest period first."""
    items = await queries.list_releases(session, unpublished=_sees_unpublished(caller))
    await trail.record(entry(caller.who, "release.search", actions.ACTIVITY))
    return ReleaseList(items=items)


@router.post("/releases", operation_id="compile_release", status_code=201, response_model_exclude_none=True)
async def compile_release(
    caller: Compiling, body: ReleaseRequest, request: Request, response: Response
) -> ReleaseRead:
    """Count a closed period, round its tables and freeze them; somebody else publishes."""
    state = request.app.state
    kind, secret = state.settings.release_period, state.keys.release
    release = await actions.compile_release(
        state.database, caller, period_code=body.period, period_kind=kind, secret=secret
    )
    response.headers["Location"] = f"/v1/statistics/releases/{release.id}"
    return release


@router.get("/releases/{release_id}", operation_id="get_release", response_model_exclude_none=True)
async def get_release(
    caller: ReadingStatistics, release_id: UUID, session: Reading, trail: Recording
) -> ReleaseRead:
    """One release, its areas and tables."""
    release = await queries.get_release(session, release_id, unpublished=_sees_unpublished(caller))
    await trail.record(entry(caller.who, "release.read", actions.ACTIVITY, "release", release_id))
    return release


@router.post(
    "/releases/{release_id}/publication",
    operation_id="publish_release",
    response_model_exclude_none=True,
)
async def publish_release(caller: Compiling, release_id: UUID, session: Writing) -> ReleaseRead:
    """Publish a compiled release; not by its compiler."""
    return await actions.publish_release(session, caller, release_id=release_id)


@router.get(
    "/releases/{release_id}/tables/{name}",
    operation_id="get_released_table",
    response_model=TableRead,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        304: {"description": "Unchanged"},
    },
)
async def get_released_table(
    caller: ReadingStatistics,
    release_id: UUID,
    name: str,
    query: Annotated[TableQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
) -> Response:
    """A table as JSON or CSV (by Accept); its own dimensions may select cells, as in `?area=GM0794`."""
    chosen = query.model_dump(exclude_none=True)
    table = await queries.get_table(session, release_id, name, chosen, unpublished=_sees_unpublished(caller))
    await trail.record(entry(caller.who, "release.read", actions.ACTIVITY, "release", release_id))
    return _represented(table, request.headers)


def _represented(table: TableRead, headers: Headers) -> Response:
    """The table as the reader wants it, or 304 where it has it already."""
    wants_csv = preferred(headers.get("accept"), ("application/json", MEDIA_TYPE)) == MEDIA_TYPE
    body = as_csv(table) if wants_csv else table.model_dump_json(by_alias=True).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    told = {"ETag": tag, "Vary": "Accept", **CACHED}
    known = {one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=told)
    media_type = f"{MEDIA_TYPE}; header=present" if wants_csv else "application/json"
    return Response(body, headers=told, media_type=media_type)
