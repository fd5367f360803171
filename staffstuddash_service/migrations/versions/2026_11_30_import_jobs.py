"""Add import jobs, and the pieces of their files."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Json, Key, UtcDateTime

revision = "20261130_import_jobs"
down_revision = "20261130_arrivals"

SCHEMA = "staffstuddash"
JOBS, PIECES = "import_jobs", "import_pieces"
STATES = "state IN ('receiving', 'waiting', 'running', 'done', 'refused', 'failed')"


def upgrade() -> None:
    op.create_table(
        JOBS,
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False, comment="students, people, classes ..."),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("column_map", sa.Text()),
        sa.Column("on_conflict", sa.String(40), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("requested_by", Key, nullable=False, comment="The name of the caller"),
        sa.Column("encoding", sa.String(40)),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer()),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("stored", "changed", "repeated", "refused")
        ),
        sa.Column("problems", Json, nullable=False, comment="Of the first 100 refused rows"),
        sa.Column("reason", sa.Text(), comment="Of a refused or failed import"),
        sa.Column(
            "attempts",
            sa.Integer(),
            nullable=False,
            comment="Begun runs; more than one after a restart",
        ),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
        sa.CheckConstraint(STATES, name=op.f(f"ck_{JOBS}_importstate_known")),
        sa.CheckConstraint(
            "on_conflict IN ('refuse', 'update')", name=op.f(f"ck_{JOBS}_onconflict_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{JOBS}")),
        schema=SCHEMA,
    )
    op.create_index(f"ix_{JOBS}_state_id", JOBS, ["state", "id"], schema=SCHEMA)
    op.create_table(
        PIECES,
        sa.Column("job_id", Key, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], [f"{SCHEMA}.{JOBS}.id"], name=op.f(f"fk_{PIECES}_job_id")
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f(f"pk_{PIECES}")),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table(PIECES, schema=SCHEMA)
    op.drop_table(JOBS, schema=SCHEMA)
