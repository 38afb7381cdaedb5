"""What administrators do to organisations, contact points and clients.

Each act waits for every other one and for intake's running groups (`one_at_a_time`), so that what was checked
still holds when it is written.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.access import actions as access
from service.access.models import Client, ClientChange, ClientCreate
from service.access.queries import get_client
from service.access.roles import ROLE_SCOPES
from service.administration.errors import MoreThanOwn, StillNeeded
from service.administration.needs import needs_of_contact_point, needs_of_organisation
from service.caller import Caller
from service.errors import Fault, Invalid, NotFound, PreconditionFailed
from service.organisations import actions as organisations
from service.organisations.errors import Ended
from service.organisations.models import (
    ContactPoint,
    ContactPointContent,
    Organisation,
    OrganisationChange,
    OrganisationCreate,
)
from service.organisations.queries import get_contact_point, get_organisation
from service.snapshot import one_at_a_time


async def add_organisation(
    session: AsyncSession, caller: Caller, *, content: OrganisationCreate
) -> Organisation:
    """A new organisation; raises `OinTaken`."""
    await one_at_a_time(session)
    return await organisations.add_organisation(session, caller.who, **dict(content))


async def change_organisation(
    session: AsyncSession, caller: Caller, *, organisation_id: UUID, version: int, content: OrganisationChange
) -> Organisation:
    """Replace what may change; raises `NotFound`, `PreconditionFailed`, `Ended`, `OinTaken`."""
    await one_at_a_time(session)
    organisation = await get_organisation(session, organisation_id)
    _refuse_stale(organisation, version)
    await organisations.change_organisation(session, caller.who, organisation, **dict(content))
    return organisation


async def end_organisation(session: AsyncSession, caller: Caller, *, organisation_id: UUID) -> Organisation:
    """End an organisation with its contact points and clients; raises `NotFound`, `Ended`, `StillNeeded`."""
    await one_at_a_time(session)
    organisation = await get_organisation(session, organisation_id)
    _refuse_needed(await needs_of_organisation(session, organisation, _today()))
    await organisations.end_organisation(session, caller.who, organisation)
    clients = await access.clients_of(session, organisation_id)
    await access.end_clients(session, caller.who, clients)
    return organisation


async def add_contact_point(
    session: AsyncSession, caller: Caller, *, organisation_id: UUID, content: ContactPointContent
) -> ContactPoint:
    """Make an organisation a contact point; raises `NotFound`, `Ended`."""
    await one_at_a_time(session)
    organisation = await get_organisation(session, organisation_id)
    return await organisations.add_contact_point(
        session, caller.who, organisation=organisation, content=content
    )


async def change_contact_point(
    session: AsyncSession,
    caller: Caller,
    *,
    point: tuple[UUID, UUID],
    version: int,
    content: ContactPointContent,
) -> ContactPoint:
    """Replace a contact point of an organisation (`point`: both ids).

    Raises `NotFound`, `PreconditionFailed`, `Ended`, `StillNeeded`.
    """
    await one_at_a_time(session)
    found = await get_contact_point(session, *point)
    _refuse_stale(found, version)
    _refuse_needed(await needs_of_contact_point(session, found, content, _today()))
    await organisations.change_contact_point(session, caller.who, found, content)
    return found


async def end_contact_point(
    session: AsyncSession, caller: Caller, *, point: tuple[UUID, UUID]
) -> ContactPoint:
    """End a contact point of an organisation at once (`point`: both ids); raises `NotFound`, `Ended`, `StillNeeded`."""
    await one_at_a_time(session)
    found = await get_contact_point(session, *point)
    _refuse_needed(await needs_of_contact_point(session, found, None, _today()))
    await organisations.end_contact_point(session, caller.who, found)
    return found


async def add_client(session: AsyncSession, caller: Caller, *, content: ClientCreate) -> Client:
    """A new client, without a secret or key; raises `Invalid`, `Ended`, `MoreThanOwn`, `NameTaken`."""
    await one_at_a_time(session)
    await _refuse_unfit_organisation(session, content.organisation)
    _refuse_more_than_own(caller, content.role, content.scopes)
    return await access.add_client(
        session,
        caller.who,
        organisation_id=content.organisation,
        name=content.name,
        role=content.role,
        scopes=content.scopes,
        municipalities=content.municipalities,
    )


async def change_client(
    session: AsyncSession, caller: Caller, *, client_id: UUID, version: int, content: ClientChange
) -> Client:
    """Replace name, scopes and territory; raises `NotFound`, `PreconditionFailed` and as `add_client`."""
    client = await client_to_open(session, caller, client_id=client_id)
    _refuse_stale(client, version)
    _refuse_more_than_own(caller, client.role, content.scopes)
    await access.change_client(session, caller.who, client, **dict(content))
    return client


async def end_client(session: AsyncSession, caller: Caller, *, client_id: UUID) -> Client:
    """The kill switch; raises `NotFound` only."""
    client = await client_to_close(session, client_id=client_id)
    await access.end_clients(session, caller.who, [client])
    return client


async def client_to_close(session: AsyncSession, *, client_id: UUID) -> Client:
    """A client from which something is taken; raises `NotFound`."""
    await one_at_a_time(session)
    return await get_client(session, client_id)


async def client_to_open(session: AsyncSession, caller: Caller, *, client_id: UUID) -> Client:
    """A client to which this caller may give something; raises `NotFound`, `MoreThanOwn`."""
    client = await client_to_close(session, client_id=client_id)
    _refuse_more_than_own(caller, client.role, client.scopes)
    return client


def _today() -> date:
    return clock.local_day(clock.receipt_moment())


def _refuse_stale(thing: Organisation | ContactPoint | Client, version: int) -> None:
    if thing.version != version:
        raise PreconditionFailed


def _refuse_needed(needs: list[Fault]) -> None:
    if needs:
        raise StillNeeded(errors=needs)


def _refuse_more_than_own(caller: Caller, role: str, scopes: Iterable[str] | None) -> None:
    """No way up: else a narrow administrator could make itself a wide one."""
    wanted = ROLE_SCOPES["administrator"] if scopes is None else scopes
    if role == "administrator" and not caller.scopes.issuperset(wanted):
        raise MoreThanOwn


async def _refuse_unfit_organisation(session: AsyncSession, organisation_id: UUID) -> None:
    try:
        organisation = await get_organisation(session, organisation_id)
    except NotFound:
        fault = Fault("/organisation", "unknown", "There is no such organisation.")
        raise Invalid(errors=[fault]) from None
    if organisation.ended_at is not None:
        raise Ended
