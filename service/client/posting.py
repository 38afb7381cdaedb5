"""Posting a partner's records: tokens, batches, the spool, and a summary that a scheduler can act on.

In order: deliver what waits in the spool; read records, make their tokens, post them in batches; what the register
could not take goes to the spool; deliver once more. Every record ends as exactly one of: registered, refused, erased,
spooled, left. Left is what has no token because the key service was away, or what could not even be spooled: it is
in the source and nowhere else, so the source has to be posted again. That is safe, for the same record has the same
idempotency key, which is made with the client's own key and tells nothing to anybody else; but not over a new epoch,
where tokens and so keys are others. So a run that meets one stops, unless it is told that nothing in the source has
been posted before.
"""

import asyncio
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from service.client.bodies import Fault, Prepared, UnfitRecord, prepare
from service.client.columns import WrongColumns
from service.client.connection import Connection, Refused
from service.client.reading import Record, Unreadable
from service.client.spool import REFUSED, Damaged, Line, Spool
from service.client.state import NoState
from service.client.tokens import KeyServiceAway, KeyServiceRefuses, KeyServiceWrong, Tokens

LINES, OCTETS = 500, 4 * 1024 * 1024
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
DONE, GONE = 201, 410

Told = Callable[[str], None]


class Away(Exception):
    """The register does not take everything now. `outcomes` is what it answered, by the place of the line."""

    def __init__(self, why: str, outcomes: dict[int, dict[str, Any]]) -> None:
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
class Poster:
    """What a run works with.

    `patience`: seconds for which it tries again before it spools. `new_epoch`: somebody says that nothing in the
    source was posted before.
    """

    register: Connection
    tokens: Tokens | None
    spool: Spool
    key: bytes
    tell: Told
    today: date
    patience: float = 10.0
    source: str = "-"
    new_epoch: bool = False
    summary: Summary = field(default_factory=Summary)
    advance: Callable[[int], None] = lambda count: None
    _seen: Counter[bytes] = field(default_factory=Counter)
    _own: set[Path] = field(default_factory=set)
    _away: bool = False

    async def run(self, records: Iterable[Record]) -> Summary:
        """Post everything. Raises `Unreadable` and `WrongColumns` if nothing has been read; else it tells."""
        try:
            await self.deliver()
            for chunk in _chunks(records):
                self.summary.read += len(chunk)
                await self._post(chunk)
                self.advance(len(chunk))
            if self._own:
                await self.deliver()
        except (NoState, Refused, KeyServiceWrong, KeyServiceRefuses, NewEpoch) as reason:
            self._stop(_why(reason))
        except (Unreadable, WrongColumns) as reason:
            if not self.summary.read:
                raise
            self._stop(f"stopped: {reason}")
        return self.summary

    async def deliver(self) -> None:
        """Post what waits in the spool, oldest first, unless another run does."""
        if not self.spool.files():
            return
        with self.spool.delivering() as ours:
            if not ours:
                self.tell("another run delivers the spool")
                return
            for file in self.spool.files():
                try:
                    lines = self.spool.lines_of(file)
                    outcomes = dict(enumerate(await self._send(lines)))
                except Damaged as damaged:
                    self._stop(str(damaged))
                    continue
                except Away as away:
                    if not away.outcomes:
                        self.tell(f"the register is away ({away}): the spool waits")
                        return
                    outcomes = away.outcomes
                self._settle_spooled(file, lines, outcomes)

    def _stop(self, why: str) -> None:
        self.summary.stopped = why
        self.tell(why)

    async def _post(self, chunk: Sequence[Record]) -> None:
        """One chunk of records: prepared, given tokens, sent; what could not be sent is spooled."""
        prepared = [(record, one) for record in chunk if (one := self._prepared(record)) is not None]
        batches = list(_batches(await self._lines(prepared)))
        for place, batch in enumerate(batches):
            try:
                self._settle(batch, await self._send(batch))
            except Away as away:
                answered = [batch[one] for one in away.outcomes]
                waiting = [line for one, line in enumerate(batch) if one not in away.outcomes]
                self._settle(answered, list(away.outcomes.values()))
                self.tell(f"the register is away ({away}): {len(waiting)} records go to the spool")
                self._keep(waiting)
            except Refused:
                self._leave([line.line for rest in batches[place:] for line in rest])
                raise

    def _prepared(self, record: Record) -> Prepared | None:
        try:
            if record.fault is not None:
                raise UnfitRecord([record.fault])
            return prepare(record.body, today=self.today)
        except UnfitRecord as unfit:
            self._refuse(self.source, record.line, [_as_told(fault) for fault in unfit.faults])
            return None

    async def _lines(self, prepared: Sequence[tuple[Record, Prepared]]) -> list[Line]:
        """Records with their tokens and keys; those that get no token now are left and told."""
        if self.tokens is None:
            needing = [record.line for record, one in prepared if any(one.values)]
            if needing:
                self._leave(needing)
                raise KeyServiceRefuses("none is set, and there are identifiers to make tokens of")
            return [self._line(record, one.body) for record, one in prepared]
        try:
            await self.tokens.make(value for _, one in prepared for value in one.all_values)
            await self._same_epoch()
        except KeyServiceAway as away:
            self.tell(f"the key service is away: {away}")
            self._leave([record.line for record, one in prepared if not self.tokens.known(one.all_values)])
        except (KeyServiceWrong, KeyServiceRefuses, NewEpoch, NoState):
            self._leave([record.line for record, _ in prepared])
            raise
        return [
            self._line(record, one.with_tokens(self.tokens.of(one.all_values)))
            for record, one in prepared
            if self.tokens.known(one.all_values)
        ]

    async def _same_epoch(self) -> None:
        """Raise `NewEpoch` where what was posted before has other keys now."""
        tokens = self.tokens
        if tokens is None:
            return
        epoch, before = await tokens.epoch(), tokens.pins.posted_epoch(tokens.service)
        if before not in (None, epoch) and not self.new_epoch:
            raise NewEpoch
        tokens.pins.posted(tokens.service, epoch)

    def _line(self, record: Record, signal: dict[str, Any]) -> Line:
        return Line(self.source, record.line, str(self._key_of(record, signal)), signal)

    def _key_of(self, record: Record, signal: dict[str, Any]) -> UUID:
        """The same for the same record whenever it is posted; of equal records each has its own."""
        if record.key is not None:
            try:
                return UUID(record.key)
            except ValueError:
                named = b"key\0" + record.key.encode()
        else:
            named = b"body\0" + json.dumps(signal, sort_keys=True).encode()
        whole = b"\0".join((b"idempotency", self.register.client_id.encode(), named))
        made = hmac.digest(self.key, whole, "sha256")
        if record.key is None:
            self._seen[made] += 1
            made = hmac.digest(self.key, made + self._seen[made].to_bytes(8), "sha256")
        return UUID(bytes=made[:16], version=4)

    async def _send(self, lines: Sequence[Line]) -> list[dict[str, Any]]:
        """The register's answer to each line; tries again for as long as patience lasts, then raises `Away`."""
        outcomes: dict[int, dict[str, Any]] = {}
        patience = 0.0 if self._away else self.patience
        until, pause, why = time.monotonic() + patience, FIRST_PAUSE, ""
        while missing := [place for place in range(len(lines)) if place not in outcomes]:
            wait = pause
            try:
                answers = await self.register.post_batch(_wired(lines[place]) for place in missing)
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

    def _settle(self, lines: Sequence[Line], outcomes: Sequence[dict[str, Any]]) -> None:
        for line, outcome in zip(lines, outcomes, strict=True):
            if outcome["status"] == DONE:
                self.summary.registered += 1
            elif outcome["status"] == GONE:
                self.summary.erased += 1
            else:
                self._refuse(line.source, line.line, _faults_of(outcome))

    def _settle_spooled(self, file: Path, lines: Sequence[Line], outcomes: dict[int, dict[str, Any]]) -> None:
        """The same for a file of the spool; of what is not answered a new file is made.

        What the register refuses is kept apart, for its source may be gone.
        """
        answered = [lines[place] for place in outcomes]
        waiting = [line for place, line in enumerate(lines) if place not in outcomes]
        refused = [
            Line(line.source, line.line, line.key, line.signal, _faults_of(outcome))
            for line, outcome in zip(answered, outcomes.values(), strict=True)
            if outcome["status"] not in (DONE, GONE)
        ]
        rest = self.spool.keep(waiting) if waiting else None
        if refused:
            self.spool.keep(refused, REFUSED)
        if file in self._own:
            self._own = (self._own - {file}) | ({rest} if rest else set())
            self.summary.spooled -= len(answered)
            self._settle(answered, list(outcomes.values()))
        else:
            self.summary.delivered_from_spool += len(answered) - len(refused)
            for line in refused:
                self._refuse(line.source, line.line, line.faults)
        self.spool.drop(file)

    def _keep(self, lines: Sequence[Line]) -> None:
        try:
            self._own.add(self.spool.keep(lines))
            self.summary.spooled += len(lines)
        except NoState as full:
            self.tell(str(full))
            self._leave([line.line for line in lines])

    def _leave(self, lines: Sequence[int]) -> None:
        self.summary.left += len(lines)
        self.summary.left_from = min([*lines, *filter(None, [self.summary.left_from])], default=None)
        for line in lines:
            self.tell(f"{self.source} line {line}: left, post it again")

    def _refuse(self, source: str, line: int, faults: Sequence[dict[str, str]]) -> None:
        self.summary.refused += 1
        told = "; ".join(f"{fault['pointer'] or '/'} {fault['code']}: {fault['detail']}" for fault in faults)
        self.tell(f"{source} line {line}: refused: {told}")


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == LINES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _batches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines in batches that the register takes, by their octets."""
    batch: list[Line] = []
    octets = 0
    for line in lines:
        size = len(json.dumps(_wired(line)).encode()) + 1
        if batch and octets + size > OCTETS:
            yield batch
            batch, octets = [], 0
        batch.append(line)
        octets += size
    if batch:
        yield batch


def _wired(line: Line) -> dict[str, Any]:
    return {"idempotencyKey": line.key, "signal": line.signal}


def _faults_of(outcome: dict[str, Any]) -> list[dict[str, str]]:
    """What refused a line: its faults, or its problem as the one fault."""
    problem = outcome.get("problem")
    refused = Refused(outcome["status"], problem if isinstance(problem, dict) else {})
    code = str(refused.problem.get("type", "")).rpartition(":")[2] or str(refused.status)
    return refused.faults or [{"pointer": "", "code": code, "detail": str(refused.problem.get("detail", ""))}]


def _as_told(fault: Fault) -> dict[str, str]:
    return {"pointer": fault.pointer, "code": fault.code, "detail": fault.told}


def _why(reason: Exception) -> str:
    if isinstance(reason, NewEpoch):
        return (
            "stopped: a new epoch has begun: correct your own signals by `client post --retoken` with all records; "
            "a source of which nothing was posted before may be posted with --new-epoch"
        )
    if isinstance(reason, KeyServiceWrong):
        return f"stopped: the key service cannot be believed: {reason}"
    if isinstance(reason, KeyServiceRefuses):
        return f"stopped: the key service refuses this client: {reason}"
    if isinstance(reason, Refused):
        return f"stopped: the register refuses this client: {reason}"
    return f"stopped: {reason}"
