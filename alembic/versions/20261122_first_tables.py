"""The first tables: reference data, signals and their sealed side, referrals, releases, events, the trail."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(160), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    op.create_table(
        "area_plan",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("areas", JSON, nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_area_plan")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("trace_id", sa.String(32), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.String(64), nullable=True),
        sa.Column("role", sa.String(16), nullable=True),
        sa.Column("act", sa.String(60), nullable=False),
        sa.Column("activity", sa.String(40), nullable=False),
        sa.Column("object_type", sa.String(40), nullable=True),
        sa.Column("object_id", sa.String(64), nullable=True),
        sa.Column("ground", sa.String(80), nullable=True),
        sa.Column("outcome", sa.String(60), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("sequence", name=op.f("uq_event_sequence")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("type", sa.String(30), nullable=False),
        sa.Column("oin", sa.String(20), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("oin", name=op.f("uq_organisation_oin")),
    )
    op.create_table(
        "reference_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_version")),
    )
    op.create_table(
        "referral_claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(60), nullable=False),
        sa.Column("referral_ids", JSON, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_claim")),
        sa.UniqueConstraint("client_id", "key", name=op.f("uq_referral_claim_client_id_key")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("menu_version", sa.Integer(), nullable=False),
        sa.Column("areas", JSON, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("compiled_at", MOMENT, nullable=False),
        sa.Column("compiled_by", sa.String(64), nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.Column("published_by", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("period", name=op.f("uq_release_period")),
    )
    op.create_table(
        "rule_set",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("activated_at", MOMENT, nullable=True),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rule_set")),
    )
    op.create_table(
        "submission",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(60), nullable=False),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_submission")),
    )
    op.create_table(
        "client",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("municipalities", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_client_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("name", name=op.f("uq_client_name")),
    )
    op.create_index(op.f("ix_client_organisation_id"), "client", ["organisation_id"], unique=False)

    op.create_table(
        "contact_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("municipalities", JSON, nullable=False),
        sa.Column("function", sa.String(120), nullable=False),
        sa.Column("deputy_function", sa.String(120), nullable=False),
        sa.Column("phone", sa.String(30), nullable=False),
        sa.Column("hours", sa.String(120), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_contact_point_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
    )
    op.create_index(
        op.f("ix_contact_point_organisation_id"), "contact_point", ["organisation_id"], unique=False
    )

    op.create_table(
        "release_cell",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("table", sa.String(60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(12), nullable=False),
        sa.Column("category", sa.String(20), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_release_cell_release_id")),
        sa.PrimaryKeyConstraint("release_id", "table", "position", name=op.f("pk_release_cell")),
    )
    op.create_table(
        "signal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("remove_by", sa.Date(), nullable=False),
        sa.Column("municipality", sa.String(8), nullable=False),
        sa.Column("primary_type", sa.String(30), nullable=False),
        sa.Column("incident_municipality", sa.String(8), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("body_digest", sa.String(60), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_signal_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal")),
    )
    op.create_index(op.f("ix_signal_received_at"), "signal", ["received_at"], unique=False)

    op.create_table(
        "client_secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_client_secret_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_secret")),
    )
    op.create_index(op.f("ix_client_secret_client_id"), "client_secret", ["client_id"], unique=False)

    op.create_table(
        "decision",
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("signal_version", sa.Integer(), nullable=False),
        sa.Column("rule_set", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(60), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("outcome", JSON, nullable=False),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_decision_signal_id")),
        sa.PrimaryKeyConstraint("signal_id", "signal_version", name=op.f("pk_decision")),
    )
    op.create_table(
        "referral",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("signal_version", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("contact_point_id", sa.Uuid(), nullable=True),
        sa.Column("municipality", sa.String(8), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("held_by", sa.Uuid(), nullable=True),
        sa.Column("assigned_to", sa.String(64), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(40), nullable=True),
        sa.Column("shared", JSON, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_referral_organisation_id")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["referral.id"], name=op.f("fk_referral_parent_id")),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_referral_signal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    op.create_index(
        "ix_referral_lease",
        "referral",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("status = 'CLAIMED'"),
        sqlite_where=sa.text("status = 'CLAIMED'"),
    )
    op.create_index("ix_referral_page", "referral", ["organisation_id", "received_at", "id"], unique=False)
    op.create_index(
        "ix_referral_parent",
        "referral",
        ["parent_id"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
        sqlite_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_referral_queue",
        "referral",
        ["organisation_id", "priority", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'WAITING'"),
        sqlite_where=sa.text("status = 'WAITING'"),
    )

    op.create_table(
        "signal_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("age_band", sa.String(10), nullable=False),
        sa.Column("gender", sa.String(10), nullable=False),
        sa.Column("municipality", sa.String(8), nullable=True),
        sa.Column("victim_status", sa.String(10), nullable=True),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_signal_person_signal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal_person")),
    )
    op.create_index(op.f("ix_signal_person_signal_id"), "signal_person", ["signal_id"], unique=False)

    op.create_table(
        "referral_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("move", sa.String(10), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name=op.f("fk_referral_step_referral_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_step")),
    )
    op.create_index(op.f("ix_referral_step_referral_id"), "referral_step", ["referral_id"], unique=False)

    op.create_table(
        "sealed_person",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(1), nullable=False),
        sa.Column("key_label", sa.String(20), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["signal_person.id"], name=op.f("fk_sealed_person_person_id")),
        sa.PrimaryKeyConstraint("person_id", "position", name=op.f("pk_sealed_person")),
    )
    op.create_index(op.f("ix_sealed_person_subject"), "sealed_person", ["subject"], unique=False)

    op.execute("INSERT INTO reference_version (id, version) VALUES (1, 1)")


def downgrade() -> None:
    op.drop_index(op.f("ix_sealed_person_subject"), table_name="sealed_person")

    op.drop_table("sealed_person")
    op.drop_index(op.f("ix_referral_step_referral_id"), table_name="referral_step")

    op.drop_table("referral_step")
    op.drop_index(op.f("ix_signal_person_signal_id"), table_name="signal_person")

    op.drop_table("signal_person")
    op.drop_index(
        "ix_referral_queue",
        table_name="referral",
        postgresql_where=sa.text("status = 'WAITING'"),
        sqlite_where=sa.text("status = 'WAITING'"),
    )
    op.drop_index(
        "ix_referral_parent",
        table_name="referral",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
        sqlite_where=sa.text("parent_id IS NOT NULL"),
    )
    op.drop_index("ix_referral_page", table_name="referral")
    op.drop_index(
        "ix_referral_lease",
        table_name="referral",
        postgresql_where=sa.text("status = 'CLAIMED'"),
        sqlite_where=sa.text("status = 'CLAIMED'"),
    )

    op.drop_table("referral")
    op.drop_table("decision")
    op.drop_index(op.f("ix_client_secret_client_id"), table_name="client_secret")

    op.drop_table("client_secret")
    op.drop_index(op.f("ix_signal_received_at"), table_name="signal")

    op.drop_table("signal")
    op.drop_table("release_cell")
    op.drop_index(op.f("ix_contact_point_organisation_id"), table_name="contact_point")

    op.drop_table("contact_point")
    op.drop_index(op.f("ix_client_organisation_id"), table_name="client")

    op.drop_table("client")
    op.drop_table("submission")
    op.drop_table("rule_set")
    op.drop_table("release")
    op.drop_table("referral_claim")
    op.drop_table("reference_version")
    op.drop_table("organisation")
    op.drop_table("event")
    op.drop_table("audit_entry")
    op.drop_table("area_plan")
    op.drop_table("agreement")
