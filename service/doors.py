"""The doors that a route names: who comes in, as whom, and into which transaction.

`entering(scope)` is the door of an operation. What is above this ground is handed over by `app.py`: verification as
`app.state.verify`, the guard's judgement of staff ids as `app.state.is_opaque`. A route that names no door is
open to everybody, and a test lists those.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response, Security
from fastapi.security import OAuth2, SecurityScopes
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers

from service.caller import ACTOR_FORM, Caller
from service.database import Database
from service.errors import (
    Abandoned,
    Fault,
    Forbidden,
    Invalid,
    PreconditionRequired,
    TooManyRequests,
    Unauthenticated,
)
from service.limits import Allowance, Limits
from service.trail import Trail

Verify = Callable[[str], Awaitable[Caller]]
IsOpaque = Callable[[str], bool]

LONGEST_WAIT = 30.0
WAIT_FORM = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?:$|[,;])", re.IGNORECASE)
ETAG_FORM = re.compile(r'"([1-9][0-9]{0,8})"\Z')


SCOPES: dict[str, str] = {
    "signals:write": "register, check, correct and withdraw signals",
    "signals:read": "read one's own signals",
    "referrals:read": "read the queue of one's own organisation",
    "referrals:work": "claim, accept, forward and close referrals",
    "referrals:place": "see and place what a second contact point returned, without its content",
    "events:read": "read the feed of one's own organisation",
    "statistics:read": "read published releases",
    "statistics:compile": "compile and publish releases",
    "organisations:read": "read organisations and contact points",
    "organisations:write": "add, change and end organisations and contact points",
    "clients:read": "read clients",
    "clients:write": "add, change and end clients, their secrets and keys",
    "agreements:read": "read working agreements",
    "agreements:write": "draft, activate and end working agreements",
    "rules:read": "read, analyse and simulate rule sets",
    "rules:write": "draft, activate and retire rule sets",
}

oauth2 = OAuth2(
    scheme_name="clientCredentials",
    flows={"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": SCOPES}},
    auto_error=False,
)


async def identify(request: Request) -> Caller:
    """The caller of this request, counted; raises `Unauthenticated`, `TooManyRequests`.

    Known afterwards as `request.state.caller`.
    """
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    state = request.app.state
    caller = await caller_of(request.headers, state.verify, state.is_opaque, request.state.trace_id)
    request.state.caller = caller
    count(request, caller.client_id, request.app.state.limits)
    return caller


def count(request: Request, who: Hashable, limits: Limits) -> None:
    """Count the request of a client, or of an address; raises `TooManyRequests`."""
    allowance: Allowance = limits.take(who, _kind_of(request))
    request.state.allowance = allowance
    if allowance.exceeded:
        raise TooManyRequests(headers={"Retry-After": str(allowance.resets_in)})


def _kind_of(request: Request) -> str:
    """The class of a request, for its limit."""
    if request.method == "GET":
        return "reading"
    return "batches" if request.scope["path"].endswith("/_batch") else "writing"


async def caller_of(headers: Headers, verify: Verify, is_opaque: IsOpaque, trace_id: str) -> Caller:
    """Who sends these headers; raises `Unauthenticated`. An actor of another form, or that names one, is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    actor = headers.get("actor", "")
    fits = ACTOR_FORM.match(actor) is not None and is_opaque(actor)
    return replace(await verify(token), actor=actor if fits else None, trace_id=trace_id)


async def enter(
    request: Request,
    wanted: SecurityScopes,
    _scheme: Annotated[Any, Depends(oauth2)],
    actor: Annotated[
        str | None,
        Header(description="Opaque staff id, 4–64 of [A-Za-z0-9._-]; required from every role but reporter."),
    ] = None,
) -> Caller:
    """The door: a valid token, its scopes, and for every role but reporter the person who acts."""
    caller = await identify(request)
    if not caller.scopes.issuperset(wanted.scopes):
        raise Forbidden(headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
    if caller.actor is None and (actor is not None or caller.role != "reporter"):
        raise Invalid(errors=[_actor_fault(actor)])
    return caller


def _actor_fault(actor: str | None) -> Fault:
    code, text = "not-opaque", "A staff id that names nobody: no name, no number of a person."
    if actor is None:
        code, text = "required", "Every role but reporter says who acts."
    elif not ACTOR_FORM.match(actor):
        code, text = "wrong-form", "4–64 of letters, digits, dot, underscore and dash."
    return Fault("header:Actor", code, text)


def entering(*scopes: str) -> Any:
    """The door of an operation, for the route's signature: `caller: Annotated[Caller, entering("…")]`."""
    return Security(enter, scopes=list(scopes))


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.reading() as session:
        yield session


async def _writing(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.writing() as session:
        yield session


async def _trail_of(request: Request) -> Trail:
    return request.app.state.trail  # type: ignore[no-any-return]


# scope="function": the transaction ends, and a commit happens, before the answer leaves.
Reading = Annotated[AsyncSession, Depends(_reading, scope="function")]
Writing = Annotated[AsyncSession, Depends(_writing, scope="function")]
Recording = Annotated[Trail, Depends(_trail_of)]


def link_next(request: Request, response: Response, next_cursor: str | None, *, name: str = "cursor") -> None:
    """Tell where the next page is, if there is one (RFC 8288)."""
    if next_cursor is not None:
        following = request.url.include_query_params(**{name: next_cursor})
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'


async def _patience(
    prefer: Annotated[
        str | None,
        Header(
            description="`wait=20` waits up to so many seconds, at most 30, for something to answer with."
        ),
    ] = None,
) -> float:
    """Seconds that the caller likes to wait (RFC 7240); a preference that is not understood is none."""
    wanted = WAIT_FORM.search(prefer or "")
    return min(float(wanted[1]), LONGEST_WAIT) if wanted else 0.0


async def still_there(request: Request) -> None:
    """Raise `Abandoned` when the caller has gone: nothing is done for somebody who does not hear of it."""
    if await request.is_disconnected():
        raise Abandoned


Patience = Annotated[float, Depends(_patience)]


async def _if_match(
    if_match: Annotated[str | None, Header(description='The ETag that you read last, e.g. "3".')] = None,
) -> int:
    if if_match is None:
        raise PreconditionRequired
    form = ETAG_FORM.match(if_match)
    if form is None:
        raise Invalid(errors=[Fault("header:If-Match", "wrong-form", 'One strong ETag, as in "3".')])
    return int(form[1])


IfMatch = Annotated[int, Depends(_if_match)]


async def _idempotency_key(
    key: Annotated[
        UUID,
        Header(
            alias="Idempotency-Key",
            description="A UUID of your choice; the same key and body give the first answer again.",
        ),
    ],
) -> UUID:
    return key


IdempotencyKey = Annotated[UUID, Depends(_idempotency_key)]
