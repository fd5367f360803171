"""Add the openings to the reads, and publish the reads under an opening."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Json
from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_opened_reads"
down_revision = "20261130_risks_filled"

SCHEMA = "dropout"
SHOWN = (
    f"EXISTS (SELECT FROM {SCHEMA}.read_subjects AS subject"  # noqa: S608 - our own names
    " WHERE subject.chain = shown.chain AND subject.number = shown.number"
    " AND subject.student_id IN (SELECT student_id FROM staffstuddash.published_memberships))"
)


def upgrade() -> None:
    op.add_column(
        "reads",
        sa.Column(
            "openings",
            Json,
            comment="Of break-glass: their ids by the tokens of the students seen by them",
        ),
        schema=SCHEMA,
    )
    show_table(SCHEMA, "reads", SHOWN)
    op.execute(
        f"CREATE VIEW {SCHEMA}.published_opened_reads AS"  # noqa: S608 - our own names
        " SELECT subject.student_id, subject.read_at,"
        " reads.openings ->> subject.token AS opening_id"
        f" FROM {SCHEMA}.read_subjects AS subject JOIN {SCHEMA}.reads AS reads"
        " ON reads.chain = subject.chain AND reads.number = subject.number"
        " WHERE reads.openings ->> subject.token IS NOT NULL"
    )


def downgrade() -> None:
    op.execute(f"DROP VIEW {SCHEMA}.published_opened_reads")
    hide_table(SCHEMA, "reads")
    op.drop_column("reads", "openings", schema=SCHEMA)
    show_table(SCHEMA, "reads", SHOWN)
