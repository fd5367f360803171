"""Add the mails that wait for their delivery."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Key, UtcDateTime

revision = "20261130_mails"
down_revision = "20261130_acknowledgements"

SCHEMA = "staffstuddash"
TABLE = "mails"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", Key, nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column(
            "next_at", UtcDateTime, nullable=False, comment="Of the next attempt; also a lease"
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    op.create_index(f"ix_{TABLE}_next_at", TABLE, ["next_at"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table(TABLE, schema=SCHEMA)
