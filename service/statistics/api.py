"""The doors of who reads statistics: definitions, releases, their tables, sums of them, figures of the country.

With or without a token, where the register is set to be open to the public, the answer is the same.
"""

from collections.abc import Hashable, Mapping
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from service.answers import Sheet, sheet, tagged
from service.caller import NO_CLIENT, Caller
from service.contract import preferred
from service.doors import Reading, Recording
from service.errors import Fault, Invalid
from service.open_doors import entering_where_open
from service.problems import JsonRoute
from service.statistics import actions, formats, queries, reading
from service.statistics.context import national_figures
from service.statistics.models import (
    DefinitionList,
    NationalFigures,
    ReleaseList,
    ReleaseRead,
    SumRead,
    TableRead,
)
from service.statistics.shelf import Shelf
from service.trail import Trail, entry
from service.wire import Wire

router = APIRouter(prefix="/statistics", tags=["statistics"], route_class=JsonRoute, redirect_slashes=False)

ReadingStatistics = Annotated[Caller, entering_where_open("statistics:read")]


async def _without_query(caller: ReadingStatistics, request: Request) -> Caller:
    """The same door where nothing can be chosen: any query parameter is refused."""
    faults = [
        Fault(f"query:{name}", "unknown-field", "Nothing can be chosen here.")
        for name in request.query_params
    ]
    if faults:
        raise Invalid(errors=faults)
    return caller


ReadingWhole = Annotated[Caller, Depends(_without_query)]

TABLE = "/releases/{release_id}/tables/{name}"
AS_CSV = {"content": {formats.CSV: {"schema": {"type": "string"}}}}
UNCHANGED = {"description": "Unchanged"}
CONTENT_TYPES = {formats.JSON: formats.JSON, formats.CSV: f"{formats.CSV}; header=present"}


class TableQuery(Wire):
    """Which released cells of the table; nothing else can be asked."""

    area: Annotated[str | None, Query(max_length=12)] = None
    region: Annotated[str | None, Query(max_length=12)] = None
    form: Annotated[str | None, Query(max_length=20)] = None
    age: Annotated[str | None, Query(max_length=20)] = None
    gender: Annotated[str | None, Query(max_length=20)] = None
    reporter_type: Annotated[str | None, Query(max_length=20)] = None
    setting: Annotated[str | None, Query(max_length=20)] = None
    outcome: Annotated[str | None, Query(max_length=20)] = None
    feedback: Annotated[str | None, Query(max_length=20)] = None


class SumQuery(TableQuery):
    """From which period until which, and which cells."""

    from_: Annotated[str, Query(alias="from", max_length=7, description="The first period, as 2026-H1.")]
    until: Annotated[str, Query(max_length=7, description="The last period.")]


def sees_unpublished(caller: Caller) -> bool:
    """Whether a release that is compiled but not published is there for this caller."""
    return "statistics:compile" in caller.scopes


async def record_reading(trail: Trail, caller: Caller, *releases: UUID) -> None:
    """Write down who reads which releases, or their list; what is open to the public is read by nobody."""
    if caller.client_id != NO_CLIENT:
        read = [entry(caller.who, "release.read", actions.ACTIVITY, "release", one) for one in releases]
        await trail.record_all(read or [entry(caller.who, "release.search", actions.ACTIVITY)])


@router.get("/definitions", operation_id="get_definitions")
async def get_definitions(caller: ReadingWhole) -> DefinitionList:
    """What is counted, how, and with which caveats."""
    return queries.definitions()


@router.get("/national-figures", operation_id="list_national_figures")
async def list_national_figures(caller: ReadingWhole) -> NationalFigures:
    """Published figures of the whole country with year and source: a context, of other counts than these."""
    return NationalFigures(items=list(national_figures()))


@router.get("/releases", operation_id="list_releases", response_model_exclude_none=True)
async def list_releases(caller: ReadingWhole, session: Reading, trail: Recording) -> ReleaseList:
    """The releases, newest period first."""
    items = await queries.list_releases(session, unpublished=sees_unpublished(caller))
    await record_reading(trail, caller)
    return ReleaseList(items=items)


@router.get("/releases/{release_id}", operation_id="get_release", response_model_exclude_none=True)
async def get_release(
    caller: ReadingWhole, release_id: UUID, session: Reading, trail: Recording
) -> ReleaseRead:
    """One release, its areas and tables."""
    release = await queries.get_release(session, release_id, unpublished=sees_unpublished(caller))
    await record_reading(trail, caller, release_id)
    return release


