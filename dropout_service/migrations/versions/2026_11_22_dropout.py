"""Create the tables of dropout: events, rollups, marks, features and predictions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261122_dropout"
down_revision = None

KEY = sa.String(200, collation="C")


def upgrade() -> None:
    op.create_table(
        "deletions",
        sa.Column("pseudonym", sa.String(length=50), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_deletions"),
        schema="dropout",
    )
    op.create_table(
        "students",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column(
            "pseudonym",
            sa.String(length=50),
            nullable=False,
            comment="shared_db.pseudonyms.pseudonym_of(id): how an erasure finds the student",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="Of name and e-mail; none while only an event told of the student",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_students"),
        schema="dropout",
    )
    op.create_index("ix_students_pseudonym", "students", ["pseudonym"], schema="dropout")
    op.create_table(
        "assessments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column(
            "type",
            sa.String(length=200),
            nullable=False,
            comment="exam, quiz, TMA ...: the school's word",
        ),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("course", KEY, nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("max_score", sa.Double(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint(
            "max_score > 0 AND score >= 0 AND score <= max_score",
            name=op.f("ck_assessments_score_range"),
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_assessments_student_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_assessments"),
        schema="dropout",
    )
    op.create_index(
        "ix_assessments_student_id_submitted_at_id",
        "assessments",
        ["student_id", "submitted_at", "id"],
        schema="dropout",
    )
    op.create_table(
        "daily_activity",
        sa.Column("student_id", KEY, nullable=False),
        sa.Column(
            "day",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="UTC, in days since 1970-01-01",
        ),
        sa.Column("course", KEY, nullable=False, comment="Empty: no course was named"),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("submissions", sa.Integer(), nullable=False, comment="QUESTION_SUBMIT"),
        sa.Column(
            "graded",
            sa.Integer(),
            nullable=False,
            comment="Submissions that say whether they are correct",
        ),
        sa.Column("correct", sa.Integer(), nullable=False),
        sa.Column(
            "answers", sa.Integer(), nullable=False, comment="Submissions that name their question"
        ),
        sa.Column(
            "questions_new",
            sa.Integer(),
            nullable=False,
            comment="Questions answered for the first time ever",
        ),
        sa.Column(
            "questions_solved",
            sa.Integer(),
            nullable=False,
            comment="Questions correct for the first time",
        ),
        sa.Column(
            "compared",
            sa.Integer(),
            nullable=False,
            comment="Resubmissions with an answer to compare with",
        ),
        sa.Column(
            "kept",
            sa.Integer(),
            nullable=False,
            comment="Of the compared, those that keep the answer",
        ),
        sa.Column("hints", sa.Integer(), nullable=False, comment="HINT_REQUEST"),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("session_seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_daily_activity_student_id"
        ),
        sa.PrimaryKeyConstraint("student_id", "day", "course", name="pk_daily_activity"),
        schema="dropout",
    )
    op.create_index(
        "ix_daily_activity_course_student_id",
        "daily_activity",
        ["course", "student_id"],
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
        sa.Column(
            "confidence",
            sa.Double(),
            nullable=True,
            comment="Share of the signs, by weight, that there were data for; none when not stated",
        ),
        sa.Column("momentum_index", sa.Double(), nullable=True),
        sa.Column("primary_indicators", JSONB(), nullable=False),
        sa.Column("secondary_indicators", JSONB(), nullable=False),
        sa.Column("recommendations", JSONB(), nullable=False),
        sa.Column(
            "missing", JSONB(), nullable=False, comment="What could not be assessed, and why"
        ),
        sa.Column(
            "version", sa.String(length=50), nullable=False, comment="Of the rules or the model"
        ),
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
            "momentum_index BETWEEN 0 AND 100",
            name=op.f("ck_dropout_predictions_momentum_index_range"),
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
        "feature_sets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "version", sa.String(length=50), nullable=False, comment="Of the way they are computed"
        ),
        sa.Column("features", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_feature_sets_student_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_feature_sets"),
        schema="dropout",
    )
    op.create_index(
        "ix_feature_sets_student_id_as_of_id",
        "feature_sets",
        ["student_id", "as_of", "id"],
        schema="dropout",
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
        sa.Column(
            "answer_digest",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="Of data.answer of a QUESTION_SUBMIT, to tell a kept answer",
        ),
        sa.Column("data", JSONB(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "day",
            sa.Integer(),
            nullable=False,
            comment="Of occurred_at in UTC, in days since 1970-01-01",
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_learning_events_student_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_learning_events"),
        schema="dropout",
    )
    op.create_index(
        "ix_learning_events_answers",
        "learning_events",
        ["student_id", "question_id", "occurred_at", "id"],
        schema="dropout",
        postgresql_where=sa.text("event_type = 'QUESTION_SUBMIT' AND question_id IS NOT NULL"),
    )
    op.create_index(
        "ix_learning_events_day_student_id",
        "learning_events",
        ["day", "student_id"],
        schema="dropout",
    )
    op.create_index(
        "ix_learning_events_student_id_occurred_at_id",
        "learning_events",
        ["student_id", "occurred_at", "id"],
        schema="dropout",
    )
    op.create_table(
        "prediction_feedback",
        sa.Column("id", KEY, nullable=False),
        sa.Column("prediction_id", KEY, nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "accepted",
                "not_applicable",
                "incorrectly_flagged",
                name="verdict_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=10000), nullable=True),
        sa.Column(
            "given_by", sa.String(length=200), nullable=True, comment="The name of the API key"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["prediction_id"],
            ["dropout.dropout_predictions.id"],
            name="fk_prediction_feedback_prediction_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_prediction_feedback"),
        schema="dropout",
    )
    op.create_index(
        "ix_prediction_feedback_prediction_id_created_at_id",
        "prediction_feedback",
        ["prediction_id", "created_at", "id"],
        schema="dropout",
    )
    # The part of a student's risk that the other services may read.
    op.execute(
        "CREATE VIEW dropout.published_risk AS"
        " SELECT student_id, risk_score, risk_level, dropout_type, as_of"
        " FROM dropout.dropout_predictions WHERE is_latest"
    )
    # A mark that was sent to both services counts once.
    op.execute(
        "CREATE VIEW dropout.known_assessments AS"
        " SELECT id, student_id, subject, score, max_score, submitted_at"
        " FROM staffstuddash.published_assessments"
        " UNION ALL SELECT id, student_id, subject, score, max_score, submitted_at"
        " FROM dropout.assessments AS own WHERE NOT EXISTS"
        " (SELECT FROM staffstuddash.published_assessments AS known WHERE known.id = own.id)"
    )
    op.execute(
        "CREATE VIEW dropout.known_students AS"
        " SELECT student_id AS id FROM staffstuddash.published_students"
        " UNION SELECT id FROM dropout.students"
    )
    op.execute(
        "CREATE VIEW dropout.attempt_history AS"
        " SELECT id, student_id, question_id, course, row_number() OVER"
        " (PARTITION BY student_id, question_id ORDER BY occurred_at, id) AS attempt,"
        " is_correct, data, occurred_at FROM dropout.learning_events"
        " WHERE event_type = 'QUESTION_SUBMIT' AND question_id IS NOT NULL"
    )


def downgrade() -> None:
    for view in ("attempt_history", "known_students", "known_assessments", "published_risk"):
        op.execute(f"DROP VIEW dropout.{view}")
    op.drop_table("prediction_feedback", schema="dropout")
    op.drop_table("learning_events", schema="dropout")
    op.drop_table("feature_sets", schema="dropout")
    op.drop_table("dropout_predictions", schema="dropout")
    op.drop_table("daily_activity", schema="dropout")
    op.drop_table("assessments", schema="dropout")
    op.drop_table("students", schema="dropout")
    op.drop_table("deletions", schema="dropout")
