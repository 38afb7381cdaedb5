"""Whether the time of an answer tells that a person is known: posts for known and unknown persons, by turns."""

import random
import statistics
import time
import uuid
from pathlib import Path

import httpx
from scipy.stats import mannwhitneyu

from service.demo.loading import Loaded
from tests.bench.posting import CLIENT, Load
from tests.support.bodies import person, signal
from tests.support.register import ServerProcess

MANY = 200


def known_and_unknown(running: ServerProcess, loaded: Loaded, folder: Path) -> str:
    """A line for the results: medians and the probability of such a difference by chance."""
    names = {
        "known": [f"known {one}" for one in range(MANY)],
        "unknown": [f"new {one}" for one in range(MANY)],
    }
    tokens = {
        client: Load(running, loaded.credentials[client], folder).token()
        for client in (CLIENT, "jpt-helmond")
    }
    with httpx.Client(base_url=running.url, timeout=60) as http:
        for name in names["known"]:
            _post(http, tokens["jpt-helmond"], name)
        order = [(kind, name) for kind in names for name in names[kind]]
        random.Random(1).shuffle(order)
        took: dict[str, list[float]] = {"known": [], "unknown": []}
        for kind, name in order:
            began = time.perf_counter()
            _post(http, tokens[CLIENT], name)
            took[kind].append(time.perf_counter() - began)
    chance = mannwhitneyu(took["known"], took["unknown"]).pvalue
    known, unknown = (statistics.median(took[kind]) * 1000 for kind in ("known", "unknown"))
    return (
        f"{MANY} posts for known and {MANY} for unknown persons, by turns: median {known:.2f} ms and {unknown:.2f} ms; "
        f"such a difference has a probability of {chance:.2f} by chance alone (Mann-Whitney)."
    )


def _post(http: httpx.Client, token: str, name: str) -> None:
    body = signal(persons=[person(name)])
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    answer = http.post("/v1/signals", json=body, headers=headers)
    if answer.status_code != 201:
        raise RuntimeError(f"a post was refused: {answer.text}")
