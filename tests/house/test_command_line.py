"""The commands, as processes."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from service.keys import load_keys
from service.migrations import migrate_database
from service.routing.defaults import NAMES, default_rule_sets
from service.routing.table import from_table
from tests.support.register import ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "register.db"
    assert run("migrate", SIGNAL_DATABASE_URL=f"sqlite+aiosqlite:///{file}").returncode == 0
    return file


def test_areas_of_a_coming_year_are_fixed_once_and_recorded(database: Path) -> None:
    url = f"sqlite+aiosqlite:///{database}"
    first = run("admin", "areas", "2099", "GM0794", "GM0228", "--actor", "staff.1", SIGNAL_DATABASE_URL=url)
    again = run("admin", "areas", "2099", "GM0794", "--actor", "staff.1", SIGNAL_DATABASE_URL=url)

    assert (first.returncode, again.returncode) == (0, 1)
    with sqlite3.connect(database) as connection:
        (stored,) = connection.execute("SELECT areas FROM area_plan WHERE year = 2099").fetchone()
        acts = connection.execute("SELECT act, actor, outcome FROM audit_entry").fetchall()
    codes = {area["code"] for area in json.loads(stored)}
    assert {"GM0794", "VR22-OTHER", "GM0228", "VR07-OTHER", "VR01"} <= codes
    assert acts == [("areas.set", "staff.1", "done")]


@pytest.mark.parametrize(
    ("year", "municipality"),
    [("2020", "GM0794"), ("2099", "GM9999")],
    ids=["a year that began", "no such place"],
)
def test_areas_that_cannot_be_set_are_refused(database: Path, year: str, municipality: str) -> None:
    url = f"sqlite+aiosqlite:///{database}"
    ended = run("admin", "areas", year, municipality, "--actor", "staff.1", SIGNAL_DATABASE_URL=url)

    assert (ended.returncode, ended.stderr.startswith("not done: ")) == (1, True)
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM area_plan").fetchone() == (0,)


def test_generating_is_reproducible_and_knows_its_clients() -> None:
    first = run("generate", "--count", "5", "--seed", "1", "--for", "police-ede")
    again = run("generate", "--count", "5", "--seed", "1", "--for", "police-ede")

    assert first.stdout == again.stdout
    assert [type(json.loads(line)) for line in first.stdout.splitlines()] == [dict] * 5
    assert run("generate", "--count", "5", "--seed", "1", "--for", "nobody").returncode == 2


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"SIGNAL_PUBLIC_URL": "http://register.example"}, "not https"),
        ({"SIGNAL_PUBLIC_URL": "https://register.example", "SIGNAL_ALLOW_SQLITE": "true"}, "subject.key"),
    ],
    ids=["no https", "no keys"],
)
def test_production_does_not_start_on_anything_unsafe(
    tmp_path: Path, settings: dict[str, str], reason: str
) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/register.db"
    ended = run(
        "serve",
        "--port",
        "1",
        SIGNAL_ENV="production",
        SIGNAL_DATABASE_URL=database,
        SIGNAL_KEY_DIR=str(tmp_path / "keys"),
        **settings,
    )
    assert (ended.returncode, reason in ended.stderr) == (2, True)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_default_rule_set_is_printed_as_a_draft_or_as_a_table(name: str) -> None:
    content = default_rule_sets()[name]
    draft = run("admin", "default-rules", name)
    assert (draft.returncode, json.loads(draft.stdout)) == (0, content.as_json())
    table = run("admin", "default-rules", name, "--table")
    assert (table.returncode, from_table(table.stdout.encode())) == (0, content.rules)


def test_a_default_rule_set_of_another_name_is_none() -> None:
    ended = run("admin", "default-rules", "amsterdam")
    assert (ended.returncode, ended.stdout) == (2, "")


def test_production_does_not_start_on_demo_data(database_url: str, tmp_path: Path) -> None:
    load_keys(tmp_path / "keys", make_missing=True)
    ended = run(
        "serve",
        "--port",
        "1",
        SIGNAL_ENV="production",
        SIGNAL_DATABASE_URL=database_url,
        SIGNAL_ALLOW_SQLITE="true",
        SIGNAL_PUBLIC_URL="https://register.example",
        SIGNAL_KEY_DIR=str(tmp_path / "keys"),
    )
    assert (ended.returncode, ended.stderr) == (2, "not started: the database holds demo data\n")


def test_production_does_not_start_without_the_keys_of_every_label(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    migrate_database(url)
    load_keys(tmp_path / "keys", make_missing=True)
    (tmp_path / "keys/subject.key").rename(tmp_path / "keys/subject-k2.key")
    ended = run(
        "serve",
        "--port",
        "1",
        SIGNAL_ENV="production",
        SIGNAL_DATABASE_URL=url,
        SIGNAL_ALLOW_SQLITE="true",
        SIGNAL_PUBLIC_URL="https://register.example",
        SIGNAL_KEY_DIR=str(tmp_path / "keys"),
    )
    assert ended.returncode == 2
    assert "subject.key cannot be read" in ended.stderr


def test_production_does_not_start_on_a_database_that_it_cannot_read(tmp_path: Path) -> None:
    load_keys(tmp_path / "keys", make_missing=True)
    ended = run(
        "serve",
        "--port",
        "1",
        SIGNAL_ENV="production",
        SIGNAL_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/empty.db",
        SIGNAL_ALLOW_SQLITE="true",
        SIGNAL_PUBLIC_URL="https://register.example",
        SIGNAL_KEY_DIR=str(tmp_path / "keys"),
    )
    assert ended.returncode == 2
    assert ended.stderr == "not started: the database is away or not migrated\n"
