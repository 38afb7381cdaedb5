"""schemathesis with all its checks on the running service, as each role, over HTTP.

The quick form goes through the operations that a role may enter. Its long part, every bad input that the document
lets one think of, is taken by the first role that may enter an operation: what is judged there is the same for all.
With SCHEMATHESIS=heavy (`make fuzz`) every role tries everything, longer, on both databases.
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
ALL_PHASES = "examples,coverage,fuzzing,stateful"


def parts_of(role: str, ending: bool) -> list[tuple[str, list[str]]]:
    """What a role goes through: phases, and the operations that they go over."""
    if ending:
        return [(ALL_PHASES, list(ENDING))]
    if HEAVY:
        return [(ALL_PHASES, [name for name in TABLE if name not in ENDING])]
    roles = list(CLIENTS)
    before = roles[: roles.index(role)]
    entered = [name for name in TABLE if role in TABLE[name].roles and name not in ENDING]
    first = [name for name in entered if not TABLE[name].roles & set(before)]
    return [
        (phases, names) for phases, names in (("coverage", first), ("fuzzing,stateful", entered)) if names
    ]


@pytest.mark.parametrize(("role", "ending"), RUNS)
@pytest.mark.parametrize("database", ENGINES if HEAVY else ENGINES[:1])
async def test_all_checks_hold(
    role: str, ending: bool, database: str, templates: Templates, tmp_path: Path
) -> None:
    with templates.copy(database) as url, server(url, tmp_path, token_minutes=60) as running:
        async with calling(running.url, url, templates.loaded[database]) as register:
            token = await register.token(CLIENTS[role])
        for phases, names in parts_of(role, ending):
            done = await asyncio.to_thread(schemathesis, running.url, token, phases, names, tmp_path)
            assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
            assert f"Tested: {len(names)}\n" in done.stdout


def schemathesis(
    url: str, token: str, phases: str, names: list[str], folder: Path
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            f"{url}/v1/openapi.json",
            *("--header", f"Authorization: Bearer {token}", "--header", "Actor: staff.one"),
            *("--checks", "all", "--seed", "1", "--max-examples", "60" if HEAVY else "2"),
            *("--generation-deterministic", "--continue-on-failure", "--no-color", "--warnings", "off"),
            *("--phases", phases, *(f"--include-operation-id={name}" for name in names)),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.house.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
        timeout=900,
    )


def test_every_operation_is_covered_by_a_role() -> None:
    parts = [part for role, ending in RUNS for part in parts_of(role, ending)]
    assert {name for phases, names in parts if "coverage" in phases for name in names} == set(TABLE)
