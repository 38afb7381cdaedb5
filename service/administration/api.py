"""The doors of functional management: organisations and their contact points; `clients_api` has the clients."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.administration import actions
from service.caller import Caller
from service.doors import IfMatch, Reading, Recording, Writing, entering, link_next
from service.organisations import queries as organisations
from service.organisations.models import (
    ContactPoint,
    ContactPointContent,
    ContactPointList,
    ContactPointRead,
    Organisation,
    OrganisationChange,
    OrganisationCreate,
    OrganisationPage,
    OrganisationRead,
)
from service.paging import DEFAULT_LIMIT, MAX_LIMIT
from service.problems import JsonRoute
from service.trail import entry
from service.vocabulary.types import OrganisationType
from service.wire import Wire

router = APIRouter(tags=["organisations"], route_class=JsonRoute, redirect_slashes=False)

ReadingOrganisations = Annotated[Caller, entering("organisations:read")]
ChangingOrganisations = Annotated[Caller, entering("organisations:write")]
ALL, ONE = "/organisations", "/organisations/{organisation_id}"
POINTS, POINT = f"{ONE}/contact-points", f"{ONE}/contact-points/{{contact_point_id}}"


class OrganisationQuery(Wire):
    """Which organisations."""

    type: OrganisationType | None = None
    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


@router.get(ALL, operation_id="list_organisations", response_model_exclude_none=True)
async def list_organisations(
    caller: ReadingOrganisations,
    query: Annotated[OrganisationQuery, Query()],
    session: Reading,
    trail: Recording,
    request: Request,
    response: Response,
) -> OrganisationPage:
    """The organisations, oldest first, page by page; those that have ended too."""
    page = await organisations.organisations_page(session, **dict(query))
    await trail.record(entry(caller.who, "organisation.search", "administration"))
    link_next(request, response, page.next_cursor)
    return OrganisationPage(items=list(page.items))


@router.post(ALL, operation_id="add_organisation", status_code=201, response_model_exclude_none=True)
async def add_organisation(
    caller: ChangingOrganisations, content: OrganisationCreate, session: Writing, response: Response
) -> OrganisationRead:
    """A new organisation."""
    added = await actions.add_organisation(session, caller, content=content)
    response.headers["Location"] = f"/v1/organisations/{added.id}"
    return _organisation(added, response)


@router.get(ONE, operation_id="get_organisation", response_model_exclude_none=True)
async def get_organisation(
    caller: ReadingOrganisations,
    organisation_id: UUID,
    session: Reading,
    trail: Recording,
    response: Response,
) -> OrganisationRead:
    """One organisation."""
    organisation = await organisations.get_organisation(session, organisation_id)
    await trail.record(
        entry(caller.who, "organisation.read", "administration", "organisation", organisation_id)
    )
    return _organisation(organisation, response)


@router.put(ONE, operation_id="change_organisation", response_model_exclude_none=True)
async def change_organisation(
    caller: ChangingOrganisations,
    organisation_id: UUID,
    version: IfMatch,
    content: OrganisationChange,
    session: Writing,
    response: Response,
) -> OrganisationRead:
    """Replace its name and OIN."""
    changed = await actions.change_organisation(
        session, caller, organisation_id=organisation_id, version=version, content=content
    )
    return _organisation(changed, response)


@router.post(f"{ONE}/termination", operation_id="end_organisation", response_model_exclude_none=True)
async def end_organisation(
    caller: ChangingOrganisations,
    organisation_id: UUID,
    session: Writing,
    request: Request,
    response: Response,
) -> OrganisationRead:
    """End it for good, with its contact points and clients; refused while a rule or referral needs it."""
    ended = await actions.end_organisation(session, caller, organisation_id=organisation_id)
    request.app.state.verify.forget_all()
    return _organisation(ended, response)


@router.get(POINTS, operation_id="list_contact_points", response_model_exclude_none=True)
async def list_contact_points(
    caller: ReadingOrganisations, organisation_id: UUID, session: Reading, trail: Recording
) -> ContactPointList:
    """The contact points that an organisation is or was."""
    await organisations.get_organisation(session, organisation_id)
    points = await organisations.contact_points_of(session, organisation_id)
    await trail.record(
        entry(caller.who, "contact-point.search", "administration", "organisation", organisation_id)
    )
    return ContactPointList(items=[organisations.read_contact_point(point) for point in points])


@router.post(POINTS, operation_id="add_contact_point", status_code=201, response_model_exclude_none=True)
async def add_contact_point(
    caller: ChangingOrganisations,
    organisation_id: UUID,
    content: ContactPointContent,
    session: Writing,
    response: Response,
) -> ContactPointRead:
    """Make an organisation the contact point of municipalities."""
    added = await actions.add_contact_point(session, caller, organisation_id=organisation_id, content=content)
    response.headers["Location"] = f"/v1/organisations/{organisation_id}/contact-points/{added.id}"
    return _point(added, response)


@router.get(POINT, operation_id="get_contact_point", response_model_exclude_none=True)
async def get_contact_point(
    caller: ReadingOrganisations,
    organisation_id: UUID,
    contact_point_id: UUID,
    session: Reading,
    trail: Recording,
    response: Response,
) -> ContactPointRead:
    """One contact point."""
    point = await organisations.get_contact_point(session, organisation_id, contact_point_id)
    await trail.record(
        entry(caller.who, "contact-point.read", "administration", "contact_point", contact_point_id)
    )
    return _point(point, response)


@router.put(POINT, operation_id="change_contact_point", response_model_exclude_none=True)
async def change_contact_point(
    caller: ChangingOrganisations,
    organisation_id: UUID,
    contact_point_id: UUID,
    version: IfMatch,
    content: ContactPointContent,
    session: Writing,
    response: Response,
) -> ContactPointRead:
    """Replace it; refused where an active rule would be left without a contact point."""
    point = (organisation_id, contact_point_id)
    changed = await actions.change_contact_point(
        session, caller, point=point, version=version, content=content
    )
    return _point(changed, response)


@router.post(f"{POINT}/termination", operation_id="end_contact_point", response_model_exclude_none=True)
async def end_contact_point(
    caller: ChangingOrganisations,
    organisation_id: UUID,
    contact_point_id: UUID,
    session: Writing,
    response: Response,
) -> ContactPointRead:
    """End it at once; refused while a rule or referral needs it."""
    point = (organisation_id, contact_point_id)
    return _point(await actions.end_contact_point(session, caller, point=point), response)


def _organisation(organisation: Organisation, response: Response) -> OrganisationRead:
    response.headers["ETag"] = f'"{organisation.version}"'
    return organisations.read_organisation(organisation)


def _point(point: ContactPoint, response: Response) -> ContactPointRead:
    response.headers["ETag"] = f'"{point.version}"'
    return organisations.read_contact_point(point)
