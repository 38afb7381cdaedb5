"""A referral says by which claim it is held, instead of a claim by which referrals it was answered.

So a claim is written once, and asked again after a renewal it still answers with what it holds.
"""

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

referral = sa.table(
    "referral",
    *(sa.column(name, sa.Uuid()) for name in ("id", "held_by", "claim_id")),
    sa.column("status", sa.String()),
    sa.column("lease_until"),
)
claim = sa.table(
    "referral_claim",
    *(sa.column(name, sa.Uuid()) for name in ("id", "client_id")),
    sa.column("lease_until"),
    sa.column("referral_ids", JSON),
)


def upgrade() -> None:
    op.add_column("referral", sa.Column("claim_id", sa.Uuid(), nullable=True))
    connection = op.get_bind()
    held = sa.select(referral.c.id, claim.c.id.label("claim_id"), claim.c.referral_ids).where(
        referral.c.status == "CLAIMED",
        referral.c.held_by == claim.c.client_id,
        referral.c.lease_until == claim.c.lease_until,
    )
    for row in connection.execute(held).all():
        if str(row.id) in row.referral_ids:
            connection.execute(referral.update().where(referral.c.id == row.id).values(claim_id=row.claim_id))
    with op.batch_alter_table("referral_claim") as batch:
        batch.drop_column("referral_ids")


def downgrade() -> None:
    """A claim remembers what it still holds; the rest of its answer is not asked for any more."""
    op.add_column("referral_claim", sa.Column("referral_ids", JSON, nullable=False, server_default="[]"))
    connection = op.get_bind()
    held = defaultdict(list)
    for row in connection.execute(sa.select(referral).where(referral.c.claim_id.is_not(None))).all():
        held[row.claim_id].append(str(row.id))
    for claim_id, ids in held.items():
        connection.execute(claim.update().where(claim.c.id == claim_id).values(referral_ids=ids))
    with op.batch_alter_table("referral_claim") as batch:
        batch.alter_column("referral_ids", existing_type=JSON, server_default=None)
    with op.batch_alter_table("referral") as batch:
        batch.drop_column("claim_id")
