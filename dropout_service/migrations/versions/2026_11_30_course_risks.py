"""Publish the latest risk in each course, and the places of each week.

The published risk gets the prediction, its version and its place in the course.
"""

from alembic import op

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_course_risks"
down_revision = "20261130_trees"

SCHEMA = "dropout"
# As an array: the planner would scan all risks for the few students of a teacher.
THEIRS = (
    "shown.student_id = ANY (ARRAY(SELECT student_id FROM staffstuddash.published_memberships))"
)
RISK = "student_id, risk_score, risk_level, dropout_type, as_of, course"
IS_ASSESSED = (
    "NOT EXISTS (SELECT FROM staffstuddash.published_restrictions AS restricted"
    " WHERE restricted.student_id = made.student_id)"
)
PUBLISHED_RISK = (
    "CREATE OR REPLACE VIEW dropout.published_risk AS"  # noqa: S608 - our own names
    f" SELECT {RISK}{{more}} FROM dropout.dropout_predictions AS made"
    f" WHERE is_overall AND {IS_ASSESSED}"
)
PLACE = ", id AS prediction_id, version, course_rank, course_ranked"
COURSE_RISKS = (
    "CREATE VIEW dropout.published_course_risks AS"  # noqa: S608 - our own names
    " SELECT student_id, course, is_class, id AS prediction_id, version, risk_score, risk_level,"
    " dropout_type, as_of, course_rank, course_ranked"
    " FROM dropout.dropout_predictions AS made"
    f" WHERE is_latest AND course IS NOT NULL AND {IS_ASSESSED}"
)
WEEK = "date_trunc('week', as_of AT TIME ZONE 'UTC')::date"
# The largest sign: indicators by the rules have no `is_sign`, they are all signs.
FIRST_REASON = (
    "(SELECT sign ->> 'name' FROM jsonb_array_elements("
    "made.primary_indicators::jsonb || made.secondary_indicators::jsonb) AS sign"
    " WHERE coalesce((sign ->> 'is_sign')::boolean, true)"
    " ORDER BY (sign ->> 'contribution')::float DESC LIMIT 1)"
)
WEEKLY_PLACES = (
    "CREATE VIEW dropout.published_weekly_places AS"  # noqa: S608 - our own names
    f" SELECT DISTINCT ON (course, {WEEK}, student_id) student_id, course, {WEEK} AS week,"
    f" course_rank, course_ranked, {FIRST_REASON} AS first_reason"
    " FROM dropout.dropout_predictions AS made"
    " WHERE course IS NOT NULL AND course_rank IS NOT NULL AND recomputed_at IS NULL"
    f" AND {IS_ASSESSED}"
    f" ORDER BY course, {WEEK}, student_id, as_of DESC, id DESC"
)
VIEWS = {"published_course_risks": COURSE_RISKS, "published_weekly_places": WEEKLY_PLACES}


def upgrade() -> None:
    op.execute(PUBLISHED_RISK.format(more=PLACE))
    show_table(SCHEMA, "published_risk", THEIRS)
    for name, statement in VIEWS.items():
        op.execute(statement)
        show_table(SCHEMA, name, THEIRS)


def downgrade() -> None:
    for name in VIEWS:
        hide_table(SCHEMA, name)
        op.execute(f"DROP VIEW {SCHEMA}.{name}")
    # Columns of a view can only be removed with the view; `veritas migrate` grants it again.
    hide_table(SCHEMA, "published_risk")
    op.execute("DROP VIEW dropout.published_risk")
    op.execute(PUBLISHED_RISK.format(more=""))
    show_table(SCHEMA, "published_risk", THEIRS)
