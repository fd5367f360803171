"""Publish the subjects of classes, and find identifiers of students by their value."""

from alembic import op

revision = "20261129_class_subjects"
down_revision = "20261129_person_access"

INDEX = "ix_student_identifiers_value"
# The dates are those of the class's terms; null if none are stored.
CLASSES = (
    "SELECT class.id AS class_id, class.course_id, span.starts_on, span.ends_on,"
    " class.ended_at{subjects} FROM staffstuddash.classes class LEFT JOIN LATERAL"
    " (SELECT min(starts_on) AS starts_on, max(ends_on) AS ends_on FROM staffstuddash.terms"
    " WHERE id IN (SELECT jsonb_array_elements_text(class.term_ids))) span ON true"
)
VIEW = "staffstuddash.published_classes"


def upgrade() -> None:
    # Replaced, not created again: the view keeps its grants.
    op.execute(f"CREATE OR REPLACE VIEW {VIEW} AS {CLASSES.format(subjects=', class.subjects')}")
    op.create_index(INDEX, "student_identifiers", ["value"], schema="staffstuddash")


def downgrade() -> None:
    op.drop_index(INDEX, "student_identifiers", schema="staffstuddash")
    op.execute(f"DROP VIEW {VIEW}")
    op.execute(f"CREATE VIEW {VIEW} AS {CLASSES.format(subjects='')}")
