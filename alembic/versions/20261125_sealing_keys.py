"""Labels of sealing keys, and no digest in clear of anything that is sealed.

A digest over tokens, notes and references could be tried out by whoever has the key of the key service alone. So
the digest that a repeated post is compared with is sealed from now on; those there were are dropped: a repeated
post of before gets its first answer, whatever its body. The digest that is told leaves out what is sealed; it is
made anew for every signal, and in the receipts that are kept.

What was dropped stays in the files of a database until they are written anew. Afterwards, on PostgreSQL:
`VACUUM FULL submission, signal, signal_version`; on SQLite: `VACUUM`. Backups of before still hold it.
"""

import base64
import hashlib
import json
from typing import Any

import sqlalchemy as sa

from alembic import op

MOMENT = sa.DateTime(timezone=True)

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

AT_A_TIME = 1000


def upgrade() -> None:
    op.create_table(
        "sealing_key",
        sa.Column("label", sa.String(20), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("used_from", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("label", name="pk_sealing_key"),
    )
    op.execute(
        "INSERT INTO sealing_key (label, made_at, used_from) VALUES ('k1', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
    )
    with op.batch_alter_table("submission") as batch:
        batch.drop_column("digest")
    with op.batch_alter_table("submission") as batch:
        batch.add_column(sa.Column("key_label", sa.String(20), nullable=True))
        batch.add_column(sa.Column("digest", sa.LargeBinary(), nullable=True))
    connection = op.get_bind()
    _digest_signals(connection, _digest_versions(connection))


def downgrade() -> None:
    """The told digests stay as they are; a repeated post of before is 409, for nothing is left to compare with."""
    with op.batch_alter_table("submission") as batch:
        batch.drop_column("digest")
        batch.drop_column("key_label")
    with op.batch_alter_table("submission") as batch:
        batch.add_column(sa.Column("digest", sa.String(60), nullable=False, server_default=""))
    with op.batch_alter_table("submission") as batch:
        batch.alter_column("digest", server_default=None)
    op.drop_table("sealing_key")


def _digest_signals(connection: sa.Connection, first_versions: dict[Any, str]) -> None:
    """Every signal, and the receipts of its first version."""
    metadata = sa.MetaData()
    metadata.reflect(connection, only=("signal", "signal_person", "submission"))
    signal, person, submission = (metadata.tables[name] for name in ("signal", "signal_person", "submission"))
    last = None
    while True:
        chosen = sa.select(signal).order_by(signal.c.id).limit(AT_A_TIME)
        rows = connection.execute(chosen if last is None else chosen.where(signal.c.id > last)).all()
        if not rows:
            return
        last = rows[-1].id
        ids = [row.id for row in rows]
        persons: dict[Any, list[Any]] = {}
        for one in connection.execute(
            sa.select(person)
            .where(person.c.signal_id.in_(ids))
            .order_by(person.c.signal_id, person.c.position)
        ):
            persons.setdefault(one.signal_id, []).append(_person(one))
        digests = {
            row.id: _digest(
                {
                    **_loaded(row.content),
                    **({"persons": persons[row.id]} if row.id in persons else {}),
                    **({"reportedBy": _hyphened(row.organisation_id)} if row.entered_by_id else {}),
                }
            )
            for row in rows
        }
        for its_id, digest in digests.items():
            connection.execute(signal.update().where(signal.c.id == its_id).values(body_digest=digest))
        for post in connection.execute(
            sa.select(
                submission.c.client_id, submission.c.key, submission.c.signal_id, submission.c.answer
            ).where(submission.c.signal_id.in_(ids), submission.c.answer.is_not(None))
        ).all():
            receipt = {
                **json.loads(post.answer),
                "bodyDigest": first_versions.get(post.signal_id, digests[post.signal_id]),
            }
            answer = json.dumps(receipt, separators=(",", ":"), ensure_ascii=False).encode()
            connection.execute(
                submission.update()
                .where(submission.c.client_id == post.client_id, submission.c.key == post.key)
                .values(answer=answer)
            )


def _digest_versions(connection: sa.Connection) -> dict[Any, str]:
    """Every earlier version; those that were the first, by signal."""
    metadata = sa.MetaData()
    metadata.reflect(connection, only=("signal_version", "signal"))
    version = metadata.tables["signal_version"]
    first = {}
    for row in connection.execute(sa.select(version)).all():
        content = _loaded(row.content)
        if persons := _loaded(row.persons):
            content["persons"] = persons
        connection.execute(
            version.update()
            .where(version.c.signal_id == row.signal_id, version.c.version == row.version)
            .values(body_digest=_digest(content))
        )
        if row.version == 1:
            first[row.signal_id] = _digest(content)
    return first


def _person(row: Any) -> dict[str, Any]:
    return {
        "role": row.role,
        "ageBand": row.age_band,
        "gender": row.gender,
        "municipality": row.municipality,
        "victimStatus": row.victim_status,
    }


def _digest(body: dict[str, Any]) -> str:
    canonical = json.dumps(_without_nulls(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha-256=:{base64.b64encode(hashlib.sha256(canonical.encode()).digest()).decode()}:"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _hyphened(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if "-" in text else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
