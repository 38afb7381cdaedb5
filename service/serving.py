"""Serving the register: what must hold of its database before production starts."""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from service.agreements.queries import holds_demo_data
from service.app import create_app
from service.database import Database
from service.settings import Settings, UnsafeSettings
from service.shell import serve_until_ended


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
    serve_until_ended(app, host=host, port=port, trusted_proxies=settings.trusted_proxies)
