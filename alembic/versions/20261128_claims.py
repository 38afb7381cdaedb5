"""A referral says by which claim it is held, instead of a claim by which referrals it was answered.

So a claim is written once, and asked again after a renewal it still answers with what it holds. What was accepted or
forwarded before there was a term for handling has that of deciding, long over: it gets the term that it would have now.
"""

from collections import defaultdict
from datetime import UTC

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from service.clock import local_day
from service.referrals.terms import due_on

HANDLING_WORKING_DAYS = 30  # where an agreement is older than the term
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

referral = sa.table(
    "referral",
    *(sa.column(name, sa.Uuid()) for name in ("id", "held_by", "claim_id")),
    sa.column("signal_id", sa.Uuid()),
    sa.column("status", sa.String()),
    sa.column("due_on", sa.Date()),
    sa.column("lease_until"),
)
step = sa.table(
    "referral_step",
    sa.column("referral_id", sa.Uuid()),
    sa.column("move", sa.String()),
    sa.column("at", MOMENT),
)
signal = sa.table("signal", sa.column("id", sa.Uuid()), sa.column("agreement_id", sa.Uuid()))
agreement = sa.table("agreement", sa.column("id", sa.Uuid()), sa.column("content", JSON))
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
    _give_handling_terms(connection)


def _give_handling_terms(connection: sa.Connection) -> None:
    agreements = connection.execute(sa.select(agreement.c.id, agreement.c.content)).all()
    days = {
        row.id: row.content.get("terms", {}).get("handlingWorkingDays", HANDLING_WORKING_DAYS)
        for row in agreements
    }
    begun = (
        sa.select(referral.c.id, signal.c.agreement_id, sa.func.max(step.c.at).label("at"))
        .join(signal, signal.c.id == referral.c.signal_id)
        .join(step, step.c.referral_id == referral.c.id)
        .where(
            referral.c.status.in_(("ACCEPTED", "FORWARDED")), step.c.move.in_(("accept", "forward", "resume"))
        )
        .group_by(referral.c.id, signal.c.agreement_id)
    )
    for row in connection.execute(begun).all():
        at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
        due = due_on(local_day(at), days[row.agreement_id])
        connection.execute(referral.update().where(referral.c.id == row.id).values(due_on=due))


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
