"""Add invitations, and the revision of a person's sessions."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Key, UtcDateTime

revision = "20261130_sign_ins"
down_revision = "20261130_class_terms"

SCHEMA = "staffstuddash"
TABLE = "invitations"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("person_id", Key, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="Of the token in the link"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", Key, nullable=False, comment="The name of the caller"),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime),
        sa.ForeignKeyConstraint(
            ["person_id"], [f"{SCHEMA}.people.id"], name=op.f(f"fk_{TABLE}_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("digest", name=op.f(f"uq_{TABLE}_digest")),
        schema=SCHEMA,
    )
    op.add_column(
        "person_access",
        sa.Column(
            "session_revision",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Sessions of an earlier revision are over",
        ),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_column("person_access", "session_revision", schema=SCHEMA)
    op.drop_table(TABLE, schema=SCHEMA)
