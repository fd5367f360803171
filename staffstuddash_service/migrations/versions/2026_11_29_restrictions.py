"""Add the students who are not to be assessed, and publish them to dropout."""

import sqlalchemy as sa
from alembic import op

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261129_restrictions"
down_revision = "20261129_audit"

SCHEMA = "staffstuddash"
TABLE = "student_restrictions"
PUBLISHED = "published_restrictions"
KEY = sa.String(200, collation="C")
# Former ids too: dropout follows a merge some seconds later, and has rows under them until then.
PUBLISH = f"""
CREATE OR REPLACE VIEW {SCHEMA}.{PUBLISHED} AS
    SELECT student_id, restricted_at FROM {SCHEMA}.{TABLE}
    UNION ALL SELECT former.old_id, present.restricted_at FROM {SCHEMA}.aliases AS former
    JOIN {SCHEMA}.{TABLE} AS present ON present.student_id = former.new_id
"""  # noqa: S608 - our own names
# While views of dropout depend on it, it stays and has no rows.
UNPUBLISH = f"""
DO $$ BEGIN
    DROP VIEW {SCHEMA}.{PUBLISHED};
EXCEPTION WHEN dependent_objects_still_exist THEN
    CREATE OR REPLACE VIEW {SCHEMA}.{PUBLISHED} AS
        SELECT id AS student_id, created_at AS restricted_at FROM {SCHEMA}.students WHERE false;
END $$
"""  # noqa: S608 - our own names
MEMBERS = f"(SELECT student_id FROM {SCHEMA}.published_memberships)"  # noqa: S608 - our own names
IS_THEIRS = f"shown.student_id IN {MEMBERS}"
IS_FORMER = f"shown.student_id IN (SELECT old_id FROM {SCHEMA}.aliases WHERE new_id IN {MEMBERS})"  # noqa: S608 - our own names


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("reason", sa.String(1000)),
        sa.Column("restricted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restricted_by", KEY, nullable=False, comment="The name of the caller"),
        sa.ForeignKeyConstraint(
            ["student_id"], [f"{SCHEMA}.students.id"], name=op.f(f"fk_{TABLE}_student_id")
        ),
        sa.PrimaryKeyConstraint("student_id", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    op.execute(PUBLISH)
    show_table(SCHEMA, TABLE, IS_THEIRS)
    show_table(SCHEMA, PUBLISHED, f"{IS_THEIRS} OR {IS_FORMER}")


def downgrade() -> None:
    for name in (PUBLISHED, TABLE):
        hide_table(SCHEMA, name)
    op.execute(UNPUBLISH)
    op.drop_table(TABLE, schema=SCHEMA)
