"""Add rollups of events by hour and day; the service makes them, the newest hours first."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_log_rollups"
down_revision = "20261130_incidents"

SCHEMA = "monitoring"
KEY = sa.String(200, collation="C")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "log_rollups",
        sa.Column("bucket_seconds", sa.Integer, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("metric", sa.String(100, collation="C"), nullable=False),
        sa.Column("start", INSTANT, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("is_cut", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Numeric) for name in ("total", "lowest", "highest")),
        *(sa.Column(name, sa.Float) for name in ("p50", "p95", "p99")),
        *(sa.Column(name, sa.ARRAY(sa.Integer)) for name in ("bins", "bin_counts")),
        sa.PrimaryKeyConstraint(
            "bucket_seconds", "source", "metric", "start", name="pk_log_rollups"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_log_rollups_start", "log_rollups", ["start"], schema=SCHEMA, postgresql_using="hash"
    )
    op.create_index(
        "ix_log_rollups_cut",
        "log_rollups",
        ["start"],
        schema=SCHEMA,
        postgresql_where=sa.text("is_cut"),
    )
    op.create_table(
        "log_rollup_periods",
        sa.Column("bucket_seconds", sa.Integer, nullable=False),
        sa.Column("start", INSTANT, nullable=False),
        sa.Column("after_transaction", sa.BigInteger, nullable=False),
        sa.Column("made_at", INSTANT),
        sa.PrimaryKeyConstraint("bucket_seconds", "start", name="pk_log_rollup_periods"),
        schema=SCHEMA,
    )
    op.create_table(
        "log_rollup_marks",
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("hour", "id", name="pk_log_rollup_marks"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    for name in ("log_rollup_marks", "log_rollup_periods", "log_rollups"):
        op.drop_table(name, schema=SCHEMA)
