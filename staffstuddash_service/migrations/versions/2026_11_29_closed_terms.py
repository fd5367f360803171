"""Add the instants at which terms were closed and classes archived."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_closed_terms"
down_revision = "20261129_published_roster"

SCHEMA = "staffstuddash"
COLUMNS = {
    "terms": ("closed_at", "When it was closed; read-only since"),
    "classes": ("archived_at", "When it was archived with its terms; read-only since"),
}


def upgrade() -> None:
    # Nullable and without a default, so no row is rewritten.
    for table, (name, comment) in COLUMNS.items():
        instant = sa.Column(name, sa.DateTime(timezone=True), comment=comment)
        op.add_column(table, instant, schema=SCHEMA)


def downgrade() -> None:
    for table, (name, _) in COLUMNS.items():
        op.drop_column(table, name, schema=SCHEMA)
