"""Releases are compiled by a job: what was asked for, by whom, and how far it is.

On the way down what was asked for is forgotten; releases that came of it stay.
"""

import sqlalchemy as sa

from alembic import op

MOMENT = sa.DateTime(timezone=True)

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "compilation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("trace_id", sa.String(32), nullable=True),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("failure", sa.String(60), nullable=True),
        sa.Column("release_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compilation")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_compilation_release_id")),
    )


def downgrade() -> None:
    op.drop_table("compilation")
