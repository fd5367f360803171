"""Remove the trees of learned models.

Models are regressions now. One of an earlier release cannot be read, so its trees are of no use;
after a downgrade `veritas train` has to learn one.
"""

import sqlalchemy as sa
from alembic import op

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_trees"
down_revision = "20261130_model_weeks"

SCHEMA = "dropout"
COMMENT = "Of each variant: features, {}calibration, weights, parameters"
BEFORE, AFTER = COMMENT.format(""), COMMENT.format("regressions, ")


def upgrade() -> None:
    hide_table(SCHEMA, "models")
    op.drop_column("models", "trees_without_activity", schema=SCHEMA)
    op.drop_column("models", "trees_with_activity", schema=SCHEMA)
    _comment(BEFORE, AFTER)
    show_table(SCHEMA, "models", None)


def downgrade() -> None:
    hide_table(SCHEMA, "models")
    _comment(AFTER, BEFORE)
    trees = sa.Column(
        "trees_without_activity",
        sa.Text(),
        nullable=False,
        server_default="",
        comment="As LightGBM writes them",
    )
    op.add_column("models", trees, schema=SCHEMA)
    op.alter_column("models", "trees_without_activity", server_default=None, schema=SCHEMA)
    with_activity = sa.Column(
        "trees_with_activity",
        sa.Text(),
        nullable=True,
        comment="None: no course of the training set has activity",
    )
    op.add_column("models", with_activity, schema=SCHEMA)
    show_table(SCHEMA, "models", None)


def _comment(before: str, after: str) -> None:
    op.alter_column("models", "variants", comment=after, existing_comment=before, schema=SCHEMA)
