"""Add to features and predictions the number of the student's rows that were not stored yet."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_pending"
down_revision = "20261129_background_work"

SCHEMA = "dropout"
TABLES = ("feature_sets", "dropout_predictions")
PENDING_ROWS = (
    "Rows of the student that were accepted and not stored when this was computed; none: not known"
)
RECOMPUTED_AT = "Of pending rows: when these were stored and this was computed again"


def upgrade() -> None:
    for table in TABLES:
        # With a default, existing rows get 0 without being rewritten.
        op.add_column(
            table,
            sa.Column(
                "pending_rows",
                sa.Integer(),
                nullable=True,
                server_default=sa.text("0"),
                comment=PENDING_ROWS,
            ),
            schema=SCHEMA,
        )
        op.alter_column(table, "pending_rows", server_default=None, schema=SCHEMA)
        for column in (
            sa.Column("pending_on", sa.String(255), comment="The host in whose spool they waited"),
            sa.Column("recomputed_at", sa.DateTime(timezone=True), comment=RECOMPUTED_AT),
        ):
            op.add_column(table, column, schema=SCHEMA)
        op.create_index(
            f"ix_{table}_incomplete",
            table,
            ["id"],
            schema=SCHEMA,
            postgresql_where=sa.text("pending_rows > 0 AND recomputed_at IS NULL"),
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_incomplete", table, schema=SCHEMA)
        for column in ("recomputed_at", "pending_on", "pending_rows"):
            op.drop_column(table, column, schema=SCHEMA)
