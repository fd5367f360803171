"""Create the table of API keys."""

import sqlalchemy as sa
from alembic import op

revision = "20261122_keys"
down_revision = None

KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("name", KEY, nullable=False),
        sa.Column(
            "secret_hash",
            sa.String(length=64),
            nullable=False,
            comment="BLAKE2b-256 of the key, keyed with KEY_PEPPER",
        ),
        sa.Column(
            "scopes",
            sa.String(length=100),
            nullable=False,
            comment="The scopes, separated by spaces",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_api_keys"),
        sa.UniqueConstraint("secret_hash", name="uq_api_keys_secret_hash"),
        schema="access",
    )


def downgrade() -> None:

    op.drop_table("api_keys", schema="access")
