"""Add the periods in which each source had one status."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_source_states"
down_revision = "20261130_log_months"

SCHEMA = "monitoring"
KEY = sa.String(200, collation="C")
INSTANT = sa.DateTime(timezone=True)
STATUS = sa.Enum(
    "NORMAL",
    "WARNING",
    "CRITICAL",
    name="healthstatus_known",
    native_enum=False,
    create_constraint=True,
    length=40,
)


def upgrade() -> None:
    op.create_table(
        "source_states",
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("until", INSTANT, nullable=False, comment="End of its last minute"),
        sa.Column("status", STATUS, nullable=False),
        sa.PrimaryKeyConstraint("since", "source", name=op.f("pk_source_states")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_source_states_until"), "source_states", ["until"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("source_states", schema=SCHEMA)
