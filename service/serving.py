"""Serving the register: what must hold of its database before production starts."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from service.agreements.queries import holds_demo_data
from service.app import create_app, create_worker
from service.database import Database
from service.events.watching import FeedWatch
from service.keys import load_sealing_keys
from service.pseudonyms.queries import labels
from service.settings import Settings, UnsafeSettings
from service.shell import serve_until_ended


async def _check_database(settings: Settings) -> None:
    """Raise `UnsafeSettings` for a production database that holds demo data, or cannot be read.

    Raises `MissingKey` where something may be sealed under a label whose keys this machine does not have.
    """
    database = Database(settings.database_url, pool_size=1)
    try:
        async with database.reading() as session:
            if await holds_demo_data(session):
                raise UnsafeSettings("not started: the database holds demo data")
            for label in await labels(session):
                load_sealing_keys(settings.key_dir, label)
    except (SQLAlchemyError, OSError):
        raise UnsafeSettings("not started: the database is away or not migrated") from None
    finally:
        await database.close()


def serve_forever(settings: Settings, host: str, port: int, *, jobs_only: bool = False) -> None:
    """Serve until a signal ends it; what was acknowledged is durable, what waits is committed first."""
    app = create_worker(settings) if jobs_only else create_app(settings)
    if settings.env == "production":
        asyncio.run(_check_database(settings))
    watch: FeedWatch = app.app.state.watch  # type: ignore[attr-defined]
    serve_until_ended(
        app,
        host=host,
        port=port,
        trusted_proxies=settings.trusted_proxies,
        when_ending=watch.end_soon,
    )
