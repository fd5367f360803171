"""Add the log of drawn orders, and publish it."""

import sqlalchemy as sa
from alembic import op

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_drawn_places"
down_revision = "20261130_published_places"

SCHEMA, TABLE, VIEW = "dropout", "drawn_places", "published_draws"
# As an array: the planner would scan all draws for the few students of a teacher.
THEIRS = (
    "shown.student_id = ANY (ARRAY(SELECT student_id FROM staffstuddash.published_memberships))"
)
PUBLISHED = (
    "CREATE VIEW dropout.published_draws AS"
    " SELECT course, week, student_id, place, position, band_first, band_last, as_of"
    " FROM dropout.drawn_places AS made"
    " WHERE NOT EXISTS (SELECT FROM staffstuddash.published_restrictions AS restricted"
    " WHERE restricted.student_id = made.student_id)"
)


def upgrade() -> None:
    key = sa.String(200, collation="C")
    op.create_table(
        TABLE,
        sa.Column("course", key, nullable=False),
        sa.Column(
            "week",
            sa.Date(),
            nullable=False,
            comment="Its Monday (UTC); an order is drawn once a week",
        ),
        sa.Column("student_id", key, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="By risk, 1 is the highest"),
        sa.Column("position", sa.Integer(), nullable=False, comment="In the drawn order"),
        sa.Column("band_first", sa.Integer(), nullable=False, comment="First place of the band"),
        sa.Column("band_last", sa.Integer(), nullable=False),
        sa.Column(
            "as_of", sa.DateTime(timezone=True), nullable=False, comment="Of the predictions"
        ),
        sa.CheckConstraint(
            "place BETWEEN band_first AND band_last", name=op.f("ck_drawn_places_place_in_band")
        ),
        sa.CheckConstraint("position >= band_first", name=op.f("ck_drawn_places_position_in_band")),
        sa.PrimaryKeyConstraint("course", "week", "student_id", name="pk_drawn_places"),
        sa.ForeignKeyConstraint(
            ["student_id"], [f"{SCHEMA}.students.id"], name="fk_drawn_places_student_id"
        ),
        schema=SCHEMA,
    )
    for columns in (["student_id"], ["band_first", "week"]):
        op.create_index(f"ix_{TABLE}_{'_'.join(columns)}", TABLE, columns, schema=SCHEMA)
    op.execute(PUBLISHED)
    for name in (TABLE, VIEW):
        show_table(SCHEMA, name, THEIRS)


def downgrade() -> None:
    for name in (VIEW, TABLE):
        hide_table(SCHEMA, name)
    op.execute(f"DROP VIEW {SCHEMA}.{VIEW}")
    op.drop_table(TABLE, schema=SCHEMA)
