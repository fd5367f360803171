"""Add extra credit, excused work and corrections to marks; only marks with a score are known."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261129_marks"
down_revision = "20261129_neighbours"

SCHEMA = "dropout"
TABLE = "assessments"
CORRECTIONS = "mark_corrections"
KEY = sa.String(200, collation="C")
RANGE = "ck_assessments_score_range"
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
COLUMNS = "id, student_id, subject, score, max_score, submitted_at"
PUBLISHED = "staffstuddash.published_assessments"


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
    _replace_view("score IS NOT NULL")
    _create_corrections()


def downgrade() -> None:
    """Remove what the earlier table cannot hold: deleted and excused work, and extra credit."""
    op.drop_table(CORRECTIONS, schema=SCHEMA)
    _replace_view("true")
    op.execute(f"DELETE FROM {SCHEMA}.{TABLE} WHERE score IS NULL")  # noqa: S608 - our own names
    op.execute(
        f"UPDATE {SCHEMA}.{TABLE} SET score = max_score WHERE score > max_score"  # noqa: S608 - our own names
    )
    op.alter_column(TABLE, "score", nullable=False, comment=None, schema=SCHEMA)
    _replace_range(WAS_IN_RANGE, is_checked=True)
    for name in (*INSTANTS, *FLAGS):
        op.drop_column(TABLE, name, schema=SCHEMA)


def _create_corrections() -> None:
    op.create_table(
        CORRECTIONS,
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("assessment_id", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False, comment="The name of the key that called"),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("before", JSONB(), nullable=False, comment="The changed fields"),
        sa.Column("after", JSONB(), comment="The same; null: deleted"),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], [f"{SCHEMA}.students.id"], name=op.f(f"fk_{CORRECTIONS}_student_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{CORRECTIONS}")),
        schema=SCHEMA,
    )
    columns = ["student_id", "corrected_at", "id"]
    op.create_index(f"ix_{CORRECTIONS}_{'_'.join(columns)}", CORRECTIONS, columns, schema=SCHEMA)


def _replace_range(condition: str, *, is_checked: bool) -> None:
    op.drop_constraint(op.f(RANGE), TABLE, schema=SCHEMA)
    op.create_check_constraint(
        op.f(RANGE), TABLE, condition, schema=SCHEMA, postgresql_not_valid=not is_checked
    )


def _replace_view(counts: str) -> None:
    # A mark without a score in staffstuddash, excused or deleted, hides the own one of its id.
    op.execute(
        f"CREATE OR REPLACE VIEW {SCHEMA}.known_assessments AS"  # noqa: S608 - our own names
        f" SELECT {COLUMNS} FROM {PUBLISHED} WHERE {counts}"
        f" UNION ALL SELECT {COLUMNS} FROM {SCHEMA}.{TABLE} AS own WHERE {counts} AND NOT EXISTS"
        f" (SELECT FROM {PUBLISHED} AS known WHERE known.id = own.id)"
    )
