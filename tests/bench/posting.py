"""Our side of most measures: wrk sends requests to a server that was started as a user would start it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx
import psutil

from service.demo.loading import Credential
from service.synthesis.generate import generate, ndjson
from service.synthesis.pack import load_pack
from tests.bench.windows import Window
from tests.support.register import ServerProcess

SCRIPT = Path(__file__).with_name("load.lua")
CLIENT = "school-helmond"  # its agreement opens everything but what is of the police, the note too
BODIES = 4000
SAMPLE = 150
CONNECTIONS = 64
LAST_ANSWERS_SECONDS = 1


def write_bodies(file: Path) -> None:
    """A few thousand bodies of one reporter, one a line."""
    generated = generate(load_pack(), BODIES, 1, date(2026, 1, 1), date(2026, 6, 30), CLIENT)
    file.write_text("".join(f"{line}\n" for line in ndjson(generated)))


@contextmanager
def log_into(file: Path) -> Iterator[None]:
    """What starts inside the block writes its technical log into `file`: at INFO, as by default, it is long."""
    kept = os.dup(2)
    sys.stderr.flush()
    with file.open("wb") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    except RuntimeError as error:
        raise RuntimeError(
            f"{error}; the end of the log:\n{file.read_text(errors='replace')[-3000:]}"
        ) from error
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class Load:
    """Sends the lines of a file to one server as one client: bodies to a path, or (`GET`) paths."""

    def __init__(
        self,
        server: ServerProcess,
        credential: Credential,
        lines: Path,
        *,
        path: str = "/v1/signals",
        actor: str | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        self._server, self._credential, self._lines = server, credential, lines
        self._process = psutil.Process(server.process.pid)
        self._more, self._connections = [path, *([actor] if actor else [])], connections

    def command(self, seconds: float) -> list[str]:
        """The command without its script's arguments, as told in the results."""
        duration = f"-d{seconds + LAST_ANSWERS_SECONDS:.0f}s"
        return [
            "wrk",
            "-t1",
            f"-c{self._connections}",
            duration,
            "--timeout",
            "10s",
            "-s",
            "tests/bench/load.lua",
        ]

    def post_sample(self) -> list[str]:
        """Post the first bodies one by one, for the anchor to take its rows from; the paths of the signals."""
        paths = []
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        with httpx.Client(base_url=self._server.url, headers=headers) as http:
            for number, body in enumerate(self._lines.read_text().splitlines()[:SAMPLE]):
                key = {"Idempotency-Key": f"00000000-0000-4000-8000-{number:012d}"}
                answer = http.post("/v1/signals", content=body, headers=key)
                if answer.status_code != 201:
                    raise RuntimeError(f"a body of the sample was refused: {answer.text}")
                paths.append(answer.headers["Location"])
        return paths

    def window(self, seconds: float, database_cpu: Callable[[], float]) -> Window:
        """One window; raises when an answer was not a 2xx or a request stayed without."""
        arguments = [str(self._lines), self.token(), str(seconds), str(self._connections), *self._more]
        command = self.command(seconds)
        command[-1] = str(SCRIPT)
        before, database_before = self._cpu(), database_cpu()
        answer = subprocess.run(
            [*command, self._server.url, "--", *arguments], capture_output=True, text=True, check=True
        )
        told = json.loads(answer.stdout.strip().splitlines()[-1])
        if told["refused"] or told["broken"] or told["resting"] != self._connections:
            raise RuntimeError(f"not every request was answered with a 2xx: {told}")
        return Window(
            done=told["answered"],
            seconds=told["seconds"],
            application_cpu=self._cpu() - before,
            database_cpu=database_cpu() - database_before,
            median_ms=told["p50_ms"],
            p99_ms=told["p99_ms"],
        )

    def memory_mb(self) -> float:
        return float(self._process.memory_info().rss / 1e6)

    def token(self) -> str:
        who = (self._credential.client_id, self._credential.client_secret)
        form = {"grant_type": "client_credentials"}
        answer = httpx.post(f"{self._server.url}/oauth/token", data=form, auth=who).raise_for_status()
        return str(answer.json()["access_token"])

    def _cpu(self) -> float:
        return float(sum(self._process.cpu_times()[:2]))
