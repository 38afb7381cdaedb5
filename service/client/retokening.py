"""After a new epoch: a partner's own signals get the tokens of the new one, by corrections.

The partner's records still say who is meant; a signal is found by its `partnerReference`, which must be the same and
the only one on both sides, and its persons must be told the same, in the same order. Nothing but tokens changes. What
was done is remembered by signal id, so that a run that was cut off goes on where it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from service.client.bodies import Prepared, UnfitRecord, prepare
from service.client.connection import Connection, Refused
from service.client.posting import Told
from service.client.reading import Record
from service.client.state import NoState, make_folder
from service.client.tokens import Tokens

TELLING = ("role", "ageBand", "gender", "municipality", "victimStatus")


@dataclass
class Retokened:
    """What became of the partner's own active signals."""

    corrected: int = 0
    done_before: int = 0
    without_person: int = 0
    not_found: int = 0
    unfit: int = 0
    refused: int = 0

    @property
    def exit_code(self) -> int:
        """0: every active signal has tokens of this epoch; 1: somebody has to look."""
        return 1 if self.not_found or self.unfit or self.refused else 0

    def as_json(self) -> dict[str, int]:
        """As it is printed."""
        return {
            "corrected": self.corrected,
            "doneBefore": self.done_before,
            "withoutPerson": self.without_person,
            "notFound": self.not_found,
            "unfit": self.unfit,
            "refused": self.refused,
        }


async def retoken(
    records: Iterable[Record],
    *,
    register: Connection,
    tokens: Tokens,
    state: Path,
    tell: Told,
    today: date,
) -> Retokened:
    """Correct every active signal of one's own whose record is there.

    Raises what `Tokens.make` raises, and `Refused` where the register takes nothing from this client.
    """
    summary = Retokened()
    known = _by_reference(records, summary, tell, today)
    await tokens.make(value for one in known.values() for value in one.all_values)
    done = _Done(state / f"retokened-{await tokens.epoch()}")
    async for signal in register.pages("/v1/signals", status="ACTIVE", limit=200):
        if signal["id"] in done:
            summary.done_before += 1
        elif not signal["persons"]:
            summary.without_person += 1
        else:
            record = known.get(signal.get("partnerReference") or "")
            await _correct(signal, record, register, tokens, done, summary, tell)
    if summary.exit_code == 0:
        tokens.pins.posted(tokens.service, await tokens.epoch())
    return summary


async def _correct(
    signal: Mapping[str, Any],
    record: Prepared | None,
    register: Connection,
    tokens: Tokens,
    done: "_Done",
    summary: Retokened,
    tell: Told,
) -> None:
    if record is None:
        summary.not_found += 1
        tell(f"signal {signal['id']}: no single record has its partnerReference")
        return
    if not _same_persons(signal["persons"], record.body.get("persons", [])):
        summary.unfit += 1
        tell(f"signal {signal['id']}: its record tells of other persons: correct it by hand")
        return
    made = tokens.of(record.all_values)
    body = {
        **{name: value for name, value in signal["signal"].items() if value not in (None, [])},
        **{name: signal[name] for name in ("note", "partnerReference") if signal.get(name) is not None},
        **{name: record.body[name] for name in ("reportedBy",) if name in record.body},
        "persons": [
            {**_told(person), **{name: one[name] for name in ("pseudonym", "alsoKnownAs") if name in one}}
            for person, one in zip(signal["persons"], record.with_tokens(made)["persons"], strict=True)
        ],
    }
    try:
        await register.correct_signal(signal["id"], signal["version"], body)
    except Refused as refused:
        if refused.status in (401, 403) or refused.passes:
            raise
        summary.refused += 1
        tell(f"signal {signal['id']}: refused: {refused}")
        return
    done.add(signal["id"])
    summary.corrected += 1


def _by_reference(
    records: Iterable[Record], summary: Retokened, tell: Told, today: date
) -> dict[str, Prepared]:
    """The records that can be told from all others by their partnerReference."""
    found: dict[str, Prepared] = {}
    twice: set[str] = set()
    for record in records:
        try:
            one = prepare(record.body, today=today)
        except UnfitRecord as unfit:
            summary.unfit += 1
            tell(
                f"line {record.line}: {', '.join(f'{fault.pointer} {fault.code}' for fault in unfit.faults)}"
            )
            continue
        reference = one.body.get("partnerReference")
        if reference in found:
            twice.add(reference)
        elif reference:
            found[reference] = one
    return {reference: one for reference, one in found.items() if reference not in twice}


def _same_persons(told: list[dict[str, Any]], recorded: list[dict[str, Any]]) -> bool:
    return len(told) == len(recorded) and all(
        one.get(name) is None or one[name] == person.get(name)
        for person, one in zip(told, recorded, strict=True)
        for name in TELLING
    )


def _told(person: Mapping[str, Any]) -> dict[str, Any]:
    return {name: person[name] for name in TELLING if person.get(name) is not None}


class _Done:
    """The ids of signals that have been corrected for an epoch, in a file that only grows."""

    def __init__(self, file: Path) -> None:
        make_folder(file.parent)
        self._file = file
        try:
            self._ids = set(file.read_text(encoding="ascii").split()) if file.exists() else set()
        except OSError as error:
            raise NoState(f"{file} cannot be read: {error.strerror}") from None

    def __contains__(self, its_id: str) -> bool:
        return its_id in self._ids

    def add(self, its_id: str) -> None:
        self._ids.add(its_id)
        with self._file.open("a", encoding="ascii") as handle:
            handle.write(f"{its_id}\n")
