"""Add an index of session events by day, and free space for updates of the daily rollup."""

import sqlalchemy as sa
from alembic import op

revision = "20261123_days"
down_revision = "20261122_models"

SCHEMA = "dropout"


def upgrade() -> None:
    op.create_index(
        "ix_learning_events_sessions",
        "learning_events",
        ["student_id", "day"],
        schema=SCHEMA,
        postgresql_where=sa.text("event_type IN ('SESSION_START', 'SESSION_END')"),
    )
    op.execute("ALTER TABLE dropout.daily_activity SET (fillfactor = 70)")


def downgrade() -> None:
    op.execute("ALTER TABLE dropout.daily_activity RESET (fillfactor)")
    op.drop_index("ix_learning_events_sessions", "learning_events", schema=SCHEMA)
