"""Add the instant from which a prediction is superseded, and an index of a course's resources.

The published risk gets its course.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261123_obsolete"
down_revision = "20261123_days"

SCHEMA = "dropout"
PUBLISHED_RISK = (
    "CREATE OR REPLACE VIEW dropout.published_risk AS"
    " SELECT student_id, risk_score, risk_level, dropout_type, as_of{course}"
    " FROM dropout.dropout_predictions WHERE is_overall"
)


def upgrade() -> None:
    op.add_column(
        "dropout_predictions",
        sa.Column(
            "obsolete_from",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="As of when it tells nothing any more: the student had left the course, or a"
            " model judged in the place of the rules",
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_resource_uses_course_student_id",
        "resource_uses",
        ["course", "student_id"],
        schema=SCHEMA,
    )
    op.execute(PUBLISHED_RISK.format(course=", course"))


def downgrade() -> None:
    # A column of a view can only be removed with the view; `veritas migrate` grants it again.
    op.execute("DROP VIEW dropout.published_risk")
    op.execute(PUBLISHED_RISK.format(course=""))
    op.drop_index("ix_resource_uses_course_student_id", "resource_uses", schema=SCHEMA)
    op.drop_column("dropout_predictions", "obsolete_from", schema=SCHEMA)
