"""Add drafts, concepts, actions and deletions, and columns and indexes for the dashboards."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261122_what_staff_know"
down_revision = "20261122_students"

SCHEMA = "staffstuddash"
KEY = sa.String(200, collation="C")
LABEL = sa.String(200)
INSTANT = sa.DateTime(timezone=True)


def _column(name: str, kind: Any, comment: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def _maybe(name: str, kind: Any, comment: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True, comment=comment)


def _digest() -> sa.Column[Any]:
    return sa.Column("digest", sa.LargeBinary(16), nullable=False)


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(
        *values,
        name=f"{name}_known",
        native_enum=False,
        create_constraint=True,
        length=40,
        schema=SCHEMA,
    )


def _states() -> sa.Enum:
    return _known("learningstate", "PROGRESSING", "PLATEAU", "STALLED")


def _of_student(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["student_id"], [f"{SCHEMA}.students.id"], name=op.f(f"fk_{table}_student_id")
    )


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _index(name: str, table: str, columns: list[Any], **options: Any) -> None:
    op.create_index(name, table, columns, schema=SCHEMA, **options)


def upgrade() -> None:
    _add_actions_and_deletions()
    _add_concepts()
    _add_drafts()
    op.drop_table("performance_records", schema=SCHEMA)
    _make_performance_records()
    _make_students_searchable()
    op.alter_column(
        "assessment_logs",
        "topic",
        comment="The concept of the subject that was assessed",
        schema=SCHEMA,
    )
    _index(
        "ix_assessment_logs_recent",
        "assessment_logs",
        ["timestamp"],
        postgresql_include=["student_id", "subject", "score", "max_score"],
    )
    op.execute(
        "CREATE VIEW staffstuddash.published_deletions AS"
        " SELECT pseudonym, deleted_at FROM staffstuddash.deletions"
    )


def _add_actions_and_deletions() -> None:
    op.create_table(
        "action_logs",
        _column("id", KEY),
        _column("student_id", KEY, "Or the pseudonym of an erased student"),
        _column("actor", KEY, "The name of the key that called"),
        _column("action", sa.String(100)),
        _column("is_intervention", sa.Boolean()),
        _maybe("data", JSONB()),
        _column("timestamp", INSTANT),
        _digest(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_logs")),
        schema=SCHEMA,
    )
    by_student = ["student_id", "timestamp", "id"]
    _index("ix_action_logs_student_id_timestamp_id", "action_logs", by_student)
    _index("ix_action_logs_timestamp_id", "action_logs", ["timestamp", "id"])
    op.create_table(
        "deletions",
        _column("pseudonym", KEY),
        _column("deleted_at", INSTANT),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_deletions")),
        schema=SCHEMA,
    )


def _add_concepts() -> None:
    op.create_table(
        "concept_modules",
        _column("id", KEY),
        _column("concept", LABEL),
        _column("subject", LABEL),
        _column("difficulty", sa.Integer(), "1 (easy) to 5 (hard)"),
        _column("created_at", INSTANT),
        _digest(),
        _check("concept_modules", "difficulty_range", "difficulty BETWEEN 1 AND 5"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concept_modules")),
        sa.UniqueConstraint("subject", "concept", name=op.f("uq_concept_modules_subject_concept")),
        schema=SCHEMA,
    )
    op.create_table(
        "concept_standings",
        _column("student_id", KEY),
        _column("subject", LABEL),
        _column("concept", LABEL),
        _column("assessment_count", sa.Integer()),
        _column("mean_percentage", sa.Double()),
        _maybe("change_points", sa.Double()),
        _maybe("learning_state", _states()),
        _column("last_submitted_at", INSTANT),
        _of_student("concept_standings"),
        sa.PrimaryKeyConstraint(
            "student_id", "subject", "concept", name=op.f("pk_concept_standings")
        ),
        schema=SCHEMA,
    )
    _index(
        "ix_concept_standings_subject_concept_learning_state",
        "concept_standings",
        ["subject", "concept", "learning_state"],
    )
    by_mean = ["subject", "concept", "mean_percentage", "student_id"]
    for name, condition in {
        "learners": "learning_state = 'STALLED'",
        "tutors": "learning_state IN ('PROGRESSING', 'PLATEAU') AND mean_percentage >= 80"
        " AND assessment_count >= 3",
    }.items():
        _index(
            f"ix_concept_standings_{name}",
            "concept_standings",
            by_mean,
            postgresql_where=sa.text(condition),
        )


def _add_drafts() -> None:
    op.create_table(
        "drafts",
        _column("id", KEY),
        _column("student_id", KEY),
        _column("assignment_id", KEY),
        _column("version", sa.Integer(), "By the order of arrival, from 1"),
        _column("content", sa.Text()),
        _column("timestamp", INSTANT, "When it was handed in"),
        _column("created_at", INSTANT),
        _column("word_count", sa.Integer()),
        _maybe("new_words", sa.Integer()),
        _maybe("lexical_similarity", sa.Double()),
        _maybe("retained_share", sa.Double()),
        _maybe("change_type", _known("changetype", "SUPERFICIAL", "STRUCTURAL", "CORRECTIVE")),
        _maybe("reasoning_continuity", _known("continuity", "HIGH", "MEDIUM", "LOW")),
        _maybe("sudden_jump_flag", sa.Boolean()),
        _digest(),
        _check(
            "drafts",
            "shares",
            "lexical_similarity BETWEEN 0 AND 1 AND retained_share BETWEEN 0 AND 1",
        ),
        _check("drafts", "version_counted", "version >= 1"),
        _of_student("drafts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        sa.UniqueConstraint(
            "student_id",
            "assignment_id",
            "version",
            name=op.f("uq_drafts_student_id_assignment_id_version"),
        ),
        schema=SCHEMA,
    )
    _index("ix_drafts_student_id_timestamp_id", "drafts", ["student_id", "timestamp", "id"])


def _make_performance_records() -> None:
    table = "performance_records"
    op.create_table(
        table,
        _column("student_id", KEY),
        _maybe("mean_percentage", sa.Double()),
        _maybe("trend_per_30_days", sa.Double()),
        _column("assessment_count", sa.Integer()),
        _maybe("last_submitted_at", INSTANT),
        _column("subjects", JSONB()),
        _column("strengths", JSONB()),
        _column("weaknesses", JSONB()),
        _maybe("status", _known("status", "safe", "review_needed", "high_risk")),
        _column("status_reasons", JSONB()),
        _maybe("learning_state", _states()),
        _maybe("grit_level", sa.Double()),
        _column("setback_count", sa.Integer()),
        _column("draft_count", sa.Integer()),
        _maybe("last_draft_at", INSTANT),
        _maybe(
            "reasoning_continuity",
            _known("continuity", "HIGH", "MEDIUM", "LOW"),
            "That of the latest revision",
        ),
        _maybe("integrity_score", sa.Double()),
        _maybe("integrity_label", _known("integritylabel", "CONSISTENT", "NEEDS_REVIEW")),
        _column("sudden_jump_flag", sa.Boolean()),
        _column("assignments", JSONB()),
        _maybe("last_activity_at", INSTANT),
        _maybe("due_at", INSTANT, "When it has to be computed again although nothing came in"),
        _column("updated_at", INSTANT),
        _check(table, "grit_share", "grit_level BETWEEN 0 AND 1"),
        _check(table, "integrity_share", "integrity_score BETWEEN 0 AND 1"),
        _of_student(table),
        sa.PrimaryKeyConstraint("student_id", name=op.f("pk_performance_records")),
        schema=SCHEMA,
    )
    for name, place in {
        "lowest_mean": "coalesce(mean_percentage, 1000)",
        "highest_mean": "coalesce(mean_percentage, -1)",
        "longest_silent": "coalesce(last_activity_at, '9000-01-01 00:00:00+00'::timestamptz)",
        "latest_active": "coalesce(last_activity_at, '1800-01-01 00:00:00+00'::timestamptz)",
    }.items():
        _index(f"ix_performance_records_{name}", table, [sa.text(place), "student_id"])
    _index("ix_performance_records_status_student_id", table, ["status", "student_id"])
    due = sa.text("due_at IS NOT NULL")
    _index("ix_performance_records_due", table, ["due_at"], postgresql_where=due)
    # Empty and due: the service computes them from the rows as soon as it runs.
    op.execute(
        "INSERT INTO staffstuddash.performance_records (student_id, assessment_count, subjects,"
        " strengths, weaknesses, status_reasons, setback_count, draft_count, sudden_jump_flag,"
        " assignments, due_at, updated_at)"
        " SELECT id, 0, '[]', '[]', '[]', '[]', 0, 0, false, '[]', now(), now()"
        " FROM staffstuddash.students"
    )


def _make_students_searchable() -> None:
    op.add_column(
        "students",
        sa.Column(
            "sort_name",
            sa.String(100, collation="C"),
            comment="The name's beginning with its case folded",
        ),
        schema=SCHEMA,
    )
    op.add_column(
        "students",
        sa.Column(
            "search_text", sa.Text(), comment="Name and e-mail with their case folded, one a line"
        ),
        schema=SCHEMA,
    )
    op.execute(
        "UPDATE staffstuddash.students SET sort_name = left(lower(name), 100),"
        " search_text = lower(name) || E'\\n' || lower(coalesce(email, ''))"
    )
    for column in ("sort_name", "search_text"):
        op.alter_column("students", column, nullable=False, schema=SCHEMA)
    _index("ix_students_sort_name_id", "students", ["sort_name", "id"])


def downgrade() -> None:
    op.execute("DROP VIEW staffstuddash.published_deletions")
    op.drop_index("ix_assessment_logs_recent", table_name="assessment_logs", schema=SCHEMA)
    op.alter_column("assessment_logs", "topic", comment=None, schema=SCHEMA)
    op.drop_index("ix_students_sort_name_id", table_name="students", schema=SCHEMA)
    for column in ("sort_name", "search_text"):
        op.drop_column("students", column, schema=SCHEMA)
    for table in (
        "performance_records",
        "drafts",
        "concept_standings",
        "concept_modules",
        "deletions",
        "action_logs",
    ):
        op.drop_table(table, schema=SCHEMA)
    op.create_table(
        "performance_records",
        _column("student_id", KEY),
        _maybe("mean_percentage", sa.Double()),
        _column("assessment_count", sa.Integer()),
        _maybe("last_submitted_at", INSTANT),
        _column("subjects", JSONB()),
        _column("updated_at", INSTANT),
        _of_student("performance_records"),
        sa.PrimaryKeyConstraint("student_id", name=op.f("pk_performance_records")),
        schema=SCHEMA,
    )
