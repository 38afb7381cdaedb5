"""The arrows between the rooms: a broken import contract of pyproject.toml is a broken build."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_every_import_contract_is_kept() -> None:
    # A process of its own: the linter reads the folder it is in, and prints as it goes.
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=PROJECT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
