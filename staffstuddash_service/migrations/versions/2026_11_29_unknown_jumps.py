"""Allow an unknown jump in performance records, which was stored as no jump."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_unknown_jumps"
down_revision = "20261129_marks_checked"

SCHEMA = "staffstuddash"
TABLE = "performance_records"
COLUMN = "sudden_jump_flag"
COMMENT = "Null while no revision can be judged"


def upgrade() -> None:
    op.alter_column(TABLE, COLUMN, nullable=True, comment=COMMENT, schema=SCHEMA)
    # Without drafts the jump is unknown. With drafts the record is due: the service computes it
    # from the drafts as soon as it runs.
    op.execute(
        sa.text(
            f"UPDATE {SCHEMA}.{TABLE} SET"  # noqa: S608 - our own names
            f" {COLUMN} = CASE WHEN draft_count > 0 THEN {COLUMN} END,"
            " due_at = CASE WHEN draft_count > 0 THEN now() ELSE due_at END"
            f" WHERE draft_count > 0 OR NOT {COLUMN}"
        )
    )


def downgrade() -> None:
    op.execute(
        f"UPDATE {SCHEMA}.{TABLE} SET {COLUMN} = false WHERE {COLUMN} IS NULL"  # noqa: S608 - our own names
    )
    op.alter_column(TABLE, COLUMN, nullable=False, comment=None, schema=SCHEMA)
