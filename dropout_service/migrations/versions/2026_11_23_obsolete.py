"""Keep as of when a prediction tells nothing any more, and find a course's resources at once."""

import sqlalchemy as sa
from alembic import op

revision = "20261123_obsolete"
down_revision = "20261123_days"

SCHEMA = "dropout"


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


def downgrade() -> None:
    op.drop_index("ix_resource_uses_course_student_id", "resource_uses", schema=SCHEMA)
    op.drop_column("dropout_predictions", "obsolete_from", schema=SCHEMA)
