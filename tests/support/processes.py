"""`python -m service …` as a process: started anew, or as a fork of one that has imported the service already.

To start Python and import everything takes far longer than most commands then work. A fork is as much a process of
its own: with its environment, streams, signals and end, and it runs `service.__main__.main`.
Called by whatever starts registers, key services, clients and commands. Never forks unless `fork_from_now_on` was
called, as `conftest.py` does: the benchmarks start theirs anew. So do the tests of the command line, of what is
refused at a start, and of the demo.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Lock
from typing import IO, Any

HERE = Path(__file__).parents[2]
PRELOADED = "tests.support.preloaded"
FORKING = multiprocessing.get_context("forkserver")
forking = False
# Asking for an end collects it: two threads at once would each see half of that.
LOCK = Lock()


def fork_from_now_on() -> None:
    """Processes begin as forks; the one that they are forked from starts with the first of them."""
    global forking
    FORKING.set_forkserver_preload([PRELOADED])
    forking = True


class Forked:
    """A process, with as much of subprocess.Popen as is asked for; `streams` are its input, output and errors."""

    def __init__(self, line: list[str], environment: dict[str, str], streams: Sequence[int]) -> None:
        carried = [Connection(os.dup(stream), writable=False) for stream in streams]
        given = (line, environment, str(HERE), carried)
        self._process = FORKING.Process(target=_run, args=given, daemon=True)
        with LOCK:
            self._process.start()
        for connection in carried:
            connection.close()
        self.pid = self._process.pid
        self.kill, self.terminate = self._process.kill, self._process.terminate

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with LOCK:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        if not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        code = self.poll()
        assert code is not None
        return code


class Spoken:
    """A process that is given a text, and whose output is read when it has ended."""

    def __init__(self, line: list[str], environment: dict[str, str], given: str = "") -> None:
        self._files = [_file() for _ in range(3)]
        self._files[0].write(given)
        self._files[0].seek(0)
        self._process = start(line, environment, [file.fileno() for file in self._files])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote, after its end."""
        self.wait(timeout)
        out, err = (_read(file) for file in self._files[1:])
        for file in self._files:
            file.close()
        return out, err


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed when it has been read


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def start(line: list[str], environment: dict[str, str], streams: Sequence[int] = (0, 1, 2)) -> Any:
    """What comes after `python -m`, as a process with our own streams, or others; like subprocess.Popen."""
    if forking and line[0] == "service":
        return Forked(line, environment, streams)
    given, out, err = streams
    line = [sys.executable, "-m", *line]
    return subprocess.Popen(line, cwd=HERE, env=environment, stdin=given, stdout=out, stderr=err)


def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command, to its end; like subprocess.run."""
    line = ["service", *arguments]
    process = Spoken(line, {**os.environ, **environment})
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(line, process.returncode, out, err)


def _run(line: list[str], environment: dict[str, str], folder: str, streams: list[Connection]) -> None:
    """In the fork: become the process that was asked for."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = line
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    from service.__main__ import main

    main()
