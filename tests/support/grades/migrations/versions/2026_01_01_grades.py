"""Make the table."""

import sqlalchemy as sa
from alembic import op

revision = "20260101_grades"
down_revision = None


def upgrade() -> None:
    op.create_table("grades", sa.Column("mark", sa.Integer(), nullable=False), schema="grades")


def downgrade() -> None:
    op.drop_table("grades", schema="grades")
