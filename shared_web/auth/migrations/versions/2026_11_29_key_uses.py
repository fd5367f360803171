"""Create the table of the last uses of keys."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_key_uses"
down_revision = "20261129_permissions"

KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        "key_uses",
        sa.Column("key_name", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_name", "service", name="pk_key_uses"),
        schema="access",
    )


def downgrade() -> None:
    op.drop_table("key_uses", schema="access")
