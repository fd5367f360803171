"""Enrolment periods of students: courses, and the days of each course that a student is in it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from dropout_service.domain.enrolments.course_calendar import (
    EnrolmentPeriod,
    lacks_activity_stream,
    last_ended_period,
)
from dropout_service.domain.rules.activity import Activity
from dropout_service.models import Course, DailyActivity, Enrolment

# All known enrolments, by student.
Periods = Mapping[str, list[EnrolmentPeriod]]


def period_of(enrolment: Enrolment, course: Course) -> EnrolmentPeriod:
    """Return the period for which the student is enrolled in the course."""
    return EnrolmentPeriod(
        course=course.id,
        dates=course.dates,
        registered_day=enrolment.registered_day,
        unregistered_day=enrolment.unregistered_day,
        activity_from=course.activity_from,
        activity_until=course.activity_until,
    )


def periods_of(session: Session, students: Collection[str]) -> Periods:
    """Return the enrolment periods of the students that have known enrolments."""
    query = (
        select(Enrolment, Course)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.student_id.in_(students))
    )
    periods: dict[str, list[EnrolmentPeriod]] = defaultdict(list)
    for enrolment, course in session.execute(query):
        periods[enrolment.student_id].append(period_of(enrolment, course))
    return periods


def observable_activity(
    session: Session, periods: Periods, activities: Mapping[str, Activity], as_of: datetime
) -> dict[str, Activity]:
    """Return the activity by student; for students without a stream of activity, marks alone.

    Such a student is in running courses without a stream, and all stored activity lies within the
    streams of other courses. Then the absence of further activity is not silence: missing, not
    zero.
    """
    unobserved = {id_ for id_ in activities if lacks_activity_stream(periods.get(id_, []), as_of)}
    if unobserved:
        unobserved -= _active_outside_streams(session, periods, unobserved, as_of)
    return {
        id_: activity.marks_only() if id_ in unobserved else activity
        for id_, activity in activities.items()
    }


def _active_outside_streams(
    session: Session, periods: Periods, students: Collection[str], as_of: datetime
) -> set[str]:
    row = DailyActivity
    query = (
        select(row.student_id, row.course, func.max(row.day))
        .where(row.student_id.in_(students), row.first_at <= as_of)
        .group_by(row.student_id, row.course)
    )
    active = set()
    for id_, course, last_day in session.execute(query):
        period = next((period for period in periods[id_] if period.course == course), None)
        if period is None or not period.has_activity_stream_on(period.dates.course_day(last_day)):
            active.add(id_)
    return active


def ended_reason(session: Session, periods: Periods, as_of: datetime) -> dict[str, str]:
    """Return the reason, by student, for students whose enrolments have all ended.

    Students with later activity outside those courses are left out: they take a course without a
    known enrolment.
    """
    lasts = {id_: last_ended_period(known, as_of) for id_, known in periods.items()}
    ended = {id_: last for id_, last in lasts.items() if last is not None}
    active = _last_activity_elsewhere(session, ended, as_of) if ended else {}
    return {
        id_: f"{last.course}, the last course that is known: {last.not_assessable_reason(as_of)}"
        for id_, (end, last) in ended.items()
        if id_ not in active or active[id_] <= end
    }


def _last_activity_elsewhere(
    session: Session, students: Collection[str], as_of: datetime
) -> dict[str, datetime]:
    """Return, by student, the first instant of their last active day outside their courses."""
    is_enrolled = exists().where(
        Enrolment.student_id == DailyActivity.student_id,
        Enrolment.course_id == DailyActivity.course,
    )
    query = (
        select(DailyActivity.student_id, func.max(DailyActivity.first_at))
        .where(
            DailyActivity.student_id.in_(students), DailyActivity.first_at <= as_of, ~is_enrolled
        )
        .group_by(DailyActivity.student_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
