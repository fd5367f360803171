"""Add indexes of the first places of a course, now and at an earlier instant."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_course_places"
down_revision = "20261130_course_days"

SCHEMA = "dropout"
TABLE = "dropout_predictions"
HAS_COURSE = "course IS NOT NULL"
ADDED = {
    "ix_dropout_predictions_course_runs": (["course", "as_of", "course_rank"], HAS_COURSE),
    "ix_dropout_predictions_course_places": (["course", "course_rank"], "is_latest"),
}
# The first of the added ones has its columns, too.
REPLACED = {"ix_dropout_predictions_course_as_of": (["course", "as_of"], HAS_COURSE)}


def upgrade() -> None:
    _exchange(ADDED, REPLACED)


def downgrade() -> None:
    _exchange(REPLACED, ADDED)


def _exchange(
    added: dict[str, tuple[list[str], str]], removed: dict[str, tuple[list[str], str]]
) -> None:
    with op.get_context().autocommit_block():
        for name, (columns, condition) in added.items():
            # An interrupted run leaves an invalid index behind.
            _drop(name)
            op.create_index(
                name,
                TABLE,
                columns,
                schema=SCHEMA,
                postgresql_where=sa.text(condition),
                postgresql_concurrently=True,
            )
        for name in removed:
            _drop(name)


def _drop(name: str) -> None:
    op.drop_index(name, TABLE, schema=SCHEMA, postgresql_concurrently=True, if_exists=True)
