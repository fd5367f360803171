"""Add the periods of the overall predictions, from which risks are counted."""

import sqlalchemy as sa
from alembic import op

revision = "20261130_overall_risks"
down_revision = "20261129_restrictions"

SCHEMA = "dropout"
TABLE = "overall_risks"
KEY = sa.String(200, collation="C")
INSTANT = sa.DateTime(timezone=True)
UNTIL = "From then on another one, or none; in the year 9999 if nothing changes it"
LEVELS = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
TYPES = ("COGNITIVE", "BEHAVIORAL", "ENGAGEMENT", "SILENT", "NO_DROPOUT")


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False, comment=UNTIL),
        sa.Column("prediction_id", KEY, nullable=False),
        sa.Column("risk_score", sa.Double(), nullable=False),
        sa.Column("risk_level", _one_of("risklevel_known", LEVELS), nullable=False),
        sa.Column("dropout_type", _one_of("dropouttype_known", TYPES), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], [f"{SCHEMA}.students.id"], name=op.f(f"fk_{TABLE}_student_id")
        ),
        sa.PrimaryKeyConstraint("student_id", "since", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    columns = ["until", "since", "risk_level", "dropout_type"]
    op.create_index(f"ix_{TABLE}_{'_'.join(columns)}", TABLE, columns, schema=SCHEMA)


def downgrade() -> None:
    op.drop_table(TABLE, schema=SCHEMA)


def _one_of(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
