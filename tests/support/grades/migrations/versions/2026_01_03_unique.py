"""Let no two grades be the same, without keeping anybody from the table meanwhile."""

from alembic import op

revision = "20260103_unique"
down_revision = "20260102_weights"

NAME = "ix_grades_mark"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An index left by an interrupted run exists and is invalid.
        op.drop_index(NAME, "grades", schema="grades", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            NAME, "grades", ["mark"], schema="grades", unique=True, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_index(NAME, "grades", schema="grades")
