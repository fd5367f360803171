"""Add the expiry of keys, and the addresses of their callers."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_key_limits"
down_revision = "20261129_key_uses"


def upgrade() -> None:
    columns = (
        sa.Column("expires_at", sa.DateTime(timezone=True), comment="First instant of its refusal"),
        sa.Column(
            "addresses",
            sa.Text(),
            comment="Networks of its callers, separated by spaces; null: anywhere",
        ),
    )
    for column in columns:
        op.add_column("api_keys", column, schema="access")


def downgrade() -> None:
    # An earlier release would admit them without their limits.
    op.execute(
        "UPDATE access.api_keys SET revoked_at = now()"
        " WHERE revoked_at IS NULL AND (expires_at IS NOT NULL OR addresses IS NOT NULL)"
    )
    for name in ("addresses", "expires_at"):
        op.drop_column("api_keys", name, schema="access")
