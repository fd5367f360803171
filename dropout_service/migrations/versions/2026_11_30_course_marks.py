"""Add an index of the marks of a course by time."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_course_marks"
down_revision = "20261130_course_places"

SCHEMA = "dropout"
TABLE = "assessments"
NAME = "ix_assessments_course_marks"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An interrupted run leaves an invalid index behind.
        _drop()
        op.create_index(
            NAME,
            TABLE,
            ["course", "submitted_at"],
            schema=SCHEMA,
            postgresql_where=sa.text("course IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _drop()


def _drop() -> None:
    op.drop_index(NAME, TABLE, schema=SCHEMA, postgresql_concurrently=True, if_exists=True)
