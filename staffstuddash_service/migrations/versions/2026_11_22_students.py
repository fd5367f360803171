"""Add the first tables: students, assessments and performance records."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261122_students"
down_revision = None

KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        "students",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_students"),
        schema="staffstuddash",
    )
    op.create_table(
        "assessment_logs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column(
            "type",
            sa.String(length=200),
            nullable=False,
            comment="exam, quiz, TMA ...: the school's word",
        ),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("max_score", sa.Double(), nullable=False),
        sa.Column(
            "timestamp", sa.DateTime(timezone=True), nullable=False, comment="When it was handed in"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint(
            "max_score > 0 AND score >= 0 AND score <= max_score",
            name=op.f("ck_assessment_logs_score_range"),
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["staffstuddash.students.id"], name="fk_assessment_logs_student_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_assessment_logs"),
        schema="staffstuddash",
    )
    op.create_index(
        "ix_assessment_logs_student_id_timestamp_id",
        "assessment_logs",
        ["student_id", "timestamp", "id"],
        schema="staffstuddash",
    )
    op.create_table(
        "performance_records",
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("mean_percentage", sa.Double(), nullable=True),
        sa.Column("assessment_count", sa.Integer(), nullable=False),
        sa.Column("last_submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subjects", JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], ["staffstuddash.students.id"], name="fk_performance_records_student_id"
        ),
        sa.PrimaryKeyConstraint("student_id", name="pk_performance_records"),
        schema="staffstuddash",
    )
    # Published to the other services: no names, no addresses.
    op.execute(
        "CREATE VIEW staffstuddash.published_students AS"
        " SELECT id AS student_id, created_at FROM staffstuddash.students"
    )
    op.execute(
        "CREATE VIEW staffstuddash.published_assessments AS"
        " SELECT id, student_id, subject, score, max_score, timestamp AS submitted_at"
        " FROM staffstuddash.assessment_logs"
    )


def downgrade() -> None:
    op.execute("DROP VIEW staffstuddash.published_assessments")
    op.execute("DROP VIEW staffstuddash.published_students")
    op.drop_table("performance_records", schema="staffstuddash")
    op.drop_index(
        "ix_assessment_logs_student_id_timestamp_id",
        table_name="assessment_logs",
        schema="staffstuddash",
    )
    op.drop_table("assessment_logs", schema="staffstuddash")
    op.drop_table("students", schema="staffstuddash")
