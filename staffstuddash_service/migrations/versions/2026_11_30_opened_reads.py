"""Add the openings to the reads, and publish those in force of the person of the transaction."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Json
from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_opened_reads"
down_revision = "20261129_break_glass"

SCHEMA = "staffstuddash"
PERSON = "nullif(current_setting('veritas.person', true), '')"
SHOWN = (
    f"EXISTS (SELECT FROM {SCHEMA}.read_subjects AS subject"  # noqa: S608 - our own names
    " WHERE subject.chain = shown.chain AND subject.number = shown.number"
    f" AND subject.student_id IN (SELECT student_id FROM {SCHEMA}.published_memberships))"
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
        f"CREATE VIEW {SCHEMA}.published_openings WITH (security_barrier) AS"  # noqa: S608 - our own names
        f" SELECT id, student_id FROM {SCHEMA}.break_glass"
        f" WHERE person_id = {PERSON} AND ends_at > statement_timestamp()"
    )
    show_table(SCHEMA, "published_openings", None)


def downgrade() -> None:
    hide_table(SCHEMA, "published_openings")
    op.execute(f"DROP VIEW {SCHEMA}.published_openings")
    hide_table(SCHEMA, "reads")
    op.drop_column("reads", "openings", schema=SCHEMA)
    show_table(SCHEMA, "reads", SHOWN)
