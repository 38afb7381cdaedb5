"""The rows of one typical signal, as the register itself wrote them: what an anchor inserts again and again.

The anchor's rows are therefore as wide as ours. Ids of the signal become places to be filled with fresh ids;
all other values stay as they are.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from sqlalchemy import Table

from service.events.models import Event
from service.intake.models import Submission
from service.pseudonyms.models import SealedPerson, SealedSignal
from service.referrals.models import Referral
from service.routing.models import SignalDecision
from service.signals.models import Signal, SignalPerson
from service.trail import AuditEntry

# What a POST writes, in the order of the foreign keys, and which rows belong to signal {id}.
WRITTEN: Mapping[Any, str] = {
    Submission: "signal_id = '{id}'",
    Signal: "id = '{id}'",
    SignalPerson: "signal_id = '{id}'",
    SealedPerson: "signal_id = '{id}'",
    SealedSignal: "signal_id = '{id}'",
    SignalDecision: "signal_id = '{id}'",
    Referral: "signal_id = '{id}'",
    AuditEntry: "object_id = '{text}'",
    Event: "subject = '/v1/signals/{text}' OR subject IN "
    "(SELECT '/v1/referrals/' || {referral} FROM referral WHERE signal_id = '{id}')",
}
TABLES: Sequence[Table] = [model.__table__ for model in WRITTEN]

# Rows of an anchor carry this client, so that they can be told from what was posted.
ANCHOR_CLIENT = uuid.UUID("00000000-0000-4000-8000-00000000a2c0")

UUID_FORM = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Place:
    """A value that differs for each signal: what stands before the fresh id, and which of the ids it is."""

    before: str
    number: int


@dataclass(frozen=True)
class Typical:
    """The rows by table; a value is a Place, None, a number, a text or bytes. `ids` fresh ids are needed."""

    rows: Sequence[tuple[Table, Mapping[str, Any]]]
    ids: int
    persons: int
    sealed: int


def typical_of(fetch: Callable[[str], list[dict[str, Any]]], referral_as_text: str, id_text: Any) -> Typical:
    """The posted signal nearest to the mean in rows and bytes; `fetch` runs a SELECT.

    `id_text` writes an id as the database's own text.
    """
    ids = [uuid.UUID(str(row["id"])) for row in fetch("SELECT id FROM signal")]
    every = [list(_rows(fetch, id_, referral_as_text, id_text)) for id_ in ids]
    rows, width = mean(len(one) for one in every), mean(map(_width, every))
    nearest = min(every, key=lambda one: (abs(len(one) - rows) // 1, abs(_width(one) - width)))
    return _as_typical(nearest)


def _rows(
    fetch: Callable[[str], list[dict[str, Any]]], id_: uuid.UUID, referral: str, id_text: Any
) -> Iterator[tuple[Table, dict[str, Any]]]:
    for table, where in zip(TABLES, WRITTEN.values(), strict=True):
        condition = where.format(id=id_text(id_), text=id_, referral=referral)
        for row in fetch(f'SELECT * FROM "{table.name}" WHERE {condition}'):
            yield (
                table,
                row | ({"sequence": None} if "sequence" in row else {}),
            )  # a job has numbered it since


def _width(rows: Sequence[tuple[Table, dict[str, Any]]]) -> int:
    return sum(len(str(value)) for _, row in rows for value in row.values())


def _as_typical(rows: Sequence[tuple[Table, dict[str, Any]]]) -> Typical:
    """Ids that the signal brought become places; the key is the first, so that it may be made at random."""
    own: dict[uuid.UUID, int] = {}
    for table, row in rows:
        for name in ("key", "id"):
            if name in row and (table.name != "submission" or name == "key"):
                own[uuid.UUID(str(row[name]))] = len(own)

    def placed(name: str, value: Any) -> Any:
        if name == "client_id":
            return Place(str(ANCHOR_CLIENT), -1)
        if isinstance(value, dict | list):
            return json.dumps(value, separators=(",", ":"))
        found = UUID_FORM.search(value) if isinstance(value, str) and len(value) < 100 else None
        if found and (number := own.get(uuid.UUID(found[0]))) is not None:
            return Place(value[: found.start()], number)
        return value

    return Typical(
        rows=[(table, {name: placed(name, value) for name, value in row.items()}) for table, row in rows],
        ids=len(own),
        persons=sum(table.name == "signal_person" for table, _ in rows),
        sealed=sum(table.name == "sealed_person" for table, _ in rows),
    )
