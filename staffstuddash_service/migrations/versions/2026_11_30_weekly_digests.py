"""Add weekly digests, and the students named by a mail."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Json, Key, UtcDateTime

revision = "20261130_weekly_digests"
down_revision = "20261130_checked_imports"

SCHEMA = "staffstuddash"
TABLE = "weekly_digests"
NAMED = "Named in the body; if one is erased or restricted, the mail is deleted"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("person_id", Key, nullable=False),
        sa.Column("week", sa.Date(), nullable=False, comment="Its Monday"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("was_sent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], [f"{SCHEMA}.people.id"], name=op.f(f"fk_{TABLE}_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "week", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    op.add_column("mails", sa.Column("student_ids", Json, comment=NAMED), schema=SCHEMA)
    op.alter_column("mails", "body", comment="Of a digest: with names of students", schema=SCHEMA)


def downgrade() -> None:
    op.alter_column("mails", "body", comment=None, schema=SCHEMA)
    op.drop_column("mails", "student_ids", schema=SCHEMA)
    op.drop_table(TABLE, schema=SCHEMA)
