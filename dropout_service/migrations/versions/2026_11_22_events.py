"""Make the first tables: learning events and predictions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261122_events"
down_revision = None

KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        "students",
        sa.Column("id", KEY, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_students"),
        schema="dropout",
    )
    op.create_table(
        "dropout_predictions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column(
            "dropout_type",
            sa.Enum(
                "COGNITIVE",
                "BEHAVIORAL",
                "ENGAGEMENT",
                "SILENT",
                "NO_DROPOUT",
                name="dropouttype_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("risk_score", sa.Double(), nullable=False),
        sa.Column(
            "risk_level",
            sa.Enum(
                "LOW",
                "MEDIUM",
                "HIGH",
                "CRITICAL",
                name="risklevel_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("primary_indicators", JSONB(), nullable=False),
        sa.Column("secondary_indicators", JSONB(), nullable=False),
        sa.Column("recommendations", JSONB(), nullable=False),
        sa.Column("rules_version", sa.String(length=50), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "is_latest",
            sa.Boolean(),
            nullable=False,
            comment="The student's prediction with the latest as_of",
        ),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint(
            "confidence BETWEEN 0 AND 1", name=op.f("ck_dropout_predictions_confidence_share")
        ),
        sa.CheckConstraint(
            "risk_score BETWEEN 0 AND 1", name=op.f("ck_dropout_predictions_risk_score_share")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_dropout_predictions_student_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dropout_predictions"),
        schema="dropout",
    )
    op.create_index(
        "ix_dropout_predictions_latest_by_risk",
        "dropout_predictions",
        ["risk_score", "id"],
        schema="dropout",
        postgresql_where=sa.text("is_latest"),
    )
    op.create_index(
        "ix_dropout_predictions_student_id_as_of_id",
        "dropout_predictions",
        ["student_id", "as_of", "id"],
        schema="dropout",
    )
    op.create_index(
        "uq_dropout_predictions_latest",
        "dropout_predictions",
        ["student_id"],
        unique=True,
        schema="dropout",
        postgresql_where=sa.text("is_latest"),
    )
    op.create_table(
        "learning_events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column(
            "event_type",
            sa.Enum(
                "QUESTION_START",
                "QUESTION_SUBMIT",
                "ANSWER_REVISION",
                "HINT_REQUEST",
                "NAVIGATION",
                "FOCUS_BLUR",
                "FOCUS_FOCUS",
                "SESSION_START",
                "SESSION_END",
                "RESOURCE_VIEW",
                name="eventtype_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("question_id", KEY, nullable=True),
        sa.Column("course", KEY, nullable=True),
        sa.Column(
            "is_correct", sa.Boolean(), nullable=True, comment="data.correct of a QUESTION_SUBMIT"
        ),
        sa.Column("data", JSONB(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_learning_events_student_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_learning_events"),
        schema="dropout",
    )
    op.create_index(
        "ix_learning_events_student_id_occurred_at_id",
        "learning_events",
        ["student_id", "occurred_at", "id"],
        schema="dropout",
    )
    # What the other services may see of a student's risk.
    op.execute(
        "CREATE VIEW dropout.published_risk AS"
        " SELECT student_id, risk_score, risk_level, dropout_type, as_of"
        " FROM dropout.dropout_predictions WHERE is_latest"
    )


def downgrade() -> None:
    op.execute("DROP VIEW dropout.published_risk")
    op.drop_index(
        "ix_learning_events_student_id_occurred_at_id",
        table_name="learning_events",
        schema="dropout",
    )
    op.drop_table("learning_events", schema="dropout")
    op.drop_index(
        "uq_dropout_predictions_latest",
        table_name="dropout_predictions",
        schema="dropout",
        postgresql_where=sa.text("is_latest"),
    )
    op.drop_index(
        "ix_dropout_predictions_student_id_as_of_id",
        table_name="dropout_predictions",
        schema="dropout",
    )
    op.drop_index(
        "ix_dropout_predictions_latest_by_risk",
        table_name="dropout_predictions",
        schema="dropout",
        postgresql_where=sa.text("is_latest"),
    )
    op.drop_table("dropout_predictions", schema="dropout")
    op.drop_table("students", schema="dropout")
