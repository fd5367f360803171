"""Make the first tables: events and what the rules said of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261122_logs"
down_revision = None

KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        "monitoring_logs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("component", sa.String(length=200), nullable=True),
        sa.Column("event_type", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("data", JSONB(), nullable=True),
        sa.Column("metadata", JSONB(), nullable=True),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "NORMAL",
                "WARNING",
                "CRITICAL",
                name="healthstatus_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("severity", sa.Double(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint(
            "severity BETWEEN 0 AND 1", name=op.f("ck_monitoring_logs_severity_share")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_monitoring_logs"),
        schema="monitoring",
    )
    op.create_index(
        "ix_monitoring_logs_source_timestamp_id",
        "monitoring_logs",
        ["source", "timestamp", "id"],
        schema="monitoring",
    )
    op.create_index(
        "ix_monitoring_logs_timestamp_id",
        "monitoring_logs",
        ["timestamp", "id"],
        schema="monitoring",
    )
    op.create_table(
        "monitoring_results",
        sa.Column("event_id", KEY, nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "NORMAL",
                "WARNING",
                "CRITICAL",
                name="healthstatus_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("severity_score", sa.Double(), nullable=False),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.Column("detected_issues", JSONB(), nullable=False),
        sa.Column("failed_rules", JSONB(), nullable=False),
        sa.Column("suggestions", JSONB(), nullable=False),
        sa.CheckConstraint(
            "severity_score BETWEEN 0 AND 1", name=op.f("ck_monitoring_results_severity_share")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["monitoring.monitoring_logs.id"],
            name="fk_monitoring_results_event_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", name="pk_monitoring_results"),
        schema="monitoring",
    )


def downgrade() -> None:

    op.drop_table("monitoring_results", schema="monitoring")
    op.drop_index(
        "ix_monitoring_logs_timestamp_id", table_name="monitoring_logs", schema="monitoring"
    )
    op.drop_index(
        "ix_monitoring_logs_source_timestamp_id", table_name="monitoring_logs", schema="monitoring"
    )
    op.drop_table("monitoring_logs", schema="monitoring")
