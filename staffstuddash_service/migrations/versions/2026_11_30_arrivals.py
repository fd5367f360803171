"""Index marks and drafts by their arrival, for the freshness of data."""

from alembic import op

revision = "20261130_arrivals"
down_revision = "20261130_planned_actions"

SCHEMA = "staffstuddash"
INDEXES = {
    "ix_assessment_logs_created_at": ("assessment_logs", "created_at"),
    "ix_drafts_created_at": ("drafts", "created_at"),
    "ix_drafts_timestamp": ("drafts", "timestamp"),
}


def upgrade() -> None:
    # Marks arrive meanwhile. An incomplete index of an interrupted run is dropped first.
    with op.get_context().autocommit_block():
        for name, (table, column) in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {SCHEMA}.{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {SCHEMA}.{table} ({column})")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {SCHEMA}.{name}")
