"""Add indexes for the neighbours of late events: by day, and by question."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

revision = "20261129_neighbours"
down_revision = "20261129_pending"

SCHEMA = "dropout"
TABLE = "learning_events"
COURSE = "coalesce(course, '')"
IS_MARK = "event_type IN ('SESSION_START', 'SESSION_END')"
IS_ANSWER = "event_type = 'QUESTION_SUBMIT' AND question_id IS NOT NULL"


@dataclass(frozen=True)
class _Index:
    name: str
    columns: Sequence[str]
    where: str | None = None


NEW = (
    _Index("ix_learning_events_days", ("day", "student_id", COURSE, "occurred_at", "id")),
    _Index(
        "ix_learning_events_correct_answers",
        ("student_id", "question_id", "occurred_at", "id"),
        f"{IS_ANSWER} AND is_correct IS TRUE",
    ),
    _Index("ix_learning_events_session_marks", ("student_id", "day", COURSE), IS_MARK),
)
OLD = (
    _Index("ix_learning_events_day_student_id", ("day", "student_id")),
    _Index("ix_learning_events_sessions", ("student_id", "day"), IS_MARK),
)


def upgrade() -> None:
    _exchange(OLD, NEW)


def downgrade() -> None:
    _exchange(NEW, OLD)


def _exchange(old: Sequence[_Index], new: Sequence[_Index]) -> None:
    with op.get_context().autocommit_block():
        for index in new:
            # An interrupted run leaves an invalid index behind.
            _drop(index)
            op.create_index(
                index.name,
                TABLE,
                [sa.text(column) for column in index.columns],
                schema=SCHEMA,
                postgresql_where=None if index.where is None else sa.text(index.where),
                postgresql_concurrently=True,
            )
        for index in old:
            _drop(index)


def _drop(index: _Index) -> None:
    op.drop_index(index.name, TABLE, schema=SCHEMA, postgresql_concurrently=True, if_exists=True)
