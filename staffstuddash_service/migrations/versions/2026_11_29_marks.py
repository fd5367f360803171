"""Add extra credit, excused work and corrections to assessments."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_marks"
down_revision = "20261129_sort_keys"

SCHEMA = "staffstuddash"
TABLE = "assessment_logs"
RANGE = "ck_assessment_logs_score_range"
FLAGS = {
    "extra_credit": "The score may exceed max_score, up to twice of it",
    "excused": "Counts neither for nor against; has no score",
}
INSTANTS = {
    "corrected_at": "Of the last correction, if any",
    "deleted_at": "Of the deletion, if any; the row then has no score and does not count",
}
IN_RANGE = (
    "max_score > 0 AND CASE WHEN excused OR deleted_at IS NOT NULL THEN score IS NULL"
    " ELSE score IS NOT NULL AND score >= 0"
    " AND score <= max_score * CASE WHEN extra_credit THEN 2 ELSE 1 END END"
)
WAS_IN_RANGE = "max_score > 0 AND score >= 0 AND score <= max_score"


def upgrade() -> None:
    for name, comment in FLAGS.items():
        # With a default, existing rows get false without being rewritten.
        flag: sa.Column[bool] = sa.Column(
            name, sa.Boolean(), nullable=False, server_default=sa.false(), comment=comment
        )
        op.add_column(TABLE, flag, schema=SCHEMA)
        op.alter_column(TABLE, name, server_default=None, schema=SCHEMA)
    for name, comment in INSTANTS.items():
        instant = sa.Column(name, sa.DateTime(timezone=True), comment=comment)
        op.add_column(TABLE, instant, schema=SCHEMA)
    op.alter_column(TABLE, "score", nullable=True, comment="Null: does not count", schema=SCHEMA)
    # The next migration checks the existing rows, which takes long, without locking the table.
    _replace_range(IN_RANGE, is_checked=False)


def downgrade() -> None:
    """Remove what the earlier tables cannot hold: deleted and excused work, and extra credit."""
    op.execute(f"DELETE FROM {SCHEMA}.{TABLE} WHERE score IS NULL")  # noqa: S608 - our own names
    op.execute(
        f"UPDATE {SCHEMA}.{TABLE} SET score = max_score WHERE score > max_score"  # noqa: S608 - our own names
    )
    op.alter_column(TABLE, "score", nullable=False, comment=None, schema=SCHEMA)
    _replace_range(WAS_IN_RANGE, is_checked=True)
    for name in (*INSTANTS, *FLAGS):
        op.drop_column(TABLE, name, schema=SCHEMA)


def _replace_range(condition: str, *, is_checked: bool) -> None:
    op.drop_constraint(op.f(RANGE), TABLE, schema=SCHEMA)
    op.create_check_constraint(
        op.f(RANGE), TABLE, condition, schema=SCHEMA, postgresql_not_valid=not is_checked
    )
