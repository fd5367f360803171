"""Publish each place with its instant, instead of the last one of each week.

A condition on course, instant and place reaches the index; it could not before the last place of
each week was chosen.
"""

from alembic import op

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_published_places"
down_revision = "20261130_course_marks"

SCHEMA = "dropout"
# As an array: the planner would scan all risks for the few students of a teacher.
THEIRS = (
    "shown.student_id = ANY (ARRAY(SELECT student_id FROM staffstuddash.published_memberships))"
)
# The largest sign: indicators by the rules have no `is_sign`, they are all signs.
FIRST_REASON = (
    "(SELECT sign ->> 'name' FROM jsonb_array_elements("
    "made.primary_indicators::jsonb || made.secondary_indicators::jsonb) AS sign"
    " WHERE coalesce((sign ->> 'is_sign')::boolean, true)"
    " ORDER BY (sign ->> 'contribution')::float DESC LIMIT 1)"
)
PLACED = (
    "course IS NOT NULL AND course_rank IS NOT NULL AND recomputed_at IS NULL"
    " AND NOT EXISTS (SELECT FROM staffstuddash.published_restrictions AS restricted"
    " WHERE restricted.student_id = made.student_id)"
)
PLACES = (
    "CREATE VIEW dropout.published_places AS"  # noqa: S608 - our own names
    " SELECT student_id, course, as_of, course_rank, course_ranked,"
    f" {FIRST_REASON} AS first_reason"
    f" FROM dropout.dropout_predictions AS made WHERE {PLACED}"
)
WEEK = "date_trunc('week', as_of AT TIME ZONE 'UTC')::date"
WEEKLY_PLACES = (
    "CREATE VIEW dropout.published_weekly_places AS"  # noqa: S608 - our own names
    f" SELECT DISTINCT ON (course, {WEEK}, student_id) student_id, course, {WEEK} AS week,"
    f" course_rank, course_ranked, {FIRST_REASON} AS first_reason"
    f" FROM dropout.dropout_predictions AS made WHERE {PLACED}"
    f" ORDER BY course, {WEEK}, student_id, as_of DESC, id DESC"
)


def upgrade() -> None:
    _replace("published_weekly_places", "published_places", PLACES)


def downgrade() -> None:
    _replace("published_places", "published_weekly_places", WEEKLY_PLACES)


def _replace(old: str, new: str, statement: str) -> None:
    hide_table(SCHEMA, old)
    op.execute(f"DROP VIEW {SCHEMA}.{old}")
    op.execute(statement)
    show_table(SCHEMA, new, THEIRS)
