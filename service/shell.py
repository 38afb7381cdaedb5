"""The shell of an application: what the register and the key service have alike, whatever their rooms.

Keeps the way a FastAPI application is made, the doors of access and of health, how a refusal gets into the
trail, and how a process serves. Called by `app.py` and by `keyservice/app.py`. Never knows a room above access.
"""

import gc
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import uvicorn
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Scope

from service import trail
from service.access import api as access
from service.access.errors import OAuthProblem
from service.access.granting import Desk
from service.access.keyring import Press
from service.access.metadata import TOKEN_PATH
from service.access.throttle import Throttle
from service.access.verifying import Verifier
from service.contract import Contract
from service.database import Database
from service.doors import IsOpaque, caller_of
from service.errors import Problem, TooManyRequests, Unauthenticated, Unavailable
from service.http import API_VERSION, HttpLayer, RecordRefusal
from service.limits import Limits
from service.problems import install_problem_handlers
from service.trail import Trail


class AccessSettings(Protocol):
    """What both applications set for access."""

    @property
    def public_url(self) -> str: ...

    @property
    def key_dir(self) -> Path: ...

    @property
    def token_minutes(self) -> int: ...

    @property
    def client_recheck_seconds(self) -> int: ...


NOT_STARTED = 3  # the exit code of uvicorn itself, as when the port is taken
UUID_FORM = re.compile(r"(?<=/)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|\Z)")


def bare_app(**options: Any) -> FastAPI:
    """An application without what FastAPI adds by itself: documents, redirections."""
    return FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        version=API_VERSION,
        **options,
    )


def assembled(
    api: FastAPI, parts: Mapping[str, Any], lifespan: Any, beside: Callable[[], APIRouter] | None = None
) -> HttpLayer:
    """The application whose doors under `/v1` are those of `api`, in its HTTP layer; every door finds the parts.

    `beside` makes doors that are not under `/v1`.
    """
    root = _outer_app(api.openapi, lifespan, beside)
    root.openapi_schema = _outer_document(beside)
    for app in (root, api):
        for name, part in parts.items():
            setattr(app.state, name, part)
    contract = Contract([("", root.openapi()), ("/v1", api.openapi())])
    record = _refusals(parts["trail"], parts["verify"], parts["is_opaque"])
    return HttpLayer(root, contract, record, below={"/v1": api})


def access_parts(settings: AccessSettings, database: Database, limits: Limits) -> dict[str, Any]:
    """What gives tokens and what verifies them."""
    url = settings.public_url
    press = Press(settings.key_dir, name=url, audience=f"{url}/v1", minutes=settings.token_minutes)
    return {
        "press": press,
        "desk": Desk(database, press, Throttle(), limits, frozenset({url, url + TOKEN_PATH})),
        "verify": Verifier(database, press, recheck_seconds=settings.client_recheck_seconds),
    }


@cache
def _outer_document(beside: Callable[[], APIRouter] | None) -> dict[str, Any]:
    """The OpenAPI document of the outer application; made once, as that of the inner one."""
    return _outer_app(dict, None, beside).openapi()


def _outer_app(
    document: Callable[[], dict[str, Any]], lifespan: Any, beside: Callable[[], APIRouter] | None
) -> FastAPI:
    """The outer application: tokens, health, and the document of what lies under `/v1`.

    Its state has `database`, and `check_ready`, which asks that for what must be there and raises if it is not.
    """
    root = bare_app(lifespan=lifespan)

    @root.get("/health/live", operation_id="get_liveness", tags=["operations"])
    async def get_liveness() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @root.get("/health/ready", operation_id="get_readiness", tags=["operations"])
    async def get_readiness() -> dict[str, str]:
        """The database answers too, and what this machine needs is on it."""
        if not await _answers(root.state.database, root.state.check_ready):
            raise Unavailable
        return {"status": "ready"}

    @root.get("/v1/openapi.json", operation_id="get_openapi", tags=["about"])
    async def get_openapi() -> dict[str, Any]:
        """The contract of /v1."""
        return document()

    root.include_router(access.router)
    if beside is not None:
        root.include_router(beside())
    install_problem_handlers(root)
    return root


def _refusals(recorder: Trail, verify: Verifier, is_opaque: IsOpaque) -> RecordRefusal:
    """How a refusal gets into the trail: by itself where a token tells the client, else in the minute's count.

    Counted too are refusals of which a client could make any number: nobody shall flood the trail.
    """

    async def record_refusal(scope: Scope, operation: str, problem: Problem) -> None:
        state = scope["state"]
        if isinstance(problem, OAuthProblem):
            recorder.gather(operation, problem.slug, problem.of_client)
            return
        try:
            caller = state.get("caller") or await caller_of(
                Headers(scope=scope), verify, is_opaque, state["trace_id"]
            )
        except Unauthenticated:
            recorder.gather(operation, problem.slug)
            return
        if isinstance(problem, TooManyRequests):
            recorder.gather(operation, problem.slug, replace(caller.who, actor=None, trace_id=None))
            return
        thing = _object_id(scope["path"])
        await recorder.record(
            trail.entry(caller.who, operation, "access", object_id=thing, outcome=problem.slug)
        )

    return record_refusal


class _Server(uvicorn.Server):
    """One that tells when it is asked to end: whoever waits for news would keep it from ending."""

    def __init__(self, config: uvicorn.Config, when_ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ending = when_ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._when_ending()


def serve_until_ended(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    trusted_proxies: str,
    when_ending: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal ends it: one process, no access log of uvicorn's own, no `server` header.

    `when_ending` is called by the signal, before the requests that are under way get their time to end.
    """
    # What start-up made stays for good: without this the collector walks it again and again under load.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=trusted_proxies,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
    server = _Server(config, when_ending)
    with suppress(KeyboardInterrupt):  # the server has ended already when it comes
        server.run()
    if not server.started:
        raise SystemExit(NOT_STARTED)


async def _answers(database: Database, check: Callable[[AsyncSession], Awaitable[object]]) -> bool:
    try:
        async with database.reading() as session:
            await check(session)
    except Exception:
        return False
    return True


def _object_id(path: str) -> str | None:
    """The id in a path; anything else there is free text and is not kept."""
    found = UUID_FORM.search(path)
    return found[0] if found else None
