"""Add the reason of a feedback, the signs that it is about, and its withdrawal."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_feedback"
down_revision = "20261130_course_runs"

SCHEMA = "dropout"
TABLE = "prediction_feedback"
THEIRS = (
    "EXISTS (SELECT FROM dropout.dropout_predictions AS judged"
    " WHERE judged.id = shown.prediction_id AND judged.student_id"
    " IN (SELECT student_id FROM staffstuddash.published_memberships))"
)
NAMES = ("reason", "signs", "withdrawn_at")


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column(
            "reason",
            sa.Enum(
                "already_in_contact",
                "sign_is_wrong",
                "cause_is_known",
                "other",
                name="feedbackreason_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
            comment="Of the verdict; none: not stated",
        ),
        sa.Column(
            "signs",
            JSONB(),
            nullable=True,
            comment="Names of the prediction's indicators that it is about; none: of all",
        ),
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="From then on it does not count; none: it counts",
        ),
    )


def upgrade() -> None:
    for column in _columns():
        op.add_column(TABLE, column, schema=SCHEMA)
    show_table(SCHEMA, TABLE, THEIRS)


def downgrade() -> None:
    hide_table(SCHEMA, TABLE)
    for name in reversed(NAMES):
        op.drop_column(TABLE, name, schema=SCHEMA)
    show_table(SCHEMA, TABLE, THEIRS)
