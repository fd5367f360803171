"""Add imports that wait for a confirmation: the columns of their file, and the state `checked`."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Json

revision = "20261130_checked_imports"
down_revision = "20261130_import_jobs"

SCHEMA, TABLE = "staffstuddash", "import_jobs"
STATE = f"ck_{TABLE}_importstate_known"
BEFORE = "state IN ('receiving', 'waiting', 'running', 'done', 'refused', 'failed')"
AFTER = "state IN ('receiving', 'waiting', 'running', 'checked', 'done', 'refused', 'failed')"


def upgrade() -> None:
    op.add_column(
        TABLE,
        sa.Column(
            "needs_confirmation",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="Whether it waits in the state `checked` after a dry run",
        ),
        schema=SCHEMA,
    )
    op.add_column(
        TABLE,
        sa.Column("columns", Json, comment="Names of the file's columns, until the import ends"),
        schema=SCHEMA,
    )
    _replace_states(AFTER)


def downgrade() -> None:
    # Imports that wait are given up; their files go with them.
    op.execute(
        "DELETE FROM staffstuddash.import_pieces WHERE job_id IN "
        "(SELECT id FROM staffstuddash.import_jobs WHERE state = 'checked')"
    )
    op.execute(
        "UPDATE staffstuddash.import_jobs SET state = 'failed', ended_at = now() "
        "WHERE state = 'checked'"
    )
    _replace_states(BEFORE)
    op.drop_column(TABLE, "columns", schema=SCHEMA)
    op.drop_column(TABLE, "needs_confirmation", schema=SCHEMA)


def _replace_states(states: str) -> None:
    op.drop_constraint(op.f(STATE), TABLE, schema=SCHEMA)
    op.create_check_constraint(op.f(STATE), TABLE, states, schema=SCHEMA)
