"""Add the acknowledgements of openings by their reviewers."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Json

revision = "20261130_acknowledgements"
down_revision = "20261130_opened_reads"

SCHEMA = "staffstuddash"


def upgrade() -> None:
    op.add_column(
        "break_glass",
        sa.Column(
            "acknowledgements",
            Json,
            nullable=False,
            server_default="{}",
            comment="Instants by the names of the reviewers",
        ),
        schema=SCHEMA,
    )
    op.alter_column("break_glass", "acknowledgements", server_default=None, schema=SCHEMA)


def downgrade() -> None:
    op.drop_column("break_glass", "acknowledgements", schema=SCHEMA)
