"""The whole signal: its earlier versions, what is sealed of it, who entered it by phone, and its withdrawal."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("signal") as batch:
        batch.add_column(sa.Column("entered_by_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("withdrawn_at", MOMENT, nullable=True))
        batch.add_column(sa.Column("withdrawal_reason", sa.String(20), nullable=True))
    op.create_index("ix_signal_page", "signal", ["organisation_id", "received_at", "id"])
    op.create_index(
        "ix_signal_entered",
        "signal",
        ["entered_by_id", "received_at", "id"],
        postgresql_where=sa.text("entered_by_id IS NOT NULL"),
        sqlite_where=sa.text("entered_by_id IS NOT NULL"),
    )
    op.create_index("ix_referral_signal_id", "referral", ["signal_id"])
    op.create_table(
        "signal_version",
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("persons", JSON, nullable=False),
        sa.Column("body_digest", sa.String(60), nullable=False),
        sa.Column("replaced_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name="fk_signal_version_signal_id"),
        sa.PrimaryKeyConstraint("signal_id", "version", name="pk_signal_version"),
    )
    op.create_table(
        "sealed_signal",
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("key_label", sa.String(20), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("partner_reference", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name="fk_sealed_signal_signal_id"),
        sa.PrimaryKeyConstraint("signal_id", name="pk_sealed_signal"),
    )


def downgrade() -> None:
    op.drop_table("sealed_signal")
    op.drop_table("signal_version")
    op.drop_index("ix_referral_signal_id", "referral")
    op.drop_index("ix_signal_entered", "signal")
    op.drop_index("ix_signal_page", "signal")
    with op.batch_alter_table("signal") as batch:
        batch.drop_column("withdrawal_reason")
        batch.drop_column("withdrawn_at")
        batch.drop_column("entered_by_id")
