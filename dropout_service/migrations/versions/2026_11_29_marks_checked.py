"""Check the existing marks against the new range of scores, without locking the table."""

from alembic import op

revision = "20261129_marks_checked"
down_revision = "20261129_marks"

TABLE = "dropout.assessments"
RANGE = "ck_assessments_score_range"


def upgrade() -> None:
    # On its own, because the lock of the new columns would last as long as the check.
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {RANGE}")


def downgrade() -> None:
    """Do nothing: a checked constraint need not become unchecked."""
