"""Serving with uvicorn: one process, no access log of its own (ours has no paths), no `server` header."""

import asyncio
import gc

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from service.agreements.queries import holds_demo_data
from service.app import create_app
from service.database import Database
from service.settings import Settings, UnsafeSettings


async def _refuse_demo_data(settings: Settings) -> None:
    """Raise `UnsafeSettings` for a production database that holds demo data, or cannot be read."""
    database = Database(settings.database_url, pool_size=1)
    try:
        async with database.reading() as session:
            if await holds_demo_data(session):
                raise UnsafeSettings("not started: the database holds demo data")
    except (SQLAlchemyError, OSError):
        raise UnsafeSettings("not started: the database is away or not migrated") from None
    finally:
        await database.close()


def serve_forever(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal ends it; what was acknowledged is durable, what waits is committed first."""
    app = create_app(settings)
    if settings.env == "production":
        asyncio.run(_refuse_demo_data(settings))
    # What start-up made stays for good: without this the collector walks it again and again under load.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
