"""Batches: NDJSON in, NDJSON out, while it comes.

Each line is a signal with its key, and gets its own answer, in order: a bad line never spoils a good one. Lines
are committed in groups, as many as one reading of the wire brought; while one group commits, the next is read
and checked. Reading never waits for the partner to read our answers, so that neither waits for the other.
Memory is bounded by the limits of a batch.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from service import trail
from service.caller import Caller
from service.errors import Fault, Invalid, Problem, TooLarge, faults_of
from service.http import problem_of
from service.intake.actions import BATCH_CONNECTIONS, Intake, Outcome
from service.intake.errors import TooManyLines
from service.intake.models import BatchLine
from service.intake.registration import Submission, submission_of
from service.sizes import BODY_LIMIT
from service.trail import Trail

MAX_LINES = 1000
GROUP = 100


class PartnerGone(Exception):
    """The connection ended in the middle of the body; what had come of a line is no line."""


Read = Submission | Problem


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch works with, and who sends it."""

    intake: Intake
    trail: Trail
    caller: Caller
    trace_id: str


async def answers(batch: Batch, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The answer lines for the lines of a body, as they are ready."""
    ready: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
    reader = asyncio.create_task(_work(batch, stream, ready))
    try:
        while (answer := await ready.get()) is not None:
            if isinstance(answer, Exception):
                raise answer
            yield answer
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _work(
    batch: Batch, stream: AsyncIterator[bytes], ready: "asyncio.Queue[bytes | Exception | None]"
) -> None:
    """Read, check and commit groups of lines; a group is committed while the next is read."""
    number, committing = 1, deque[Awaitable[bytes]]()
    try:
        async for lines in groups_of(stream):
            read = [await _read_line(batch.caller, line) for line in lines]
            while len(committing) >= BATCH_CONNECTIONS:
                ready.put_nowait(await committing.popleft())
            # Not cut off half-way when the partner goes: what was read whole is registered.
            committing.append(asyncio.shield(asyncio.create_task(_commit(batch, number, read))))
            number += len(lines)
        while committing:
            ready.put_nowait(await committing.popleft())
        ready.put_nowait(None)
    except PartnerGone:
        ready.put_nowait(None)
    except Exception as error:
        ready.put_nowait(error)


async def groups_of(stream: AsyncIterator[bytes]) -> AsyncIterator[Sequence[bytes | Problem]]:
    """The lines of a body in groups, as the wire brings them; a problem stands for what is no line.

    Ends of lines are LF or CRLF, the last may be missing; empty lines are no lines. Of what is too much, a
    line or the whole, nothing is kept; the rest is read to its end, for a partner to read why.
    """
    rest, whole, count = b"", True, 0
    async for lines in _chunks(stream):
        if isinstance(lines, Problem):
            yield [lines]
            return
        found: list[bytes | Problem] = []
        for piece in (rest + lines).split(b"\n")[:-1]:
            if not whole:
                whole = True
            elif len(piece) > BODY_LIMIT:
                found.append(TooLarge())
            elif piece.strip():
                found.append(piece)
        rest = (rest + lines).rpartition(b"\n")[2]
        if whole and len(rest) > BODY_LIMIT:
            found.append(TooLarge())
            whole = False
        rest = rest if whole else b""
        for group in _within_limits(found, count):
            yield group
        count += len(found)
    if whole and rest.strip() and count <= MAX_LINES:
        yield [rest] if count < MAX_LINES else [TooManyLines()]


def _within_limits(found: Sequence[bytes | Problem], before: int) -> Iterator[Sequence[bytes | Problem]]:
    """What may still come after so many lines, in groups; the first one too many is told as a problem."""
    room = max(0, MAX_LINES - before)
    allowed = [*found[:room], *([TooManyLines()] if len(found) > room and before <= MAX_LINES else [])]
    for start in range(0, len(allowed), GROUP):
        yield allowed[start : start + GROUP]


async def _chunks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes | Problem]:
    try:
        async for chunk in stream:
            yield chunk
    except TooLarge as problem:
        yield problem


async def _read_line(caller: Caller, line: bytes | Problem) -> Read:
    await asyncio.sleep(0)  # others wait too, and the groups that are being committed
    if isinstance(line, Problem):
        return line
    try:
        read = BatchLine.model_validate(orjson.loads(line))
    except orjson.JSONDecodeError:
        return Invalid(errors=[Fault("", "broken-json", "This is not JSON in UTF-8.")])
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_input=False)
        return Invalid(errors=faults_of({**error, "loc": ("body", *error["loc"])} for error in errors))
    return submission_of(caller, read.idempotency_key, read.signal)


async def _commit(batch: Batch, first: int, read: Sequence[Read]) -> bytes:
    """The answers to a group: its good lines committed, its refusals recorded."""
    submissions = [one for one in read if isinstance(one, Submission)]
    received = iter(await batch.intake.receive_many(submissions) if submissions else ())
    outcomes = [next(received) if isinstance(one, Submission) else one for one in read]
    refused = [_refusal(batch.caller, outcome) for outcome in outcomes if isinstance(outcome, Exception)]
    await batch.trail.record_all(refused)
    return b"".join(_line(number, outcome, batch.trace_id) for number, outcome in enumerate(outcomes, first))


def _refusal(caller: Caller, outcome: Exception) -> dict[str, Any]:
    return trail.entry(caller.who, "register_signals", "access", outcome=problem_of(outcome).slug)


def _line(number: int, outcome: Outcome, trace_id: str) -> bytes:
    if isinstance(outcome, bytes):
        return b'{"line":%d,"status":201,"receipt":%b}\n' % (number, outcome)
    problem = problem_of(outcome)
    told = {"line": number, "status": problem.status, "problem": problem.as_json(trace_id)}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
