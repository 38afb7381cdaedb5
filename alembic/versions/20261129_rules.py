"""The life of a rule set: drafted, activated at a moment by somebody else, retired; and where it holds from when.

All who wrote at a draft are kept, of rule sets and of agreements: none of them activates it.

A rule set that was active holds in its municipalities from the moment at which it was activated. On the way down, what
is planned becomes a draft again, and what is active keeps the municipalities where it holds; who wrote a draft and what
it succeeds is forgotten.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The scopes that a role had, and has from now on besides: for clients that were given all of them.
SCOPES: dict[str, tuple[set[str], set[str]]] = {
    "coordinator": (
        {"referrals:read", "referrals:work", "signals:write", "signals:read", "events:read"},
        {"rules:read"},
    ),
    "administrator": (
        {
            "statistics:read",
            "statistics:compile",
            "organisations:read",
            "organisations:write",
            "clients:read",
            "clients:write",
            "agreements:read",
            "agreements:write",
            "referrals:place",
        },
        {"rules:read", "rules:write"},
    ),
    "auditor": (
        {"statistics:read", "organisations:read", "clients:read", "agreements:read"},
        {"rules:read"},
    ),
}

rule_set = sa.table(
    "rule_set",
    sa.column("version", sa.Integer()),
    sa.column("status", sa.String()),
    sa.column("content", JSON),
    sa.column("activated_at", MOMENT),
    sa.column("retired_at", MOMENT),
)
agreement = sa.table(
    "agreement", sa.column("id", sa.Uuid()), sa.column("drafted_by", sa.String()), sa.column("authors", JSON)
)
turn = sa.table(
    "rule_set_turn",
    sa.column("municipality", sa.String()),
    sa.column("since", MOMENT),
    sa.column("version", sa.Integer()),
)


def upgrade() -> None:
    _change_scopes(lambda scopes, had, new: scopes | new if scopes == had else scopes)
    op.create_table(
        "rule_set_turn",
        sa.Column("municipality", sa.String(8), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("municipality", "since", name=op.f("pk_rule_set_turn")),
        sa.ForeignKeyConstraint(["version"], ["rule_set.version"], name=op.f("fk_rule_set_turn_version")),
    )
    with op.batch_alter_table("agreement") as batch:
        batch.add_column(sa.Column("authors", JSON, nullable=False, server_default="[]"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(agreement).where(agreement.c.drafted_by.is_not(None))).all():
        connection.execute(
            agreement.update().where(agreement.c.id == row.id).values(authors=[row.drafted_by])
        )
    with op.batch_alter_table("agreement") as batch:
        batch.alter_column("authors", existing_type=JSON, server_default=None)
    for row in connection.execute(sa.select(rule_set).where(rule_set.c.status == "ACTIVE")).all():
        turns = [
            {"municipality": municipality, "since": row.activated_at, "version": row.version}
            for municipality in row.content["municipalities"]
        ]
        connection.execute(turn.insert(), turns)
    with op.batch_alter_table("rule_set") as batch:
        batch.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("succeeds", JSON, nullable=False, server_default="[]"))
        batch.add_column(sa.Column("authors", JSON, nullable=False, server_default="[]"))
        batch.add_column(sa.Column("drafted_at", MOMENT, nullable=True))
        for who in ("activated_by", "retired_by"):
            batch.add_column(sa.Column(who, sa.String(64), nullable=True))
    op.execute("UPDATE rule_set SET drafted_at = COALESCE(activated_at, CURRENT_TIMESTAMP)")
    with op.batch_alter_table("rule_set") as batch:
        batch.alter_column("revision", existing_type=sa.Integer(), server_default=None)
        for column in ("succeeds", "authors"):
            batch.alter_column(column, existing_type=JSON, server_default=None)
        batch.alter_column("drafted_at", existing_type=MOMENT, nullable=False)
        batch.drop_column("status")


def downgrade() -> None:
    with op.batch_alter_table("rule_set") as batch:
        batch.add_column(sa.Column("status", sa.String(10), nullable=True))
    connection = op.get_bind()
    now = datetime.now(UTC)
    latest = (
        sa.select(turn.c.municipality, sa.func.max(turn.c.since).label("since"))
        .where(turn.c.since <= now)
        .group_by(turn.c.municipality)
        .subquery()
    )
    holding = sa.select(turn.c.municipality).join(
        latest, sa.and_(turn.c.municipality == latest.c.municipality, turn.c.since == latest.c.since)
    )
    planned = sa.select(turn.c.version).where(turn.c.since > now, turn.c.version.is_not(None))
    for status, chosen in (
        ("RETIRED", sa.true()),
        ("DRAFT", sa.and_(rule_set.c.activated_at.is_(None), rule_set.c.retired_at.is_(None))),
        ("DRAFT", rule_set.c.version.in_(planned)),
        (
            "ACTIVE",
            rule_set.c.version.in_(holding.with_only_columns(turn.c.version, maintain_column_froms=True)),
        ),
    ):
        connection.execute(rule_set.update().where(chosen).values(status=status))
    connection.execute(rule_set.update().where(rule_set.c.status == "DRAFT").values(activated_at=None))
    for row in connection.execute(sa.select(rule_set).where(rule_set.c.status == "ACTIVE")).all():
        held = set(connection.scalars(holding.where(turn.c.version == row.version)))
        content = row.content | {
            "municipalities": [one for one in row.content["municipalities"] if one in held]
        }
        connection.execute(rule_set.update().where(rule_set.c.version == row.version).values(content=content))
    op.drop_table("rule_set_turn")
    with op.batch_alter_table("rule_set") as batch:
        batch.alter_column("status", existing_type=sa.String(10), nullable=False)
        for column in ("revision", "succeeds", "authors", "drafted_at", "activated_by", "retired_by"):
            batch.drop_column(column)
    with op.batch_alter_table("agreement") as batch:
        batch.drop_column("authors")
    _change_scopes(lambda scopes, _, new: scopes - new)


def _change_scopes(change: Callable[[set[str], set[str], set[str]], set[str]]) -> None:
    connection, metadata = op.get_bind(), sa.MetaData()
    metadata.reflect(connection, only=("client",))
    client = metadata.tables["client"]
    for row in connection.execute(sa.select(client.c.id, client.c.role, client.c.scopes)).all():
        if row.role not in SCOPES:
            continue
        scopes = set(json.loads(row.scopes) if isinstance(row.scopes, str) else row.scopes)
        changed = change(scopes, *SCOPES[row.role])
        if changed != scopes:
            values = {"scopes": sorted(changed)}
            connection.execute(client.update().where(client.c.id == row.id).values(**values))
