"""Putting the key service together: its settings become an application, as `service/app.py` does for the register."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from service.database import Database
from service.http import HttpLayer
from service.keyservice import api
from service.keyservice.epochs import Epochs, make_missing_keys
from service.keyservice.settings import KeyServiceSettings, load_key_service_settings
from service.limits import Limits
from service.logs import configure_logs
from service.openapi import describe
from service.problems import install_problem_handlers
from service.shell import access_parts, assembled, bare_app
from service.trail import Trail

DESCRIPTION = (
    "Evaluates blinded elements (RFC 9497), so that a partner can make the token of a person without telling "
    "anybody who it is. It sees no identity; the register sees no number; neither can try all numbers alone."
)


def create_key_service(settings: KeyServiceSettings | None = None) -> HttpLayer:
    """The key service as an ASGI callable."""
    settings = settings or load_key_service_settings()
    configure_logs(settings.log_level)
    inner = _api()
    inner.openapi_schema = api_document()
    return assembled(inner, _parts(settings), _lifespan)


@cache
def api_document() -> dict[str, Any]:
    """The OpenAPI document of `/v1`: what `openapi/keyservice.json` holds. Made once: nothing here takes longer."""
    return _api().openapi()


def _api() -> FastAPI:
    app = bare_app()
    app.include_router(api.router)
    describe(app, title="Signal Register: key service", description=DESCRIPTION)
    install_problem_handlers(app)
    return app


def _parts(settings: KeyServiceSettings) -> dict[str, Any]:
    """Everything with a life of its own, by the name under which doors find it."""
    if settings.env != "production":
        make_missing_keys(settings.key_dir)
    database = Database(settings.database_url, pool_size=settings.pool_size)
    limits = Limits(
        {
            "reading": settings.limit_requests,
            "writing": settings.limit_requests,
            "tokens": settings.limit_tokens,
        }
    )
    return {
        "settings": settings,
        "epochs": Epochs(settings.key_dir, purpose=settings.purpose, register=settings.register_name),
        **access_parts(settings, database, limits),
        "database": database,
        "check_ready": _check_ready,
        "limits": limits,
        "is_opaque": _nobody,
        "trail": Trail(database.sibling(1), capacity=settings.queue_size),
    }


async def _check_ready(session: AsyncSession) -> None:
    await session.execute(text("SELECT 1"))


def _nobody(actor: str) -> bool:
    """No header says who acts: the systems of partners come in, and what they say of their staff is not kept."""
    return False


@asynccontextmanager
async def _lifespan(root: FastAPI) -> AsyncIterator[None]:
    state = root.state
    state.trail.start()
    yield
    await state.trail.stop()
    await state.database.close()
