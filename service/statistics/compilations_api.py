"""The doors of those who make releases: asking for a compilation, seeing how far it is, publishing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.caller import Caller
from service.doors import Reading, Recording, Writing, entering
from service.problems import JsonRoute
from service.statistics import actions, queries
from service.statistics.models import CompilationList, CompilationRead, ReleaseRead, ReleaseRequest
from service.trail import entry

router = APIRouter(prefix="/statistics", tags=["statistics"], route_class=JsonRoute, redirect_slashes=False)

Compiling = Annotated[Caller, entering("statistics:compile")]


@router.post("/releases", operation_id="compile_release", status_code=202, response_model_exclude_none=True)
async def compile_release(
    caller: Compiling, body: ReleaseRequest, session: Writing, request: Request, response: Response
) -> CompilationRead:
    """Have a closed period counted, its tables rounded, proved and frozen, by a job; somebody else publishes."""
    kind = request.app.state.settings.release_period
    asked = await actions.ask_for_release(session, caller, period_code=body.period, period_kind=kind)
    response.headers["Location"] = f"/v1/statistics/compilations/{asked.id}"
    return asked


@router.get("/compilations", operation_id="list_compilations", response_model_exclude_none=True)
async def list_compilations(caller: Compiling, session: Reading, trail: Recording) -> CompilationList:
    """What was asked for lately, the latest first."""
    items = await queries.list_compilations(session)
    await trail.record(entry(caller.who, "compilation.search", actions.ACTIVITY))
    return CompilationList(items=items)


@router.get(
    "/compilations/{compilation_id}", operation_id="get_compilation", response_model_exclude_none=True
)
async def get_compilation(
    caller: Compiling, compilation_id: UUID, session: Reading, trail: Recording
) -> CompilationRead:
    """How far a compilation is, and the release that it became or the problem that ended it."""
    found = await queries.get_compilation(session, compilation_id)
    await trail.record(entry(caller.who, "compilation.read", actions.ACTIVITY, "compilation", compilation_id))
    return found


@router.post(
    "/releases/{release_id}/publication",
    operation_id="publish_release",
    response_model_exclude_none=True,
)
async def publish_release(caller: Compiling, release_id: UUID, session: Writing) -> ReleaseRead:
    """Publish a compiled release; not by who asked for it."""
    return await actions.publish_release(session, caller, release_id=release_id)
