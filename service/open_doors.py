"""Doors that are open to everybody where the register is set so: published statistics (`SIGNAL_PUBLIC_STATISTICS`).

Who brings a token is known there as everywhere. Requests of nobody known are counted by address, apart from those of
clients. Called by the rooms of statistics, and by what answers a request that is broken.
"""

from typing import Annotated, Any

from fastapi import Depends, Header, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import SecurityScopes

from service.caller import NO_CLIENT, Caller
from service.doors import count, enter, identify, oauth2

PUBLIC = Caller(NO_CLIENT, NO_CLIENT, "public", frozenset(), ())


async def _enter_where_open(
    request: Request,
    wanted: SecurityScopes,
    _scheme: Annotated[Any, Depends(oauth2)],
    actor: Annotated[str | None, Header(description="As everywhere, for who comes with a token.")] = None,
) -> Caller:
    """The door of what the register may open to the public: nobody needs a token there; who brings one is known."""
    if not _is_open(request):
        return await enter(request, wanted, _scheme, actor)
    _count_publicly(request)
    return PUBLIC


async def let_in(request: Request) -> None:
    """Raise unless the caller is known, or the door of its route is open to everybody."""
    route: Any = request.scope.get("route")
    if route is not None and _leads_by(route.dependant) and _is_open(request):
        _count_publicly(request)
    else:
        await identify(request)


def _leads_by(dependant: Dependant) -> bool:
    """Whether the open door is among what a route needs."""
    return dependant.call is _enter_where_open or any(map(_leads_by, dependant.dependencies))


def _is_open(request: Request) -> bool:
    """Whether somebody without a token may come in where statistics are read."""
    return request.app.state.settings.public_statistics and "authorization" not in request.headers


def _count_publicly(request: Request) -> None:
    """Count the request of an address, once; of an IPv6 one with all its neighbours: who has one has 2^64."""
    if getattr(request.state, "allowance", None) is not None:
        return
    host = request.client.host if request.client else ""
    neighbours = ":".join(host.split(":")[:4]) if ":" in host else host
    count(request, neighbours, request.app.state.public_limits)


def entering_where_open(*scopes: str) -> Any:
    """As `entering`, but open to everybody where `SIGNAL_PUBLIC_STATISTICS` says so."""
    return Security(_enter_where_open, scopes=list(scopes))
