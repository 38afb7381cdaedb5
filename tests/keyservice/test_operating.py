"""The key service as its operator meets it: migrations, commands, a process, and its contract."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from alembic import command
from service.database import Database
from service.keyservice.app import api_document
from service.keyservice.tables import METADATA
from service.migrations import KEY_SERVICE, alembic_config, migrate_database
from service.openapi import as_text
from tests.support.keyservice import key_service_server, prepare_key_service
from tests.support.register import ROOT, apart


def seen(url: str, look: Any) -> Any:
    """What a look at the database tells."""

    async def connect() -> Any:
        database = Database(url, pool_size=1)
        try:
            async with database.engine.connect() as connection:
                return await connection.run_sync(look)
        finally:
            await database.close()

    return apart(asyncio.run, connect())


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def test_its_migrations_go_down_and_up_again_and_make_what_the_models_say(key_database_url: str) -> None:
    known = set(METADATA.tables) | {"alembic_version"}
    prepare_key_service(key_database_url)

    assert seen(key_database_url, tables) == known
    assert seen(key_database_url, differences) == []
    apart(command.downgrade, alembic_config(key_database_url, KEY_SERVICE), "base")
    assert seen(key_database_url, tables) == {"alembic_version"}
    apart(lambda: migrate_database(key_database_url, section=KEY_SERVICE))
    assert seen(key_database_url, tables) == known


def test_it_keeps_nothing_of_the_register(key_database_url: str) -> None:
    prepare_key_service(key_database_url)
    names = seen(key_database_url, tables)

    assert not {name for name in names if name.startswith(("signal", "sealed", "referral", "organisation"))}


def test_its_contract_is_committed_as_it_is_generated() -> None:
    assert (ROOT / "openapi/keyservice.json").read_bytes() == as_text(api_document()).encode()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_from_nothing_to_an_evaluation(key_database_url: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "SIGNAL_KEYSERVICE_DATABASE_URL": key_database_url,
        "SIGNAL_KEYSERVICE_KEY_DIR": str(tmp_path / "keyservice"),
    }

    def run(*arguments: str, code: int = 0) -> str:
        line = [sys.executable, "-m", "service", "keyservice", *arguments]
        done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    staff = ("--actor", "staff.1")
    run("migrate")
    assert "no key" in run("epoch", *staff, code=1)
    run("keys")
    assert json.loads(run("epoch", *staff)) == {"epoch": 1}
    organisation = "01a2105c-267e-76fd-8834-4506288585bb"
    client = json.loads(run("client", "add", "jpt", "--organisation", organisation, *staff))
    secret = json.loads(run("secret", "add", client["id"], *staff))
    with (
        key_service_server(key_database_url, tmp_path) as running,
        httpx.Client(base_url=running.url) as http,
    ):
        auth = (secret["clientId"], secret["clientSecret"])
        token = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        assert http.get("/v1/parameters", headers=headers).json()["epoch"] == 1
        assert http.get("/v1/signals", headers=headers).status_code == 404
        assert json.loads(run("epoch", "--new", *staff)) == {"epoch": 2}
        assert json.loads(run("client", "end", client["id"], *staff))["endedAt"]
        refused = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)
        assert refused.status_code == 401
    assert client["id"] in run("client", "list", *staff)
    assert "not done" in run("secret", "add", client["id"], *staff, code=1)
    assert "not done" in run("secret", "add", organisation, *staff, code=1)
    assert "not done" in run("client", "add", "jpt", "--organisation", organisation, *staff, code=1)
    assert "--actor" in run("client", "list", "--actor", "me", code=1)
