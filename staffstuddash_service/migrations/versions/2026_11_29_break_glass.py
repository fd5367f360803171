"""Add openings of students by staff outside their rights, which the sight of persons includes."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_break_glass"
down_revision = "20261129_restrictions"

SCHEMA = "staffstuddash"
TABLE = "break_glass"
KEY = sa.String(200, collation="C")
PERSON = "nullif(current_setting('veritas.person', true), '')"
TODAY = "CAST(now() AT TIME ZONE 'UTC' AS date)"


def _holds(relation: str) -> str:
    first, end = f"{relation}.valid_from", f"{relation}.valid_to"
    return f"({first} IS NULL OR {first} <= {TODAY}) AND ({end} IS NULL OR {end} > {TODAY})"


# Students that the person of the transaction teaches or advises today, and the person themselves.
MEMBERSHIPS = (
    f"CREATE OR REPLACE VIEW {SCHEMA}.published_memberships WITH (security_barrier) AS"  # noqa: S608 - our own names
    f" SELECT taken.student_id FROM {SCHEMA}.teaching_assignments AS taught"
    f" JOIN {SCHEMA}.enrolments AS taken ON taken.class_id = taught.class_id"
    f" WHERE taught.person_id = {PERSON} AND {_holds('taught')} AND {_holds('taken')}"
    f" UNION ALL SELECT advised.student_id FROM {SCHEMA}.advising_assignments AS advised"
    f" WHERE advised.person_id = {PERSON} AND {_holds('advised')}"
    f" UNION ALL SELECT own.id FROM {SCHEMA}.students AS own WHERE own.id = {PERSON}"
)
# The clock of the statement: an opening ends although a long transaction has begun before.
OPENED = (
    f" UNION ALL SELECT opened.student_id FROM {SCHEMA}.{TABLE} AS opened"  # noqa: S608 - our own names
    f" WHERE opened.person_id = {PERSON} AND opened.ends_at > statement_timestamp()"
)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", KEY, comment="The name of the caller, if it ended early"),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{SCHEMA}.{of}.id"], name=op.f(f"fk_{TABLE}_{column}")
            )
            for column, of in (("person_id", "people"), ("student_id", "students"))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    for columns in (["person_id", "ends_at"], ["begins_at", "id"], ["student_id"]):
        op.create_index(f"ix_{TABLE}_{'_'.join(columns)}", TABLE, columns, schema=SCHEMA)
    op.execute(MEMBERSHIPS + OPENED)


def downgrade() -> None:
    op.execute(MEMBERSHIPS)
    op.drop_table(TABLE, schema=SCHEMA)
