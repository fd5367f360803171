"""Enrolments in finished classes of the roster: features in the form of courses, and leavers."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Date, case, cast, exists, func, select, text
from sqlalchemy.orm import Session

from dropout_service.database.features.class_query import (
    ACTIVE,
    COURSE,
    HELD,
    PIECES,
    PRESENT,
    SEEN,
    USES,
    WORK,
)
from dropout_service.database.features.enrolment import (
    Columns,
    feature_columns,
    feature_statement,
)
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.enrolments.finished_classes import LAST_DAYS, StoredClass
from dropout_service.models import Course, published_classes, published_enrolments

_STATEMENT = feature_statement(
    {
        "course": COURSE,
        "held": HELD,
        "present": PRESENT,
        "pieces": PIECES,
        "work": WORK,
        "seen": SEEN,
        "uses": USES,
        "active": ACTIVE,
    }
)
_CLASS, _ENROLMENT = published_classes.c, published_enrolments.c
_ENDED_ON = cast(func.timezone("UTC", _CLASS.ended_at), Date)
_LAST_DAY = "least({one}.ends_on, ({one}.ended_at AT TIME ZONE 'UTC')::date)"
# The days of the other class are its own: its enrolments may have no end.
_STAYED = text(f"""
WITH chosen AS MATERIALIZED (
    SELECT c.class_id, c.course_id, least({_LAST_DAY.format(one="c")}, CAST(:today AS date))
            AS last_day,
        least({_LAST_DAY.format(one="c")} - :last_days + 1, CAST(:today AS date)) AS first_day
    FROM staffstuddash.published_classes AS c WHERE c.class_id = ANY(CAST(:courses AS text[]))),
same_course AS MATERIALIZED (
    SELECT c.class_id, c.first_day, c.last_day, other.class_id AS other_id
    FROM chosen AS c JOIN staffstuddash.published_classes AS other
        ON other.class_id = c.class_id OR other.course_id = c.course_id
    WHERE coalesce(other.starts_on <= c.last_day, true)
        AND coalesce({_LAST_DAY.format(one="other")} >= c.first_day, true))
SELECT DISTINCT s.class_id, e.student_id
FROM same_course AS s JOIN staffstuddash.published_enrolments AS e ON e.class_id = s.other_id
WHERE coalesce(e.valid_from <= s.last_day, true)
    AND coalesce(e.valid_to > s.first_day, true)
""")  # noqa: S608 - our own constants


def stored_classes(session: Session) -> list[StoredClass]:
    """Return all classes that are no imported courses, by id; none from the in-memory store."""
    if session.get_bind().dialect.name == "sqlite":
        return []
    counted = select(func.count(_ENROLMENT.student_id.distinct())).where(
        _ENROLMENT.class_id == _CLASS.class_id, is_assessed(session, _ENROLMENT.student_id)
    )
    query = (
        select(
            _CLASS.class_id,
            _CLASS.term_id,
            _CLASS.starts_on,
            # The least of a date and null is the date; a class without a term has no last day.
            case((_CLASS.ends_on.is_not(None), func.least(_CLASS.ends_on, _ENDED_ON))),
            counted.scalar_subquery(),
        )
        .where(~exists().where(Course.id == _CLASS.class_id))
        .order_by(_CLASS.class_id)
    )
    return [StoredClass(*row) for row in session.execute(query)]


def class_enrolment_features(session: Session, as_of_day: int, classes: Sequence[str]) -> Columns:
    """Return the features of the students enrolled in classes at the end of a day of theirs.

    The columns are those of `enrolment_features`, with one row per student and class. Days count
    from the first day of the terms of the class.
    """
    values = {"day": as_of_day, "courses": list(classes)}
    return feature_columns(session.execute(_STATEMENT, values).all())


def stayed_until_end(
    session: Session, classes: Sequence[str], today: date | None = None
) -> set[tuple[str, str]]:
    """Return the class and the student of those who stayed in the course of a finished class.

    They were enrolled in the class, or in another one of its course, on one of its last days. So
    neither a change of class nor the end of the term counts as leaving.

    today: of a running class those who have stayed so far: enrolled today, or on one of its last
    days up to today.
    """
    values = {"courses": list(classes), "last_days": LAST_DAYS, "today": today}
    return {(row.class_id, row.student_id) for row in session.execute(_STAYED, values)}
