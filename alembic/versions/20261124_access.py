"""Access: versions of what administrators change, public keys, last use, used assertions, revoked tokens,
and the life of an agreement from draft to end.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VERSIONED = ("client", "organisation", "contact_point")


def upgrade() -> None:
    for table in VERSIONED:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
            batch.alter_column("version", server_default=None)
    with op.batch_alter_table("contact_point") as batch:
        batch.add_column(sa.Column("created_at", MOMENT, nullable=True))
        batch.add_column(sa.Column("ended_at", MOMENT, nullable=True))
    op.execute(
        "UPDATE contact_point SET created_at = "
        "(SELECT created_at FROM organisation WHERE organisation.id = contact_point.organisation_id)"
    )
    with op.batch_alter_table("contact_point") as batch:
        batch.alter_column("created_at", existing_type=MOMENT, nullable=False)
    with op.batch_alter_table("client_secret") as batch:
        batch.add_column(sa.Column("last_used_at", MOMENT, nullable=True))
    op.create_table(
        "client_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kid", sa.String(100), nullable=False),
        sa.Column("algorithm", sa.String(5), nullable=False),
        sa.Column("jwk", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_client_key_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_key")),
    )
    op.create_index(op.f("ix_client_key_client_id"), "client_key", ["client_id"], unique=False)
    op.create_table(
        "used_assertion",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "digest", name=op.f("pk_used_assertion")),
    )
    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.String(64), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_token")),
    )
    with op.batch_alter_table("agreement") as batch:
        batch.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
        batch.alter_column("revision", server_default=None)
        batch.add_column(sa.Column("succeeds_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("drafted_by", sa.String(64), nullable=True))
        batch.add_column(sa.Column("activated_at", MOMENT, nullable=True))
        batch.add_column(sa.Column("activated_by", sa.String(64), nullable=True))
        batch.add_column(sa.Column("ended_at", MOMENT, nullable=True))
        batch.add_column(sa.Column("ended_by", sa.String(64), nullable=True))
    op.execute("UPDATE agreement SET activated_at = created_at")


def downgrade() -> None:
    op.execute("DELETE FROM agreement WHERE status <> 'IN_FORCE'")
    with op.batch_alter_table("agreement") as batch:
        for column in (
            "ended_by",
            "ended_at",
            "activated_by",
            "activated_at",
            "drafted_by",
            "succeeds_id",
            "revision",
        ):
            batch.drop_column(column)
    op.drop_table("revoked_token")
    op.drop_table("used_assertion")
    op.drop_index(op.f("ix_client_key_client_id"), table_name="client_key")
    op.drop_table("client_key")
    with op.batch_alter_table("client_secret") as batch:
        batch.drop_column("last_used_at")
    with op.batch_alter_table("contact_point") as batch:
        batch.drop_column("ended_at")
        batch.drop_column("created_at")
    for table in reversed(VERSIONED):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("version")
