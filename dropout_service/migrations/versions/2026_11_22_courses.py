"""Add courses, enrolments and coursework, clicks per day, and predictions per course."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "20261122_courses"
down_revision = "20261122_dropout"

SCHEMA = "dropout"
KEY = sa.String(200, collation="C")
DIGEST = sa.LargeBinary(length=16)
# Clicks of an event, as dropout_service.domain.resource_view computes them in Python.
CLICKS = (
    "CASE WHEN jsonb_typeof(data -> 'clicks') = 'number'"
    " AND (data ->> 'clicks')::numeric BETWEEN 0 AND 100000"
    " AND (data ->> 'clicks')::numeric % 1 = 0"
    " THEN (data ->> 'clicks')::numeric::integer END"
)
RESOURCE_TYPE = (
    "CASE WHEN jsonb_typeof(data -> 'activity') = 'string'"
    " AND length(data ->> 'activity') BETWEEN 1 AND 200 THEN data ->> 'activity' END"
)

PUBLISHED_RISK = (
    "CREATE OR REPLACE VIEW dropout.published_risk AS"
    " SELECT student_id, risk_score, risk_level, dropout_type, as_of"
    " FROM dropout.dropout_predictions WHERE {which}"
)


def upgrade() -> None:
    _add_courses()
    _add_coursework()
    _add_clicks()
    _add_courses_of_predictions()


def downgrade() -> None:
    _remove_courses_of_predictions()
    op.drop_table("resource_uses", schema=SCHEMA)
    op.drop_column("daily_activity", "clicks", schema=SCHEMA)
    op.drop_column("learning_events", "clicks", schema=SCHEMA)
    op.drop_column("learning_events", "resource_type", schema=SCHEMA)
    for table in ("submissions", "coursework", "enrolment_backgrounds", "enrolments", "courses"):
        op.drop_table(table, schema=SCHEMA)


def _column(
    name: str, type_: sa.types.TypeEngine[Any], comment: str | None = None, *, null: bool = False
) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=null, comment=comment)


def _add_courses() -> None:
    op.create_table(
        "courses",
        _column("id", KEY),
        _column("module", KEY),
        _column("presentation", KEY),
        _column("starts_on", sa.Date(), "The date of day 0"),
        _column("length_days", sa.Integer()),
        _column(
            "activity_from",
            sa.Integer(),
            "The first day of the stream of activity; none: there is no stream, not no activity",
            null=True,
        ),
        _column(
            "activity_until",
            sa.Integer(),
            "Its last day; none: it goes on, where it has begun",
            null=True,
        ),
        _column("digest", DIGEST),
        sa.CheckConstraint("length_days > 0", name=op.f("ck_courses_length_positive")),
        sa.CheckConstraint(
            "activity_until IS NULL OR activity_from <= activity_until",
            name=op.f("ck_courses_activity_in_order"),
        ),
        sa.CheckConstraint(
            "activity_until IS NULL OR activity_from IS NOT NULL",
            name=op.f("ck_courses_activity_begins"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_courses"),
        schema=SCHEMA,
    )
    op.create_table(
        "enrolments",
        _column("id", KEY),
        _column("student_id", KEY),
        _column("course_id", KEY),
        _column("registered_day", sa.Integer(), "None: not known", null=True),
        _column("unregistered_day", sa.Integer(), "None: still there, or not known", null=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "PASS",
                "DISTINCTION",
                "FAIL",
                "WITHDRAWN",
                name="courseoutcome_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        _column("credits", sa.Integer(), null=True),
        _column("previous_attempts", sa.Integer(), null=True),
        _column("digest", DIGEST),
        sa.CheckConstraint("credits >= 0", name=op.f("ck_enrolments_credits_counted")),
        sa.CheckConstraint("previous_attempts >= 0", name=op.f("ck_enrolments_attempts_counted")),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_enrolments_student_id"
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["dropout.courses.id"], name="fk_enrolments_course_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrolments"),
        sa.UniqueConstraint("course_id", "student_id", name="uq_enrolments_course_id_student_id"),
        schema=SCHEMA,
    )
    op.create_index("ix_enrolments_student_id", "enrolments", ["student_id"], schema=SCHEMA)
    op.create_table(
        "enrolment_backgrounds",
        _column("enrolment_id", KEY),
        _column("gender", sa.String(200), null=True),
        _column("region", sa.String(200), null=True),
        _column("highest_education", sa.String(200), null=True),
        _column("deprivation_band", sa.String(200), "0-10% are the most deprived", null=True),
        _column("age_band", sa.String(200), null=True),
        _column("has_disability", sa.Boolean(), null=True),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["dropout.enrolments.id"],
            name="fk_enrolment_backgrounds_enrolment_id",
        ),
        sa.PrimaryKeyConstraint("enrolment_id", name="pk_enrolment_backgrounds"),
        schema=SCHEMA,
    )


def _add_coursework() -> None:
    op.create_table(
        "coursework",
        _column("id", KEY),
        _column("course_id", KEY),
        _column("type", sa.String(200), "TMA, CMA, Exam: the school's word"),
        _column("due_day", sa.Integer(), "None: not known", null=True),
        _column("weight", sa.Double(), "In percent of the course's mark"),
        _column("is_exam", sa.Boolean(), "Its weight is counted apart from coursework's"),
        _column("digest", DIGEST),
        sa.CheckConstraint("weight >= 0", name=op.f("ck_coursework_weight_counted")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["dropout.courses.id"], name="fk_coursework_course_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_coursework"),
        schema=SCHEMA,
    )
    op.create_index("ix_coursework_course_id", "coursework", ["course_id"], schema=SCHEMA)
    op.create_table(
        "submissions",
        _column("id", KEY),
        _column("coursework_id", KEY),
        _column("enrolment_id", KEY),
        _column("submitted_day", sa.Integer()),
        _column("score", sa.Double(), "None: handed in, not marked", null=True),
        _column("is_banked", sa.Boolean(), "Carried over from an earlier attempt"),
        _column("digest", DIGEST),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("ck_submissions_score_percent")),
        sa.ForeignKeyConstraint(
            ["coursework_id"], ["dropout.coursework.id"], name="fk_submissions_coursework_id"
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["dropout.enrolments.id"], name="fk_submissions_enrolment_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sa.UniqueConstraint(
            "enrolment_id", "coursework_id", name="uq_submissions_enrolment_id_coursework_id"
        ),
        schema=SCHEMA,
    )


def _add_clicks() -> None:
    comment = "data.activity of a RESOURCE_VIEW: forum, quiz ..."
    op.add_column(
        "learning_events", _column("resource_type", KEY, comment, null=True), schema=SCHEMA
    )
    comment = "data.clicks of a RESOURCE_VIEW"
    op.add_column(
        "learning_events", _column("clicks", sa.Integer(), comment, null=True), schema=SCHEMA
    )
    op.add_column(
        "daily_activity",
        sa.Column(
            "clicks",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="Of RESOURCE_VIEW; 1 where an event does not say",
        ),
        schema=SCHEMA,
    )
    op.create_table(
        "resource_uses",
        _column("student_id", KEY),
        _column("course", KEY, "Empty: no course was named"),
        _column("resource_type", KEY),
        _column("first_day", sa.Integer(), "UTC, in days since 1970-01-01"),
        sa.ForeignKeyConstraint(
            ["student_id"], ["dropout.students.id"], name="fk_resource_uses_student_id"
        ),
        sa.PrimaryKeyConstraint("student_id", "course", "resource_type", name="pk_resource_uses"),
        schema=SCHEMA,
    )
    op.execute(
        f"UPDATE dropout.learning_events SET clicks = {CLICKS}, resource_type = {RESOURCE_TYPE}"  # noqa: S608 - our own
        " WHERE event_type = 'RESOURCE_VIEW' AND data ?| ARRAY['clicks', 'activity']"
    )
    op.execute(
        "UPDATE dropout.daily_activity AS day SET clicks = viewed.clicks FROM"
        " (SELECT student_id, day, coalesce(course, '') AS course,"
        " sum(coalesce(clicks, 1))::integer AS clicks FROM dropout.learning_events"
        " WHERE event_type = 'RESOURCE_VIEW' GROUP BY 1, 2, 3) AS viewed"
        " WHERE (day.student_id, day.day, day.course)"
        " = (viewed.student_id, viewed.day, viewed.course)"
    )
    op.execute(
        "INSERT INTO dropout.resource_uses (student_id, course, resource_type, first_day)"
        " SELECT student_id, coalesce(course, ''), resource_type, min(day)"
        " FROM dropout.learning_events WHERE resource_type IS NOT NULL GROUP BY 1, 2, 3"
    )
    op.alter_column("daily_activity", "clicks", server_default=None, schema=SCHEMA)


def _add_courses_of_predictions() -> None:
    table = "dropout_predictions"
    comment = "Of the enrolment that may be dropped out of; none: the student altogether"
    op.add_column(table, _column("course", KEY, comment, null=True), schema=SCHEMA)
    comment = "The one with the highest risk of the student's latest: their overall risk"
    op.add_column(table, _column("is_overall", sa.Boolean(), comment, null=True), schema=SCHEMA)
    op.execute("UPDATE dropout.dropout_predictions SET is_overall = is_latest")
    op.alter_column(table, "is_overall", nullable=False, schema=SCHEMA)
    _comment_on_latest("The one with the latest as_of of the student's in this course")
    op.drop_index("uq_dropout_predictions_latest", table, schema=SCHEMA)
    op.drop_index("ix_dropout_predictions_latest_by_risk", table, schema=SCHEMA)
    _index("uq_dropout_predictions_latest", "student_id", "coalesce(course, '')", unique=True)
    _index("ix_dropout_predictions_course_by_risk", "course", "risk_score", "id")
    overall = "is_overall"
    _index("uq_dropout_predictions_overall", "student_id", where=overall, unique=True)
    _index("ix_dropout_predictions_overall_by_risk", "risk_score", "id", where=overall)
    _publish_risk("is_overall")


def _remove_courses_of_predictions() -> None:
    table = "dropout_predictions"
    for name in (
        "ix_dropout_predictions_overall_by_risk",
        "uq_dropout_predictions_overall",
        "ix_dropout_predictions_course_by_risk",
        "uq_dropout_predictions_latest",
    ):
        op.drop_index(name, table, schema=SCHEMA)
    # The earlier release has one latest prediction per student, not one per course.
    op.execute("UPDATE dropout.dropout_predictions SET is_latest = is_overall")
    _publish_risk("is_latest")
    op.drop_column(table, "is_overall", schema=SCHEMA)
    op.drop_column(table, "course", schema=SCHEMA)
    _comment_on_latest("The student's prediction with the latest as_of")
    _index("uq_dropout_predictions_latest", "student_id", unique=True)
    _index("ix_dropout_predictions_latest_by_risk", "risk_score", "id")


def _comment_on_latest(comment: str) -> None:
    op.alter_column("dropout_predictions", "is_latest", comment=comment, schema=SCHEMA)


def _index(name: str, *columns: str, where: str = "is_latest", unique: bool = False) -> None:
    op.create_index(
        name,
        "dropout_predictions",
        [sa.text(column) for column in columns],
        schema=SCHEMA,
        unique=unique,
        postgresql_where=sa.text(where),
    )


def _publish_risk(which: str) -> None:
    # Replaced, not dropped and created: the grants to staffstuddash stay.
    op.execute(PUBLISHED_RISK.format(which=which))
