"""A filled and released register for each size and database, and the table of who won at the end of a run."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.attacks.report import table
from tests.attacks.world import World, world
from tests.support.register import Templates

HEAVY = os.environ.get("ATTACKS") == "heavy"
SMALL = (("sqlite", 300), ("postgresql", 300))
CASES = (*SMALL, ("sqlite", 3000), *((("postgresql", 3000), ("postgresql", 20_000)) if HEAVY else ()))


@dataclass(frozen=True)
class Case:
    """A released register, its database and size."""

    world: World
    engine: str
    size: int


def named(case: tuple[str, int]) -> str:
    """A case in the name of a test."""
    return f"{case[1]}-{case[0]}"


@pytest.fixture(scope="module", params=CASES, ids=named)
async def case(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Case]:
    engine, size = request.param
    async with world(templates, engine, tmp_path_factory.mktemp("attacked")) as attacked:
        await attacked.fill(size)
        await attacked.release()
        yield Case(attacked, engine, size)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Who won, of all tests that noted it, in whatever process they ran."""
    notes = [note for report in terminalreporter.getreports("passed") for note in report.user_properties]
    notes += [note for report in terminalreporter.getreports("failed") for note in report.user_properties]
    for line in table(notes):
        terminalreporter.write_line(line)
