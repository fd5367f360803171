"""Add the state of background work and its published view."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_background_work"
down_revision = "20261123_obsolete"

SCHEMA = "dropout"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "background_work",
        sa.Column("name", sa.String(200, collation="C"), nullable=False),
        sa.Column("period_seconds", sa.Double(), comment="Null if it has no fixed period"),
        sa.Column("last_started_at", INSTANT),
        sa.Column("last_success_at", INSTANT),
        sa.Column("duration_seconds", sa.Double(), comment="Of the last run"),
        sa.Column("next_run_at", INSTANT),
        sa.Column("last_error", sa.String(100), comment="The exception's class"),
        sa.Column("last_error_at", INSTANT),
        sa.Column("failures", sa.Integer(), nullable=False, comment="Consecutive ones"),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_background_work")),
        schema=SCHEMA,
    )
    op.execute(
        "CREATE VIEW dropout.published_background_work AS"
        " SELECT 'dropout'::text AS service, name, period_seconds, last_started_at,"
        " last_success_at, duration_seconds, next_run_at, last_error, last_error_at, failures,"
        " updated_at FROM dropout.background_work"
    )


def downgrade() -> None:
    op.execute("DROP VIEW dropout.published_background_work")
    op.drop_table("background_work", schema=SCHEMA)
