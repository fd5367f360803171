"""Publish the students of a person, and show persons the rows of theirs alone."""

from alembic import op

from shared_db.provisioning.person_views import (
    create_seen_schema,
    drop_seen_schema,
    hide_table,
    show_table,
)

revision = "20261129_seen"
down_revision = "20261129_class_subjects"

SCHEMA = "staffstuddash"
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
# While views of dropout depend on it, it stays and has no rows.
DROP_MEMBERSHIPS = f"""
DO $$ BEGIN
    DROP VIEW {SCHEMA}.published_memberships;
EXCEPTION WHEN dependent_objects_still_exist THEN
    CREATE OR REPLACE VIEW {SCHEMA}.published_memberships WITH (security_barrier) AS
        SELECT id AS student_id FROM {SCHEMA}.students WHERE false;
END $$
"""  # noqa: S608 - our own names
THEIRS = f"IN (SELECT student_id FROM {SCHEMA}.published_memberships)"  # noqa: S608 - our own names
CONDITIONS: dict[str, str | None] = {
    "students": f"shown.id {THEIRS}",
    "aliases": f"shown.new_id {THEIRS}",
    **dict.fromkeys(
        (
            "action_logs",
            "advising_assignments",
            "assessment_logs",
            "concept_standings",
            "drafts",
            "enrolments",
            "guardians",
            "performance_records",
            "student_identifiers",
            "published_students",
            "published_assessments",
            "published_enrolments",
            "published_identifiers",
        ),
        f"shown.student_id {THEIRS}",
    ),
    "published_aliases": f"shown.new_id {THEIRS}",
    # Rows of no student, and pseudonyms.
    **dict.fromkeys(
        (
            "classes",
            "concept_modules",
            "courses",
            "deletions",
            "organisations",
            "people",
            "teaching_assignments",
            "terms",
            "published_classes",
            "published_deletions",
        )
    ),
}


def upgrade() -> None:
    op.execute(MEMBERSHIPS)
    create_seen_schema(SCHEMA)
    for name, condition in CONDITIONS.items():
        show_table(SCHEMA, name, condition)


def downgrade() -> None:
    for name in CONDITIONS:
        hide_table(SCHEMA, name)
    drop_seen_schema(SCHEMA)
    op.execute(DROP_MEMBERSHIPS)
