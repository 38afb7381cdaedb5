"""Processes of the tests: a fork says, draws and ends as a process that is started anew."""

import os
import random
import secrets
import subprocess
from multiprocessing.connection import Connection

import pytest

from service.columns import new_id
from tests.support import processes
from tests.support.processes import FORKING, Spoken, command
from tests.support.register import free_port

LINES = {
    "it works": (["generate", "--count", "3", "--seed", "7"], 0),
    "it is refused": (["generate", "--count", "3", "--seed", "7", "--for", "nobody"], 2),
    "there is no such command": (["nothing"], 2),
    "the client": (["client", "post", "nowhere.csv"], 2),
}


@pytest.mark.parametrize(("line", "code"), LINES.values(), ids=LINES.keys())
def test_a_fork_says_what_a_process_anew_says(
    line: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked = command(*line)
    monkeypatch.setattr(processes, "forking", False)
    anew = command(*line)

    assert (forked.returncode, anew.returncode) == (code, code)
    assert forked.stdout == anew.stdout
    assert forked.stderr.replace("service ", "") == anew.stderr.replace("python -m service ", "")
    assert forked.stdout + forked.stderr


def test_a_fork_reads_the_environment_that_it_is_given() -> None:
    unsafe = command("serve", SIGNAL_ENV="production")

    assert (unsafe.returncode, "not started" in unsafe.stderr) == (2, True), unsafe.stderr


def test_a_fork_is_killed_and_waited_for_as_any_process(tmp_path: os.PathLike[str]) -> None:
    where = {
        "SIGNAL_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/none.db",
        "SIGNAL_KEY_DIR": f"{tmp_path}/k",
    }
    process = Spoken(["service", "serve", "--port", str(free_port())], {**os.environ, **where})
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    assert process.poll() is None
    assert process.pid != os.getpid()
    process.kill()
    assert (process.wait(10), process.returncode) == (-9, -9)


def test_two_forks_draw_nothing_alike() -> None:
    drawn = [_drawn_in_a_fork() for _ in range(2)]
    for one, other in zip(*drawn, strict=True):
        assert one != other


def _drawn_in_a_fork() -> list[str]:
    ours, theirs = FORKING.Pipe()
    process = FORKING.Process(target=_draw, args=(theirs,))
    process.start()
    told: list[str] = ours.recv()
    process.join()
    return told


def _draw(told: Connection) -> None:
    told.send([str(new_id())[19:], str(random.random()), secrets.token_hex(8)])
