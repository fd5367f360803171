"""Publish classes, enrolments and identifiers of students to the other services."""

from alembic import op

revision = "20261129_published_roster"
down_revision = "20261129_roster"

VIEWS = {
    # The dates are those of the class's terms; null if none are stored.
    "published_classes": (
        "SELECT class.id AS class_id, class.course_id, span.starts_on, span.ends_on,"
        " class.ended_at FROM staffstuddash.classes class LEFT JOIN LATERAL"
        " (SELECT min(starts_on) AS starts_on, max(ends_on) AS ends_on FROM staffstuddash.terms"
        " WHERE id IN (SELECT jsonb_array_elements_text(class.term_ids))) span ON true"
    ),
    "published_enrolments": (
        "SELECT student_id, class_id, valid_from, valid_to FROM staffstuddash.enrolments"
    ),
    "published_identifiers": (
        "SELECT student_id, system, kind, value FROM staffstuddash.student_identifiers"
    ),
}


def upgrade() -> None:
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW staffstuddash.{name} AS {query}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW staffstuddash.{name}")
