"""Create the table of the school's own roles."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_roles"
down_revision = "20261122_keys"

KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("name", KEY, nullable=False),
        sa.Column(
            "permissions",
            sa.Text(),
            nullable=False,
            comment="The permissions, separated by spaces; unknown words are ignored",
        ),
        sa.Column(
            "sees_all",
            sa.Boolean(),
            nullable=False,
            comment="True for every student; false for those that the person teaches, advises or "
            "is",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
        schema="access",
    )


def downgrade() -> None:
    op.drop_table("roles", schema="access")
