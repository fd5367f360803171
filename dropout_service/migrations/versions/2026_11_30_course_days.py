"""Add an index of the daily activity of a course by day."""

from alembic import op

revision = "20261130_course_days"
down_revision = "20261130_feedback"

SCHEMA = "dropout"
TABLE = "daily_activity"
NAME = "ix_daily_activity_course_day"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An interrupted run leaves an invalid index behind.
        _drop()
        op.create_index(NAME, TABLE, ["course", "day"], schema=SCHEMA, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _drop()


def _drop() -> None:
    op.drop_index(NAME, TABLE, schema=SCHEMA, postgresql_concurrently=True, if_exists=True)
