"""Sending lines to the register in batches, for as long as patience lasts; and what became of a run.

Called by `posting`. Every line that was answered is told, whatever became of the others.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from service.client.connection import Connection, Refused
from service.client.spool import Line

OCTETS = 4 * 1024 * 1024
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0

Outcome = dict[str, Any]


class Away(Exception):
    """The register does not take everything now. `outcomes` is what it answered, by the place of the line."""

    def __init__(self, why: str, outcomes: dict[int, Outcome]) -> None:
        super().__init__(why)
        self.outcomes = outcomes


class NewEpoch(Exception):
    """The key service has begun another epoch since records were last posted."""


@dataclass
class Summary:
    """What became of the records of a run; of those from the spool too."""

    read: int = 0
    registered: int = 0
    erased: int = 0
    refused: int = 0
    spooled: int = 0
    left: int = 0
    left_from: int | None = None
    delivered_from_spool: int = 0
    stopped: str | None = None

    @property
    def exit_code(self) -> int:
        """0: all is registered. 1: somebody has to look. 75 (EX_TEMPFAIL): run again later."""
        if self.refused or self.stopped:
            return 1
        return 75 if self.spooled or self.left else 0

    def as_json(self) -> dict[str, Any]:
        """As it is printed."""
        told = {
            "read": self.read,
            "registered": self.registered,
            "erased": self.erased,
            "refused": self.refused,
            "spooled": self.spooled,
            "left": self.left,
            "deliveredFromSpool": self.delivered_from_spool,
        }
        more = {"leftFrom": self.left_from, "stopped": self.stopped}
        return told | {name: value for name, value in more.items() if value is not None}


@dataclass
class Sender:
    """Sends to one register. `patience`: seconds for which it tries again before it raises `Away`."""

    register: Connection
    patience: float
    _away: bool = False

    async def send(self, lines: Sequence[Line]) -> list[Outcome]:
        """The register's answer to each line; tries again for as long as patience lasts, then raises `Away`."""
        outcomes: dict[int, Outcome] = {}
        patience = 0.0 if self._away else self.patience
        until, pause, why = time.monotonic() + patience, FIRST_PAUSE, ""
        while missing := [place for place in range(len(lines)) if place not in outcomes]:
            wait = pause
            try:
                answers = await self.register.post_batch(wired(lines[place]) for place in missing)
                outcomes |= {
                    place: answer
                    for place, answer in zip(missing, answers, strict=False)
                    if answer["status"] != 429 and answer["status"] < 500
                }
                why = "it has too much to do"
            except Refused as refused:
                if not refused.passes:
                    raise
                why, wait = str(refused), max(pause, refused.retry_after)
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                why = type(error).__name__
            if len(outcomes) < len(lines):
                if time.monotonic() + wait > until:
                    self._away = not outcomes  # what comes now is tried once, until it is back
                    raise Away(why, outcomes)
                await asyncio.sleep(wait)
                pause = min(2 * pause, LONGEST_PAUSE)
        self._away = False
        return [outcomes[place] for place in range(len(lines))]


def batches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines in batches that the register takes, by their octets."""
    batch: list[Line] = []
    octets = 0
    for line in lines:
        size = len(json.dumps(wired(line)).encode()) + 1
        if batch and octets + size > OCTETS:
            yield batch
            batch, octets = [], 0
        batch.append(line)
        octets += size
    if batch:
        yield batch


def wired(line: Line) -> dict[str, Any]:
    """A line of a batch."""
    return {"idempotencyKey": line.key, "signal": line.signal}


def faults_of(outcome: Outcome) -> list[dict[str, str]]:
    """What refused a line: its faults, or its problem as the one fault."""
    problem = outcome.get("problem")
    refused = Refused(outcome["status"], problem if isinstance(problem, dict) else {})
    code = str(refused.problem.get("type", "")).rpartition(":")[2] or str(refused.status)
    return refused.faults or [{"pointer": "", "code": code, "detail": str(refused.problem.get("detail", ""))}]
