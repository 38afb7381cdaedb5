"""Putting it together: settings become an application.

`create_app` builds the parts, wires the rooms' doors under `/v1` and wraps all in the HTTP layer. It holds no
state but connections, queues and caches; many processes can run beside each other on one database.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.routing import BaseRoute

from service import clock
from service.administration import api as administration
from service.administration import clients_api as clients
from service.agreements import api as agreements
from service.database import Database
from service.events import api as events
from service.events.watching import FeedWatch
from service.http import HttpLayer
from service.intake import api as intake
from service.intake.actions import BATCH_CONNECTIONS, Intake
from service.jobs import Jobs, register_jobs
from service.keys import load_keys
from service.limits import Limits
from service.logs import configure_logs
from service.openapi import describe
from service.operations import operations
from service.problems import install_problem_handlers
from service.pseudonyms.queries import label_in_use
from service.pseudonyms.sealing import Sealer
from service.referrals import api as referrals
from service.referrals import reporter_api, returned_api, steps_api
from service.report import api as report
from service.routing import api as routing
from service.routing import rule_sets_api, trials_api
from service.routing.workbench import Workbench
from service.screening.staff import is_opaque
from service.settings import Settings, load_settings
from service.shell import access_parts, assembled, bare_app
from service.signals import api as signals
from service.statistics import api as statistics
from service.statistics import compilations_api
from service.statistics.shelf import Shelf
from service.trail import Trail
from service.vocabulary import api as vocabulary

DESCRIPTION = (
    "Pseudonymised signals of exploitation in, referrals for a central contact point out, and aggregated "
    "counts that cannot be turned back into a person."
)
JOB_CONNECTIONS = 2
# Looked through in this order for each request: those that are asked most come first.
ROOMS = (
    intake,
    signals,
    referrals,
    steps_api,
    events,
    reporter_api,
    routing,
    vocabulary,
    agreements,
    administration,
    clients,
    rule_sets_api,
    trials_api,
    returned_api,
    statistics,
    compilations_api,
    report,
)


def create_app(settings: Settings | None = None) -> HttpLayer:
    """The application as an ASGI callable."""
    settings = settings or load_settings()
    configure_logs(settings.log_level)
    clock.follow(settings.clock_file)
    api = _api()
    api.openapi_schema = api_document()
    return assembled(api, _parts(settings), _lifespan, operations)


@cache
def api_document() -> dict[str, Any]:
    """The OpenAPI document of `/v1`: what `openapi/openapi.json` holds. Made once: nothing here takes longer."""
    return _api().openapi()


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes of all rooms. Made once for every application of a process, for they hold nothing of it."""
    every = APIRouter(redirect_slashes=False)
    for room in ROOMS:
        every.include_router(room.router)
    return every.routes


def _api() -> FastAPI:
    api = bare_app()
    api.router.routes.extend(_routes())
    describe(api, title="Signal Register", description=DESCRIPTION)
    install_problem_handlers(api)
    return api


def _parts(settings: Settings) -> dict[str, Any]:
    """Everything with a life of its own, by the name under which doors find it."""
    keys = load_keys(settings.key_dir, make_missing=settings.env != "production")
    database = Database(settings.database_url, pool_size=settings.pool_size)
    every_job = register_jobs(keys.release)
    flushers = 1 if settings.is_sqlite else settings.flushers
    sealer = Sealer(settings.key_dir)
    limits = Limits(
        {
            "reading": settings.limit_reading,
            "writing": settings.limit_writing,
            "batches": settings.limit_batches,
            "tokens": settings.limit_tokens,
        }
    )
    return {
        "settings": settings,
        "keys": keys,
        **access_parts(settings, database, limits),
        "database": database,
        "check_ready": partial(_check_ready, sealer),
        "limits": limits,
        "public_limits": Limits({"reading": settings.limit_reading}),
        "is_opaque": is_opaque,
        "watch": FeedWatch(database),
        "jobs": Jobs(database.sibling(JOB_CONNECTIONS), every_job if settings.jobs else ()),
        "every_job": every_job,
        "trail": Trail(database.sibling(1), capacity=settings.queue_size),
        "sealer": sealer,
        "workbench": Workbench(),
        "shelf": Shelf(),
        "intake": Intake(
            database.sibling(flushers + BATCH_CONNECTIONS),
            sealer,
            release_period=settings.release_period,
            size=settings.group_size,
            capacity=settings.queue_size,
            flushers=flushers,
        ),
    }


def create_worker(settings: Settings) -> HttpLayer:
    """A process of jobs alone: they run, and health and metrics answer; nothing under `/v1`."""
    configure_logs(settings.log_level)
    clock.follow(settings.clock_file)
    parts = _parts(settings)
    return assembled(
        bare_app(),
        parts | {"jobs": Jobs(parts["database"].sibling(JOB_CONNECTIONS), parts["every_job"])},
        _lifespan,
        operations,
    )


async def _check_ready(sealer: Sealer, session: AsyncSession) -> None:
    sealer.under(await label_in_use(session))


@asynccontextmanager
async def _lifespan(root: FastAPI) -> AsyncIterator[None]:
    state = root.state
    state.trail.start()
    state.intake.queue.start()
    state.jobs.start()
    yield
    await state.jobs.stop()
    await state.watch.stop()
    await state.intake.queue.stop()
    await state.trail.stop()
    await state.database.close()
