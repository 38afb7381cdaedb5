"""Rotating the sealing keys: make, use, re-key, delete. Called by the administrator's commands.

A pair of keys is made first, so that every machine can be given its files. Then it comes into use: from that commit
on everything new is sealed under it, since intake reads the label in each transaction and `one_at_a_time` waits
for those under way. What was sealed before is re-keyed in groups, while posts go on. Keys that nothing is sealed
under any more can be deleted, others cannot. Here, for it spans the sealed side and the digests of posts.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, bindparam, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.database import Database
from service.intake.models import Submission
from service.keys import MissingKey, load_sealing_keys, make_sealing_keys, sealing_files
from service.pseudonyms.models import SealedPerson, SealedQuestion, SealedSignal, SealingKey
from service.pseudonyms.queries import label_in_use
from service.pseudonyms.sealing import QUESTIONS, SIGNALS, Sealer, digest_place, token_place
from service.snapshot import hold_reference, one_at_a_time, reference_changed

ACTIVITY = "pseudonymisation"
GROUP = 500

Values = dict[str, Any]


class NotRotated(ValueError):
    """The step is not possible now; the message says why."""


@dataclass(frozen=True)
class KeyState:
    """A label, and how many values are sealed under it."""

    label: str
    in_use: bool
    sealed: int


def _person(row: Row[Any], sealer: Sealer, label: str) -> Values:
    place, new = token_place(row.person_id, row.position), sealer.under(label)
    token = sealer.under(row.key_label).open(row.token, place)
    return {"subject": new.subject(token.decode()), "token": new.close(token, place)}


def _texts(table: str, row_id: str, *columns: str) -> Callable[[Row[Any], Sealer, str], Values]:
    """How a row of texts is sealed again: each of its columns."""

    def again(row: Row[Any], sealer: Sealer, label: str) -> Values:
        id_, new = getattr(row, row_id), sealer.under(label)
        clear = {
            column: sealer.open_text(getattr(row, column), row.key_label, column, id_, table=table)
            for column in columns
        }
        return {column: new.close_text(text, column, id_, table=table) for column, text in clear.items()}

    return again


def _post(row: Row[Any], sealer: Sealer, label: str) -> Values:
    place = digest_place(row.client_id, row.key)
    return {"digest": sealer.under(label).close(sealer.under(row.key_label).open(row.digest, place), place)}


SEALED: dict[Table, Callable[[Row[Any], Sealer, str], Values]] = {
    SealedPerson.__table__: _person,
    SealedSignal.__table__: _texts(SIGNALS, "signal_id", "note", "partner_reference"),
    SealedQuestion.__table__: _texts(QUESTIONS, "question_id", "question", "answer"),
    Submission.__table__: _post,
}


async def key_states(session: AsyncSession) -> list[KeyState]:
    """Every label whose keys are not deleted, oldest first."""
    keys = await session.scalars(
        select(SealingKey).where(SealingKey.deleted_at.is_(None)).order_by(SealingKey.made_at)
    )
    used = await label_in_use(session)
    return [KeyState(key.label, key.label == used, await _sealed_under(session, key.label)) for key in keys]


async def make_key(session: AsyncSession, who: trail.Who, folder: Path) -> str:
    """Make the keys of a new label, not yet in use; the label. Raises `NotRotated` if one waits for use already."""
    await one_at_a_time(session)
    known = (await session.scalars(select(SealingKey))).all()
    if any(key.used_from is None and key.deleted_at is None for key in known):
        raise NotRotated("a label waits for use already: see the list")
    label = f"k{1 + max(int(key.label[1:]) for key in known)}"
    session.add(SealingKey(label=label, made_at=clock.now(), used_from=None, deleted_at=None))
    await _record(session, who, "make", label)
    make_sealing_keys(folder, label)
    return label


async def use_key(session: AsyncSession, who: trail.Who, folder: Path, label: str) -> str:
    """Seal under this label from this commit on; the label. Raises `NotRotated`."""
    await one_at_a_time(session)
    key = await _key(session, label)
    if key.used_from is not None:
        raise NotRotated("this label has been in use")
    try:
        load_sealing_keys(folder, label)
    except MissingKey as missing:
        raise NotRotated(str(missing)) from None
    last = max(
        one.used_from for one in await session.scalars(select(SealingKey)) if one.used_from is not None
    )
    key.used_from = max(clock.now(), last + timedelta(microseconds=1))  # whatever this machine's clock says
    await reference_changed(session)
    await _record(session, who, "use", label)
    return label


async def rekey(database: Database, sealer: Sealer) -> AsyncIterator[int]:
    """Seal under the label in use what is sealed under another; how many values, after each group's commit.

    May be ended at any time and begun again. A value that a correction replaces meanwhile is left alone. Raises
    `NotRotated` once another label has come into use: each group holds the one that it seals under.
    """
    async with database.reading() as session:
        label = await label_in_use(session)
    for table, again in SEALED.items():
        last: tuple[Any, ...] | None = None
        while True:
            async with database.writing() as session:
                await hold_reference(session)
                if await label_in_use(session) != label:
                    raise NotRotated("another label has come into use: re-key again")
                rows = await _under_another(session, table, label, last)
                if not rows:
                    break
                last = tuple(getattr(rows[-1], column.name) for column in table.primary_key)
                await _replace(session, table, [(row, again(row, sealer, label)) for row in rows], label)
            yield len(rows)


async def delete_key(session: AsyncSession, who: trail.Who, folder: Path, label: str) -> str:
    """Delete the keys of a label that nothing is sealed under; the label. Raises `NotRotated` for any other."""
    await one_at_a_time(session)
    key = await _key(session, label)
    if label == await label_in_use(session):
        raise NotRotated("this label is in use: make another and use that first")
    if sealed := await _sealed_under(session, label):
        raise NotRotated(f"{sealed} values are sealed under this label: re-key first")
    key.deleted_at = clock.now()
    await _record(session, who, "delete", label)
    for file in sealing_files(folder, label):
        file.unlink(missing_ok=True)
    return label


async def _key(session: AsyncSession, label: str) -> SealingKey:
    key = await session.get(SealingKey, label)
    if key is None or key.deleted_at is not None:
        raise NotRotated("there is no such label")
    return key


async def _sealed_under(session: AsyncSession, label: str) -> int:
    counts = [
        await session.scalar(select(func.count()).select_from(table).where(table.c.key_label == label))
        for table in SEALED
    ]
    return sum(count or 0 for count in counts)


async def _under_another(
    session: AsyncSession, table: Table, label: str, last: tuple[Any, ...] | None
) -> Sequence[Row[Any]]:
    """The next rows in the order of the primary key."""
    keys = tuple(table.primary_key)
    chosen = select(table).where(table.c.key_label != label).order_by(*keys).limit(GROUP)
    if last is not None:
        at = [bindparam(None, one, key.type) for one, key in zip(last, keys, strict=True)]
        chosen = chosen.where(tuple_(*keys) > tuple_(*at))
    return (await session.execute(chosen)).all()


async def _replace(
    session: AsyncSession, table: Table, rows: Sequence[tuple[Row[Any], Values]], label: str
) -> None:
    keys = tuple(table.primary_key)
    statement = (
        update(table)
        .where(*(key == bindparam(f"of_{key.name}") for key in keys))
        .where(table.c.key_label == bindparam("of_label"))
    )
    given = [
        {
            **{f"of_{key.name}": getattr(row, key.name) for key in keys},
            "of_label": row.key_label,
            "key_label": label,
            **values,
        }
        for row, values in rows
    ]
    connection = await session.connection()
    await connection.execute(
        statement.values({name: bindparam(name) for name in ("key_label", *rows[0][1])}), given
    )


async def _record(session: AsyncSession, who: trail.Who, step: str, label: str) -> None:
    await session.flush()
    await trail.append(session, [trail.entry(who, f"sealing-key.{step}", ACTIVITY, "sealing_key", label)])
