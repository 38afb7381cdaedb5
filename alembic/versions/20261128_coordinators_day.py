"""The coordinator's day: the numbered feed, jobs, questions, feedback, escalation, returns.

An event says for which role and municipality it is, and gets its number in the feed of its organisation. Events of
before are given both from the referral that they are about. A referral that a second contact point returned is in
nobody's queue until the administration has placed it: its organisation may be missing.
"""

import json
from collections.abc import Callable

import sqlalchemy as sa

from alembic import op

MOMENT = sa.DateTime(timezone=True)
REFERRALS = "/v1/referrals/"

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


# The scopes that a role had, and has from now on besides: for clients that were given all of them.
SCOPES: dict[str, tuple[set[str], str]] = {
    "reporter": ({"signals:write", "signals:read"}, "events:read"),
    "coordinator": ({"referrals:read", "referrals:work", "signals:write", "signals:read"}, "events:read"),
    "recipient": ({"referrals:read", "referrals:work"}, "events:read"),
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
        },
        "referrals:place",
    ),
}


def upgrade() -> None:
    _change_scopes(lambda scopes, had, new: scopes | {new} if scopes == had else scopes)
    _add_feed()
    _add_jobs()
    _add_questions()
    _add_escalations()
    with op.batch_alter_table("organisation") as batch:
        batch.add_column(sa.Column("function", sa.String(120), nullable=True))
        batch.add_column(sa.Column("phone", sa.String(30), nullable=True))
    with op.batch_alter_table("referral") as batch:
        batch.alter_column("organisation_id", existing_type=sa.Uuid(), nullable=True)
        batch.add_column(sa.Column("renewals", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("returned_from_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key("fk_referral_returned_from_id", "referral", ["returned_from_id"], ["id"])
    op.create_index(
        "ix_referral_due",
        "referral",
        ["organisation_id", "due_on", "id"],
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    with op.batch_alter_table("referral_step") as batch:
        batch.add_column(sa.Column("detail", sa.String(64), nullable=True))


def downgrade() -> None:
    """What is in nobody's queue goes back to who returned it last: the version before knows no other place for it."""
    with op.batch_alter_table("referral_step") as batch:
        batch.drop_column("detail")
    op.drop_index("ix_referral_due", "referral")
    for table in ("referral_escalation", "feedback", "sealed_question", "question"):
        op.drop_table(table)
    for column in ("contact_point_id", "organisation_id"):
        before = f"SELECT earlier.{column} FROM referral earlier WHERE earlier.id = referral.returned_from_id"  # noqa: S608
        op.execute(f"UPDATE referral SET {column} = ({before}) WHERE organisation_id IS NULL")  # noqa: S608
    with op.batch_alter_table("referral") as batch:
        batch.drop_constraint("fk_referral_returned_from_id", type_="foreignkey")
        batch.drop_column("returned_from_id")
        batch.drop_column("renewals")
        batch.alter_column("organisation_id", existing_type=sa.Uuid(), nullable=False)
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("phone")
        batch.drop_column("function")
    _change_scopes(lambda scopes, _, new: scopes - {new})
    op.drop_table("job")
    op.drop_table("event_feed")
    op.drop_index("ix_event_unnumbered", "event")
    op.execute("UPDATE event SET sequence = NULL")
    with op.batch_alter_table("event") as batch:
        batch.drop_constraint("uq_event_organisation_id_sequence", type_="unique")
        batch.drop_column("municipality")
        batch.drop_column("audience")
        batch.create_unique_constraint("uq_event_sequence", ["sequence"])


def _change_scopes(change: Callable[[set[str], set[str], str], set[str]]) -> None:
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


def _add_feed() -> None:
    with op.batch_alter_table("event") as batch:
        batch.drop_constraint("uq_event_sequence", type_="unique")
        batch.add_column(sa.Column("audience", sa.String(12), nullable=True))
        batch.add_column(sa.Column("municipality", sa.String(8), nullable=True))
        batch.create_unique_constraint("uq_event_organisation_id_sequence", ["organisation_id", "sequence"])
    _give_audiences(op.get_bind())
    with op.batch_alter_table("event") as batch:
        batch.alter_column("audience", existing_type=sa.String(12), nullable=False)
    op.create_index(
        "ix_event_unnumbered",
        "event",
        ["at", "id"],
        postgresql_where=sa.text("sequence IS NULL"),
        sqlite_where=sa.text("sequence IS NULL"),
    )
    op.create_table(
        "event_feed",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("first_sequence", sa.Integer(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_event_feed"),
    )


def _give_audiences(connection: sa.Connection) -> None:
    """What is about a referral is for its contact point, or for the recipient of what was forwarded."""
    postgresql = connection.dialect.name == "postgresql"
    id_ = f"substr(event.subject, {len(REFERRALS) + 1})"
    its = f"CAST({id_} AS uuid)" if postgresql else f"replace({id_}, '-', '')"
    audience = "CASE WHEN parent_id IS NULL THEN 'coordinator' ELSE 'recipient' END"
    about = f"FROM referral WHERE referral.id = {its}"
    connection.execute(sa.text("UPDATE event SET audience = 'reporter'"))
    connection.execute(
        sa.text(
            f"UPDATE event SET municipality = (SELECT municipality {about}), "  # noqa: S608  (names of our own)
            f"audience = coalesce((SELECT {audience} {about}), 'coordinator') WHERE subject LIKE '{REFERRALS}%'"
        )
    )


def _add_jobs() -> None:
    op.create_table(
        "job",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("held_by", sa.Uuid(), nullable=True),
        sa.Column("held_until", MOMENT, nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("failed_at", MOMENT, nullable=True),
        sa.Column("failure", sa.String(80), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_job"),
    )


def _add_questions() -> None:
    op.create_table(
        "question",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("signal_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("organisation_type", sa.String(30), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("permitted", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name="fk_question_referral_id"),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name="fk_question_signal_id"),
        sa.PrimaryKeyConstraint("id", name="pk_question"),
    )
    op.create_index("ix_question_signal_id", "question", ["signal_id"])
    op.create_table(
        "sealed_question",
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("key_label", sa.String(20), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name="fk_sealed_question_question_id"),
        sa.PrimaryKeyConstraint("question_id", name="pk_sealed_question"),
    )
    op.create_index("ix_sealed_question_signal_id", "sealed_question", ["signal_id"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(30), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.String(40), nullable=True),
        sa.Column("organisation_type", sa.String(30), nullable=True),
        sa.Column("question_id", sa.Uuid(), nullable=True),
        sa.Column("within_term", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name="fk_feedback_signal_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
    )
    op.create_index("ix_feedback_signal_id", "feedback", ["signal_id"])


def _add_escalations() -> None:
    op.create_table(
        "referral_escalation",
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(10), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_referral_escalation_organisation_id"
        ),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name="fk_referral_escalation_referral_id"),
        sa.PrimaryKeyConstraint("referral_id", "due_on", "rung", name="pk_referral_escalation"),
    )
    op.create_index(
        "ix_referral_escalation_organisation_id", "referral_escalation", ["organisation_id", "referral_id"]
    )
