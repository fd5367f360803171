"""Mark features and predictions of a class of the roster."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_classes"
down_revision = "20261129_aliases"

SCHEMA = "dropout"
KEY = sa.String(200, collation="C")
COURSE = "Class whose events and marks count; none: all of the student's"
IS_CLASS = "Of a class of the roster, from its events and marks alone; never the overall one"


def upgrade() -> None:
    op.add_column("feature_sets", sa.Column("course", KEY, comment=COURSE), schema=SCHEMA)
    # With a default, existing rows get false without being rewritten.
    op.add_column(
        "dropout_predictions",
        sa.Column(
            "is_class",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment=IS_CLASS,
        ),
        schema=SCHEMA,
    )
    op.alter_column("dropout_predictions", "is_class", server_default=None, schema=SCHEMA)


def downgrade() -> None:
    op.execute("DELETE FROM dropout.feature_sets WHERE course IS NOT NULL")
    op.execute("UPDATE dropout.dropout_predictions SET is_latest = false WHERE is_class")
    op.drop_column("dropout_predictions", "is_class", schema=SCHEMA)
    op.drop_column("feature_sets", "course", schema=SCHEMA)
