"""Show persons the rows of their students alone."""

from shared_db.provisioning.person_views import (
    create_seen_schema,
    drop_seen_schema,
    hide_table,
    show_table,
)

revision = "20261129_seen"
down_revision = "20261129_classes"

SCHEMA = "dropout"
THEIRS = "IN (SELECT student_id FROM staffstuddash.published_memberships)"
CONDITIONS: dict[str, str | None] = {
    "students": f"shown.id {THEIRS}",
    "known_students": f"shown.id {THEIRS}",
    "aliases": f"shown.new_id {THEIRS}",
    **dict.fromkeys(
        (
            "assessments",
            "attempt_history",
            "daily_activity",
            "dropout_predictions",
            "enrolments",
            "feature_sets",
            "known_assessments",
            "learning_events",
            "mark_corrections",
            "resource_uses",
        ),
        f"shown.student_id {THEIRS}",
    ),
    # As an array: the planner would scan all risks for the few students of a teacher.
    "published_risk": (
        "shown.student_id = ANY (ARRAY(SELECT student_id FROM staffstuddash.published_memberships))"
    ),
    "prediction_feedback": (
        "EXISTS (SELECT FROM dropout.dropout_predictions AS judged"
        f" WHERE judged.id = shown.prediction_id AND judged.student_id {THEIRS})"
    ),
    "submissions": (
        "EXISTS (SELECT FROM dropout.enrolments AS enrolled"
        f" WHERE enrolled.id = shown.enrolment_id AND enrolled.student_id {THEIRS})"
    ),
    # Rows of no student, and pseudonyms.
    **dict.fromkeys(("courses", "coursework", "deletions", "models")),
}


def upgrade() -> None:
    create_seen_schema(SCHEMA)
    for name, condition in CONDITIONS.items():
        show_table(SCHEMA, name, condition)


def downgrade() -> None:
    for name in CONDITIONS:
        hide_table(SCHEMA, name)
    drop_seen_schema(SCHEMA)
