"""Posting a partner's records: tokens, batches, the spool, and a summary that a scheduler can act on.

In order: deliver what waits in the spool; read records, make their tokens, post them in batches; what the register
could not take goes to the spool; deliver once more. Every record ends as exactly one of: registered, refused, erased,
spooled, left. Left is what has no token because the key service was away, or what could not even be spooled: it is
in the source and nowhere else, so the source has to be posted again. That is safe, for the same record has the same
idempotency key, which is made with the client's own key and tells nothing to anybody else; but not over a new epoch,
where tokens and so keys are others. So a run that meets one stops, unless it is told that nothing in the source has
been posted before.
"""

import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from service.client.bodies import Prepared, UnfitRecord, prepare
from service.client.columns import WrongColumns
from service.client.connection import Refused
from service.client.reading import Record, Unreadable, chunks
from service.client.sending import Away, NewEpoch, Outcome, Sender, Summary, batches, faults_of
from service.client.spool import REFUSED, Damaged, Line, Spool
from service.client.state import NoState
from service.client.tokens import KeyServiceAway, KeyServiceRefuses, KeyServiceWrong, Tokens, Value

LINES = 500
DONE, GONE = 201, 410

Told = Callable[[str], None]


@dataclass
class Poster:
    """What a run works with.

    `new_epoch`: somebody says that nothing in the source was posted before.
    """

    sender: Sender
    tokens: Tokens | None
    spool: Spool
    key: bytes
    tell: Told
    today: date
    source: str = "-"
    new_epoch: bool = False
    summary: Summary = field(default_factory=Summary)
    advanced: Callable[[], None] = lambda: None
    _seen: Counter[bytes] = field(default_factory=Counter)
    _own: set[Path] = field(default_factory=set)

    async def run(self, records: Iterable[Record]) -> Summary:
        """Post everything. Raises `Unreadable` and `WrongColumns` if nothing has been read; else it tells."""
        try:
            await self.deliver()
            for chunk in chunks(records, LINES):
                self.summary.read += len(chunk)
                await self._post(chunk)
                self.advanced()
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
                    outcomes = dict(enumerate(await self.sender.send(lines)))
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
        parts = list(batches(await self._lines(prepared)))
        for place, batch in enumerate(parts):
            try:
                self._settle(batch, await self.sender.send(batch))
            except Away as away:
                answered = [batch[one] for one in away.outcomes]
                waiting = [line for one, line in enumerate(batch) if one not in away.outcomes]
                self._settle(answered, list(away.outcomes.values()))
                self.tell(f"the register is away ({away}): {len(waiting)} records go to the spool")
                self._keep(waiting)
            except Refused:
                self._leave([line.line for rest in parts[place:] for line in rest])
                raise

    def _prepared(self, record: Record) -> Prepared | None:
        try:
            if record.fault is not None:
                raise UnfitRecord([record.fault])
            return prepare(record.body, today=self.today)
        except UnfitRecord as unfit:
            self._refuse(self.source, record.line, [fault.as_told for fault in unfit.faults])
            return None

    async def _lines(self, prepared: Sequence[tuple[Record, Prepared]]) -> list[Line]:
        """Records with their tokens and keys; those that get no token now are left and told."""
        try:
            made = await self._made([value for _, one in prepared for value in one.all_values])
        except (KeyServiceWrong, KeyServiceRefuses, NewEpoch, NoState):
            self._leave([record.line for record, _ in prepared])
            raise
        ready = [(record, one) for record, one in prepared if made.keys() >= set(one.all_values)]
        self._leave([record.line for record, one in prepared if not made.keys() >= set(one.all_values)])
        return [self._line(record, one.with_tokens(made)) for record, one in ready]

    async def _made(self, values: Sequence[Value]) -> Mapping[Value, str]:
        """The tokens that can be made now. Raises `NewEpoch` where what was posted before has other keys."""
        if not values:
            return {}
        if self.tokens is None:
            raise KeyServiceRefuses("none is set, and there are identifiers to make tokens of")
        try:
            await self.tokens.make(values)
        except KeyServiceAway as away:
            self.tell(f"the key service is away: {away}")
        made, pins, service = self.tokens.of(values), self.tokens.pins, self.tokens.service
        if (epoch := self.tokens.made_for) is not None:
            if pins.posted_epoch(service) not in (None, epoch) and not self.new_epoch:
                raise NewEpoch
            pins.posted(service, epoch)
        return made

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
        whole = b"\0".join((b"idempotency", self.sender.register.client_id.encode(), named))
        made = hmac.digest(self.key, whole, "sha256")
        if record.key is None:
            self._seen[made] += 1
            made = hmac.digest(self.key, made + self._seen[made].to_bytes(8), "sha256")
        return UUID(bytes=made[:16], version=4)

    def _settle(self, lines: Sequence[Line], outcomes: Sequence[Outcome]) -> None:
        for line, outcome in zip(lines, outcomes, strict=True):
            if outcome["status"] == DONE:
                self.summary.registered += 1
            elif outcome["status"] == GONE:
                self.summary.erased += 1
            else:
                self._refuse(line.source, line.line, faults_of(outcome))

    def _settle_spooled(self, file: Path, lines: Sequence[Line], outcomes: dict[int, Outcome]) -> None:
        """The same for a file of the spool; of what is not answered a new file is made.

        What the register refuses is kept apart, for its source may be gone.
        """
        answered = [lines[place] for place in outcomes]
        waiting = [line for place, line in enumerate(lines) if place not in outcomes]
        refused = [
            Line(line.source, line.line, line.key, line.signal, faults_of(outcome))
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
