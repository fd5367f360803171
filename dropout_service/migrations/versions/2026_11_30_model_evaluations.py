"""Add the evaluation of a model, and the instant of its activation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_model_evaluations"
down_revision = "20261129_restrictions"

SCHEMA = "dropout"


def upgrade() -> None:
    op.add_column(
        "models",
        sa.Column(
            "evaluation",
            JSONB(),
            nullable=True,
            comment="On left-out courses, and against the model before; none: of an old release",
        ),
        schema=SCHEMA,
    )
    op.add_column(
        "models",
        sa.Column(
            "activated_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it last became the active one",
        ),
        schema=SCHEMA,
    )
    show_table(SCHEMA, "models", None)


def downgrade() -> None:
    hide_table(SCHEMA, "models")
    op.drop_column("models", "activated_at", schema=SCHEMA)
    op.drop_column("models", "evaluation", schema=SCHEMA)
    show_table(SCHEMA, "models", None)
