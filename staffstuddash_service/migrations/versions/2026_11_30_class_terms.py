"""Publish the term of a class, by which its data are chosen to train on and to evaluate."""

from alembic import op

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_class_terms"
down_revision = "20261130_mails"

SCHEMA = "staffstuddash"
VIEW = f"{SCHEMA}.published_classes"
# The dates are those of the class's terms; null if none are stored. Of several terms, the last.
CLASSES = (
    "SELECT class.id AS class_id, class.course_id, span.starts_on, span.ends_on,"
    " class.ended_at, class.subjects{term} FROM staffstuddash.classes class LEFT JOIN LATERAL"
    " (SELECT min(starts_on) AS starts_on, max(ends_on) AS ends_on FROM staffstuddash.terms"
    " WHERE id IN (SELECT jsonb_array_elements_text(class.term_ids))) span ON true"
)
TERM = (
    ", (SELECT term.id FROM staffstuddash.terms term"
    " WHERE term.id IN (SELECT jsonb_array_elements_text(class.term_ids))"
    " ORDER BY term.ends_on DESC, term.starts_on DESC, term.id LIMIT 1) AS term_id"
)


def upgrade() -> None:
    # Replaced, not created again: the views keep their grants.
    op.execute(f"CREATE OR REPLACE VIEW {VIEW} AS {CLASSES.format(term=TERM)}")
    show_table(SCHEMA, "published_classes", None)


def downgrade() -> None:
    hide_table(SCHEMA, "published_classes")
    op.execute(f"DROP VIEW {VIEW}")
    op.execute(f"CREATE VIEW {VIEW} AS {CLASSES.format(term='')}")
    show_table(SCHEMA, "published_classes", None)
