"""A key service of the demo's own, beside the register: a process, a throw-away database, keys and clients of its own.

Called by `story`. In production another party runs it, on another host; a production start refuses anything else.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from service.access.actions import add_client, add_secret
from service.access.roles import PARTNER
from service.database import Database
from service.demo.loading import LOADER, Credential, Loaded
from service.demo.processes import started
from service.migrations import KEY_SERVICE, migrate_database
from service.trail import AuditEntry

UNLIMITED = ("EVALUATIONS_PER_MINUTE", "EVALUATIONS_PER_DAY", "LIMIT_REQUESTS", "LIMIT_TOKENS")
EVALUATED = "pseudonym.evaluate"


@dataclass(frozen=True)
class DemoKeyService:
    """A running key service, and the credentials of the partners there."""

    url: str
    database_url: str
    credentials: dict[str, Credential]

    async def written_down(self) -> str:
        """The last evaluation in its trail, as it stands there."""
        database = Database(self.database_url, pool_size=1)
        entries = AuditEntry.__table__  # type: ignore[attr-defined]
        chosen = select(entries).where(entries.c.act == EVALUATED).order_by(entries.c.at.desc()).limit(1)
        try:
            async with database.reading() as session:
                row = (await session.execute(chosen)).one()
        finally:
            await database.close()
        return f"client {row.client_id}, {row.act}, epoch {row.object_id}, {row.times} element(s)"


@contextmanager
def running(loaded: Loaded, partners: Sequence[str], *, port: int) -> Iterator[DemoKeyService]:
    """A key service with a client for each of these partners of the pack, ended with the block."""
    with tempfile.TemporaryDirectory(prefix="signal-keyservice-") as name:
        folder = Path(name)
        database_url = f"sqlite+aiosqlite:///{folder}/keyservice.db"
        migrate_database(database_url, section=KEY_SERVICE)
        credentials = asyncio.run(_add_clients(database_url, loaded, partners))
        url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "SIGNAL_ENV": "development",
            "SIGNAL_KEYSERVICE_DATABASE_URL": database_url,
            "SIGNAL_KEYSERVICE_KEY_DIR": str(folder / "keys"),
            "SIGNAL_KEYSERVICE_PUBLIC_URL": url,
            "SIGNAL_KEYSERVICE_LOG_LEVEL": "WARNING",
            **{f"SIGNAL_KEYSERVICE_{limit}": "1000000" for limit in UNLIMITED},
        }
        with started(["keyservice", "serve", "--port", str(port)], environment, url):
            yield DemoKeyService(url, database_url, credentials)


async def _add_clients(url: str, loaded: Loaded, partners: Sequence[str]) -> dict[str, Credential]:
    database, credentials = Database(url, pool_size=1), {}
    try:
        async with database.writing() as session:
            for partner in partners:
                known = loaded.credentials[partner]
                client = await add_client(
                    session, LOADER, organisation_id=known.organisation_id, name=partner, role=PARTNER
                )
                _, secret = await add_secret(session, LOADER, client)
                credentials[partner] = Credential(
                    str(client.id), secret, PARTNER, known.organisation, known.organisation_id
                )
    finally:
        await database.close()
    return credentials
