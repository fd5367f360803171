"""Add incidents, their notes, and the queue of events that wait to be grouped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261130_incidents"
down_revision = "20261130_source_states"

SCHEMA = "monitoring"
INCIDENTS = "monitoring_incidents"
NOTES = "incident_notes"
WAITING = "waiting_events"
KEY = sa.String(200, collation="C")
INSTANT = sa.DateTime(timezone=True)


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    create_incidents()
    op.create_table(
        NOTES,
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", KEY, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{NOTES}")),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            [f"{SCHEMA}.{INCIDENTS}.id"],
            name=op.f(f"fk_{NOTES}_incident_id"),
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
    )
    columns = ["incident_id", "created_at", "id"]
    op.create_index(op.f(f"ix_{NOTES}_incident_id_created_at_id"), NOTES, columns, schema=SCHEMA)
    # Earlier events open no incident.
    op.create_table(
        WAITING,
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("timestamp", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f(f"pk_{WAITING}")),
        schema=SCHEMA,
    )


def create_incidents() -> None:
    op.create_table(
        INCIDENTS,
        sa.Column("id", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("cause", sa.String(100), nullable=False, comment="Code, for instance of events"),
        sa.Column("cause_values", JSONB(), nullable=False, comment="Values of the code's sentence"),
        sa.Column(
            "state",
            choice("incidentstate_known", "open", "acknowledged", "resolved"),
            nullable=False,
        ),
        sa.Column("opened_at", INSTANT, nullable=False, comment="Instant at which it was noticed"),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.Double(), comment="Of the source now; null: not known"),
        sa.Column("worst_severity", sa.Double(), nullable=False),
        sa.Column("acknowledged_at", INSTANT),
        sa.Column("acknowledged_by", KEY),
        sa.Column("resolved_at", INSTANT),
        sa.Column("resolved_by", KEY),
        sa.Column("resolution", choice("resolution_known", "stable", "silent", "person")),
        sa.CheckConstraint("severity BETWEEN 0 AND 1", name=op.f(f"ck_{INCIDENTS}_severity_share")),
        sa.CheckConstraint(
            "worst_severity BETWEEN 0 AND 1", name=op.f(f"ck_{INCIDENTS}_worst_severity_share")
        ),
        sa.CheckConstraint(
            "(state = 'resolved') = (resolved_at IS NOT NULL)",
            name=op.f(f"ck_{INCIDENTS}_resolved_at"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{INCIDENTS}")),
        schema=SCHEMA,
    )
    op.create_index(
        f"uq_{INCIDENTS}_open",
        INCIDENTS,
        ["source", "cause"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    for columns in (["source", "cause", "first_seen_at"], ["opened_at", "id"]):
        name = f"ix_{INCIDENTS}_{'_'.join(columns)}"
        op.create_index(op.f(name), INCIDENTS, columns, schema=SCHEMA)


def downgrade() -> None:
    for table in (WAITING, NOTES, INCIDENTS):
        op.drop_table(table, schema=SCHEMA)