@router.get(
    f"{TABLE}/csv-metadata",
    operation_id="get_released_table_metadata",
    response_model=None,
    responses={200: {"content": {formats.CSVW: {"schema": {"type": "object"}}}}, 304: UNCHANGED},
)
async def get_released_table_metadata(
    caller: ReadingWhole,
    release_id: UUID,
    name: str,
    session: Reading,
    trail: Recording,
    request: Request,
) -> Response:
    """What the columns of the CSV are: metadata of CSV on the Web (W3C)."""
    asked = Asked(release_id, name, {}, formats.CSVW)
    found = await _found(session, request, caller, asked)
    await record_reading(trail, caller, release_id)
    return tagged(found, asked.kind, request.headers)


@router.get(
    f"{TABLE}/csv",
    operation_id="get_released_table_csv",
    response_model=None,
    responses={200: AS_CSV, 304: UNCHANGED},
)
async def get_released_table_csv(
    caller: ReadingStatistics,
    release_id: UUID,
    name: str,
    query: Annotated[TableQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
) -> Response:
    """A table as CSV, for what cannot send an Accept header; the same as with one."""
    asked = Asked(release_id, name, query.model_dump(exclude_none=True), formats.CSV)
    found = await _found(session, request, caller, asked)
    await record_reading(trail, caller, release_id)
    return tagged(found, CONTENT_TYPES[asked.kind], request.headers, _described(asked, "csv-metadata"))


@router.get(
    TABLE,
    operation_id="get_released_table",
    response_model=TableRead,
    responses={200: AS_CSV, 304: UNCHANGED},
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
    kind = preferred(request.headers.get("accept"), (formats.JSON, formats.CSV))
    asked = Asked(release_id, name, query.model_dump(exclude_none=True), kind)
    found = await _found(session, request, caller, asked)
    await record_reading(trail, caller, release_id)
    told = _described(asked, f"{name}/csv-metadata")
    return tagged(found, CONTENT_TYPES[kind], request.headers, told)


@router.get(
    "/sums/{name}",
    operation_id="get_sum_of_releases",
    response_model=SumRead,
    responses={200: AS_CSV, 304: UNCHANGED},
)
async def get_sum_of_releases(
    caller: ReadingStatistics,
    name: str,
    query: Annotated[SumQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
) -> Response:
    """A table added up over the published releases of several periods, as `?from=2025-H1&until=2026-H2`."""
    chosen = query.model_dump(exclude_none=True, exclude={"from_", "until"})
    summed = await reading.get_sum(session, name, first=query.from_, last=query.until, chosen=chosen)
    await record_reading(trail, caller, *summed.releases)
    kind = preferred(request.headers.get("accept"), (formats.JSON, formats.CSV))
    return tagged(sheet(formats.written(summed, kind)), CONTENT_TYPES[kind], request.headers)


class Asked(NamedTuple):
    """Which table of which release, which cells of it, and as what."""

    release_id: UUID
    name: str
    chosen: Mapping[str, str]
    kind: str

    @property
    def key(self) -> Hashable:
        return self.release_id, self.name, frozenset(self.chosen.items()), self.kind


async def _found(session: AsyncSession, request: Request, caller: Caller, asked: Asked) -> Sheet:
    """The representation, from the shelf where it lies there: then it is published."""
    shelf: Shelf = request.app.state.shelf
    known = shelf.find(asked.key)
    if known is None:
        release = await queries.get_release(session, asked.release_id, unpublished=sees_unpublished(caller))
        table = await reading.get_table(session, release.id, asked.name, asked.chosen)
        if asked.kind == formats.CSVW:
            known = sheet(formats.csv_metadata(table, release))
        else:
            known = sheet(formats.written(table, asked.kind))
        if release.status == queries.PUBLISHED:
            shelf.put(asked.key, known)
    return known


def _described(asked: Asked, metadata: str) -> dict[str, str]:
    """Where the metadata of a whole table's CSV is, for who has its address (Tabular Data on the Web, 5.2)."""
    if asked.kind != formats.CSV or asked.chosen:
        return {}
    return {"Link": f'<{metadata}>; rel="describedby"; type="{formats.CSVW}"'}
