"""schemathesis with all its checks on the running service, as each role, over HTTP.

The quick form goes through the operations that a role may enter; with SCHEMATHESIS=heavy (`make fuzz`) every
role tries all of them, longer, on both databases.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ENGINES
from tests.house.test_every_operation import CLIENTS, TABLE
from tests.support.register import ROOT, Templates, calling, server

HEAVY = os.environ.get("SCHEMATHESIS") == "heavy"
CONFIG = Path(__file__).with_name("schemathesis.toml")


# The administrator's own client and organisation are among what these end: they have a run to themselves.
ENDING = ("end_client", "end_organisation")
RUNS = [(role, False) for role in CLIENTS] + [("administrator", True)]


@pytest.mark.parametrize(("role", "ending"), RUNS)
@pytest.mark.parametrize("database", ENGINES if HEAVY else ENGINES[:1])
async def test_all_checks_hold(
    role: str, ending: bool, database: str, templates: Templates, tmp_path: Path
) -> None:
    entered = [name for name in TABLE if role in TABLE[name].roles or HEAVY]
    chosen = ENDING if ending else [name for name in entered if name not in ENDING]
    with templates.copy(database) as url, server(url, tmp_path, token_minutes=60) as running:
        async with calling(running.url, url, templates.loaded[database]) as register:
            token = await register.token(CLIENTS[role])
        done = await asyncio.to_thread(
            subprocess.run,
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
                f"{running.url}/v1/openapi.json",
                *("--header", f"Authorization: Bearer {token}", "--header", "Actor: staff.one"),
                *("--checks", "all", "--seed", "1", "--max-examples", "60" if HEAVY else "2"),
                *("--generation-deterministic", "--continue-on-failure", "--no-color", "--warnings", "off"),
                *(f"--include-operation-id={name}" for name in chosen),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.house.schemathesis_hooks",
                "PYTHONPATH": str(ROOT),
            },
            timeout=900,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert f"Tested: {len(chosen)}\n" in done.stdout
