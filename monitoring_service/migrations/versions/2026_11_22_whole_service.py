"""Add counts, health and rules; index what logs are filtered by; sort names by code point."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261122_whole_service"
down_revision = "20261122_logs"

SCHEMA = "monitoring"
LOGS = "monitoring_logs"
KEY = sa.String(200, collation="C")
NAMES = {"source": False, "component": True, "event_type": False}
IS_TROUBLE = sa.text("status <> 'NORMAL'")

# The slot as the service computes it: the digest's first byte, modulo 4.
COUNT_WHAT_IS_THERE = """
INSERT INTO monitoring.log_counts (source, day, status, slot, count)
SELECT source, (timestamp AT TIME ZONE 'UTC')::date, status, get_byte(digest, 0) % 4, count(*)
FROM monitoring.monitoring_logs GROUP BY 1, 2, 3, 4
"""


def status(name: str, *, is_key: bool = False, nullable: bool = False) -> sa.Column[str]:
    kind = sa.Enum(
        "NORMAL",
        "WARNING",
        "CRITICAL",
        name="healthstatus_known",
        native_enum=False,
        create_constraint=True,
        length=40,
    )
    return sa.Column(name, kind, primary_key=is_key, nullable=nullable)


def upgrade() -> None:
    for name, nullable in NAMES.items():
        op.alter_column(LOGS, name, type_=KEY, existing_nullable=nullable, schema=SCHEMA)
    for name in ("component", "event_type"):
        columns = [name, "timestamp", "id"]
        op.create_index(f"ix_{LOGS}_{name}_timestamp_id", LOGS, columns, schema=SCHEMA)
    for start in ([], ["source"]):
        op.create_index(
            "_".join(["ix", LOGS, "trouble", *start, "timestamp_id"]),
            LOGS,
            [*start, "timestamp", "id"],
            schema=SCHEMA,
            postgresql_where=IS_TROUBLE,
        )
    op.create_index(
        f"ix_{LOGS}_message_words",
        LOGS,
        [sa.text("to_tsvector('simple', message)")],
        schema=SCHEMA,
        postgresql_using="gin",
    )
    create_tables()
    op.execute(COUNT_WHAT_IS_THERE)


def create_tables() -> None:
    op.create_table(
        "log_counts",
        sa.Column("source", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="In UTC"),
        status("status"),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "day", "status", "slot", name="pk_log_counts"),
        schema=SCHEMA,
    )
    op.create_table(
        "system_health",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        status("overall_status", nullable=True),
        sa.Column("severity", sa.Double(), nullable=True),
        sa.Column("normal_count", sa.Integer(), nullable=False),
        sa.Column("warning_count", sa.Integer(), nullable=False),
        sa.Column("critical_count", sa.Integer(), nullable=False),
        sa.Column("window_minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "severity BETWEEN 0 AND 1", name=op.f("ck_system_health_severity_share")
        ),
        sa.PrimaryKeyConstraint("minute", name="pk_system_health"),
        schema=SCHEMA,
    )
    op.create_table(
        "source_rules",
        sa.Column("source", KEY, nullable=False),
        sa.Column("thresholds", JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", KEY, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_source_rules"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    for table in ("source_rules", "system_health", "log_counts"):
        op.drop_table(table, schema=SCHEMA)
    for index in (
        "message_words",
        "trouble_source_timestamp_id",
        "trouble_timestamp_id",
        "event_type_timestamp_id",
        "component_timestamp_id",
    ):
        op.drop_index(f"ix_{LOGS}_{index}", table_name=LOGS, schema=SCHEMA)
    for name, nullable in NAMES.items():
        op.alter_column(LOGS, name, type_=sa.String(200), existing_nullable=nullable, schema=SCHEMA)
