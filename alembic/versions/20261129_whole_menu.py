"""The whole menu of releases: several populations, rows that are no areas, and how it is known to be safe.

A cell is named by its row and column. The rounded value of hidden cells is kept for the audit of later releases; of
releases of before it is not known. Areas are planned for each population of persons; those of before serve both.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
VICTIMS, OFFENDERS = "VICTIMS", "OFFENDERS"
OLD_TABLES = ["victims-by-municipality-and-form", "victims-by-municipality-and-age"]

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

release = sa.table("release", sa.column("id", sa.Uuid()), sa.column("areas", JSON), sa.column("facts", JSON))
plan = sa.table(
    "area_plan",
    sa.column("year", sa.Integer()),
    sa.column("population", sa.String()),
    sa.column("origin", sa.String()),
    sa.column("areas", JSON),
    sa.column("set_at", MOMENT),
)
cell = sa.table("release_cell", sa.column("table", sa.String()))


def upgrade() -> None:
    with op.batch_alter_table("release_cell") as batch:
        batch.alter_column(
            "area", new_column_name="row_code", existing_type=sa.String(12), type_=sa.String(20)
        )
        batch.alter_column("category", new_column_name="column_code", existing_type=sa.String(20))
        batch.add_column(sa.Column("rounded", sa.Integer(), nullable=True))
    connection = op.get_bind()
    for row in connection.execute(sa.select(release)).all():
        facts = row.facts | {"tables": OLD_TABLES, "cube": "none", "audited": 0, "programmes": 0}
        values = {"areas": {VICTIMS: row.areas}, "facts": {VICTIMS: facts}}
        connection.execute(release.update().where(release.c.id == row.id).values(**values))
    with op.batch_alter_table("area_plan") as batch:
        batch.add_column(sa.Column("population", sa.String(20), nullable=False, server_default=VICTIMS))
        batch.drop_constraint("pk_area_plan", type_="primary")
        batch.create_primary_key("pk_area_plan", ["year", "population"])
    for row in connection.execute(sa.select(plan)).all():
        connection.execute(plan.insert().values(**row._asdict() | {"population": OFFENDERS}))
    with op.batch_alter_table("area_plan") as batch:
        batch.alter_column("population", existing_type=sa.String(20), server_default=None)


def downgrade() -> None:
    """What the menu of before does not have is lost: releases are made from the register, not the other way."""
    connection = op.get_bind()
    connection.execute(cell.delete().where(cell.c.table.not_in(OLD_TABLES)))
    for row in connection.execute(sa.select(release)).all():
        values = {"areas": row.areas.get(VICTIMS, []), "facts": row.facts.get(VICTIMS, {})}
        connection.execute(release.update().where(release.c.id == row.id).values(**values))
    with op.batch_alter_table("release_cell") as batch:
        batch.drop_column("rounded")
        batch.alter_column(
            "row_code", new_column_name="area", existing_type=sa.String(20), type_=sa.String(12)
        )
        batch.alter_column("column_code", new_column_name="category", existing_type=sa.String(20))
    connection.execute(plan.delete().where(plan.c.population != VICTIMS))
    with op.batch_alter_table("area_plan") as batch:
        batch.drop_constraint("pk_area_plan", type_="primary")
        batch.create_primary_key("pk_area_plan", ["year"])
        batch.drop_column("population")
