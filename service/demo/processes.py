"""Processes of the demo's own: `python -m service …` on a free port, ready, and ended with its block."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx

READY_WITHIN_SECONDS = 60


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], url: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a command that serves under a URL, and wait until it is ready."""
    line = [sys.executable, "-m", "service", *command]
    process = subprocess.Popen(line, env=environment)  # noqa: S603
    try:
        _wait_until_ready(url, process)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            if httpx.get(f"{url}/health/ready", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the server did not get ready")
