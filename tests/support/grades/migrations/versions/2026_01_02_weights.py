"""Give each grade a weight."""

import sqlalchemy as sa
from alembic import op

revision = "20260102_weights"
down_revision = "20260101_grades"


def upgrade() -> None:
    weight: sa.Column[float] = sa.Column("weight", sa.Double(), nullable=False, server_default="1")
    op.add_column("grades", weight, schema="grades")


def downgrade() -> None:
    op.drop_column("grades", "weight", schema="grades")
