"""Add the former ids of merged students."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_aliases"
down_revision = "20261129_marks_checked"

SCHEMA = "dropout"
TABLE = "aliases"
KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("old_id", KEY, nullable=False),
        sa.Column("new_id", KEY, nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(16),
            comment="Of the name and e-mail under the old id, which may be sent again",
        ),
        sa.ForeignKeyConstraint(
            ["new_id"], [f"{SCHEMA}.students.id"], name=op.f(f"fk_{TABLE}_new_id")
        ),
        sa.PrimaryKeyConstraint("old_id", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    op.create_index(f"ix_{TABLE}_new_id", TABLE, ["new_id"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table(TABLE, schema=SCHEMA)
