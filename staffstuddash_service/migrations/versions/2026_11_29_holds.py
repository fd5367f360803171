"""Add legal holds of students, and their published view."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_holds"
down_revision = "20261129_statistics"

SCHEMA = "staffstuddash"
TABLE = "holds"
KEY = sa.String(200, collation="C")

# Also under former ids: dropout may not have followed a merge yet.
PUBLISHED = """
CREATE VIEW staffstuddash.published_holds AS
SELECT student_id FROM staffstuddash.holds
UNION SELECT aliases.old_id FROM staffstuddash.aliases
JOIN staffstuddash.holds ON holds.student_id = aliases.new_id
"""


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("student_id", KEY, nullable=False),
        sa.Column(
            "reason",
            sa.Text(),
            nullable=False,
            comment="A line for each student that was merged into this one",
        ),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_by", KEY, nullable=False, comment="The name of the caller"),
        sa.ForeignKeyConstraint(
            ["student_id"], [f"{SCHEMA}.students.id"], name=op.f(f"fk_{TABLE}_student_id")
        ),
        sa.PrimaryKeyConstraint("student_id", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    op.execute(PUBLISHED)


def downgrade() -> None:
    op.execute("DROP VIEW staffstuddash.published_holds")
    op.drop_table(TABLE, schema=SCHEMA)
