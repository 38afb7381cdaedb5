"""Putting it together: settings become an application.

`create_app` builds the parts, wires the rooms' doors under `/v1` and wraps all in the HTTP layer. It holds no
state but connections, queues and caches; many processes can run beside each other on one database.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from starlette.datastructures import Headers
from starlette.types import Scope

from service import clock, trail
from service.access import api as access
from service.access.errors import OAuthProblem
from service.access.granting import Desk
from service.access.keyring import Press
from service.access.metadata import TOKEN_PATH
from service.access.throttle import Throttle
from service.access.verifying import Verifier
from service.administration import api as administration
from service.administration import clients_api as clients
from service.agreements import api as agreements
from service.contract import Contract
from service.database import Database
from service.doors import caller_of
from service.errors import Problem, TooManyRequests, Unauthenticated, Unavailable
from service.http import API_VERSION, HttpLayer
from service.intake import api as intake
from service.intake.actions import BATCH_CONNECTIONS, Intake
from service.keys import load_keys
from service.limits import Limits
from service.logs import configure_logs
from service.openapi import describe
from service.problems import install_problem_handlers
from service.pseudonyms.sealing import Sealer
from service.referrals import api as referrals
from service.routing import api as routing
from service.screening.staff import is_opaque
from service.settings import Settings, load_settings
from service.signals import api as signals
from service.statistics import api as statistics
from service.trail import Trail
from service.vocabulary import api as vocabulary

UUID_FORM = re.compile(r"(?<=/)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|\Z)")
# Looked through in this order for each request: those that are asked most come first.
ROOMS = (intake, signals, referrals, routing, vocabulary, agreements, administration, clients, statistics)


def create_app(settings: Settings | None = None) -> HttpLayer:
    """The application as an ASGI callable."""
    settings = settings or load_settings()
    configure_logs(settings.log_level)
    clock.follow(settings.clock_file)
    api = _api()
    root = _root(api.openapi)
    parts = _parts(settings)
    for app in (root, api):
        for name, part in parts.items():
            setattr(app.state, name, part)
    contract = Contract([("", root.openapi()), ("/v1", api.openapi())])
    return HttpLayer(root, contract, _refusals(parts["trail"], parts["verify"]), below={"/v1": api})


def api_document() -> dict[str, Any]:
    """The OpenAPI document of `/v1`: what `openapi/openapi.json` holds."""
    return _api().openapi()


def _api() -> FastAPI:
    api = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, version=API_VERSION
    )
    for room in ROOMS:
        api.include_router(room.router)
    describe(api)
    install_problem_handlers(api)
    return api


def _root(document: Callable[[], dict[str, Any]]) -> FastAPI:
    root = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=_lifespan
    )

    @root.get("/health/live", operation_id="get_liveness", tags=["operations"])
    async def get_liveness() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @root.get("/health/ready", operation_id="get_readiness", tags=["operations"])
    async def get_readiness() -> dict[str, str]:
        """The database answers too."""
        if not await _answers(root.state.database):
            raise Unavailable
        return {"status": "ready"}

    @root.get("/v1/openapi.json", operation_id="get_openapi", tags=["about"])
    async def get_openapi() -> dict[str, Any]:
        """The contract of /v1."""
        return document()

    root.include_router(access.router)
    install_problem_handlers(root)
    return root


def _parts(settings: Settings) -> dict[str, Any]:
    """Everything with a life of its own, by the name under which doors find it."""
    keys = load_keys(settings.key_dir, make_missing=settings.env != "production")
    press = Press(
        settings.key_dir,
        name=settings.public_url,
        audience=f"{settings.public_url}/v1",
        minutes=settings.token_minutes,
    )
    database = Database(settings.database_url, pool_size=settings.pool_size)
    flushers = 1 if settings.is_sqlite else settings.flushers
    sealer = Sealer(keys)
    limits = Limits(
        {
            "reading": settings.limit_reading,
            "writing": settings.limit_writing,
            "batches": settings.limit_batches,
            "tokens": settings.limit_tokens,
        }
    )
    audiences = frozenset({settings.public_url, settings.public_url + TOKEN_PATH})
    return {
        "settings": settings,
        "keys": keys,
        "press": press,
        "desk": Desk(database, press, Throttle(), limits, audiences),
        "database": database,
        "limits": limits,
        "is_opaque": is_opaque,
        "verify": Verifier(database, press, recheck_seconds=settings.client_recheck_seconds),
        "trail": Trail(database.sibling(1), capacity=settings.queue_size),
        "sealer": sealer,
        "intake": Intake(
            database.sibling(flushers + BATCH_CONNECTIONS),
            sealer,
            release_period=settings.release_period,
            size=settings.group_size,
            capacity=settings.queue_size,
            flushers=flushers,
        ),
    }


async def _answers(database: Database) -> bool:
    try:
        async with database.reading() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        return False
    return True


@asynccontextmanager
async def _lifespan(root: FastAPI) -> AsyncIterator[None]:
    state = root.state
    state.trail.start()
    state.intake.queue.start()
    yield
    await state.intake.queue.stop()
    await state.trail.stop()
    await state.database.close()


def _refusals(recorder: Trail, verify: Verifier) -> Any:
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


def _object_id(path: str) -> str | None:
    """The id in a path; anything else there is free text and is not kept."""
    found = UUID_FORM.search(path)
    return found[0] if found else None
