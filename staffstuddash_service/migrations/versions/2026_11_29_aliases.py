"""Add the former ids of merged students, and their published view."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_aliases"
down_revision = "20261129_closed_terms"

SCHEMA = "staffstuddash"
TABLE = "aliases"
KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("old_id", KEY, nullable=False),
        sa.Column("new_id", KEY, nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", KEY, nullable=False, comment="The name of the key that called"),
        sa.Column(
            "digest",
            sa.LargeBinary(16),
            nullable=False,
            comment="Of the name and e-mail under the old id, which may be sent again",
        ),
        sa.ForeignKeyConstraint(
            ["new_id"], [f"{SCHEMA}.students.id"], name=op.f(f"fk_{TABLE}_new_id")
        ),
        sa.PrimaryKeyConstraint("old_id", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    op.create_index(f"ix_{TABLE}_new_id", TABLE, ["new_id"], schema=SCHEMA)
    op.execute(
        "CREATE VIEW staffstuddash.published_aliases AS"
        " SELECT old_id, new_id, merged_at FROM staffstuddash.aliases"
    )


def downgrade() -> None:
    op.execute("DROP VIEW staffstuddash.published_aliases")
    op.drop_table(TABLE, schema=SCHEMA)
