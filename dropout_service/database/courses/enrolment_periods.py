"""In which courses students are, and for which of their days."""

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

# By student, all of whom enrolments are known.
Stays = Mapping[str, list[EnrolmentPeriod]]


def stay_of(enrolment: Enrolment, course: Course) -> EnrolmentPeriod:
    """Return what the enrolment says of when the student is in the course."""
    return EnrolmentPeriod(
        course=course.id,
        dates=course.dates,
        registered_day=enrolment.registered_day,
        unregistered_day=enrolment.unregistered_day,
        activity_from=course.activity_from,
        activity_until=course.activity_until,
    )


def stays_of(session: Session, students: Collection[str]) -> Stays:
    """Return the stays of those of the students of whom enrolments are known."""
    query = (
        select(Enrolment, Course)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.student_id.in_(students))
    )
    found: dict[str, list[EnrolmentPeriod]] = defaultdict(list)
    for enrolment, course in session.execute(query):
        found[enrolment.student_id].append(stay_of(enrolment, course))
    return found


def observable_activity(
    session: Session, stays: Stays, activities: Mapping[str, Activity], as_of: datetime
) -> dict[str, Activity]:
    """Return the activities by student; of whom none is kept where they are now, the marks alone.

    They are in courses that run without a stream of activity, and all that was heard of them lies
    within a stream. That there is no more is not silence: missing is not zero.
    """
    out = {id_ for id_ in activities if lacks_activity_stream(stays.get(id_, []), as_of)}
    if out:
        out -= _heard_outside_streams(session, stays, out, as_of)
    return {id_: seen.marks_only() if id_ in out else seen for id_, seen in activities.items()}


def _heard_outside_streams(
    session: Session, stays: Stays, students: Collection[str], as_of: datetime
) -> set[str]:
    row = DailyActivity
    query = (
        select(row.student_id, row.course, func.max(row.day))
        .where(row.student_id.in_(students), row.first_at <= as_of)
        .group_by(row.student_id, row.course)
    )
    heard = set()
    for id_, course, last_day in session.execute(query):
        stay = next((stay for stay in stays[id_] if stay.course == course), None)
        if stay is None or not stay.has_activity_stream_on(stay.dates.course_day(last_day)):
            heard.add(id_)
    return heard


def ended_reason(session: Session, stays: Stays, as_of: datetime) -> dict[str, str]:
    """Return of the students whose courses are all behind them why there is nothing to say.

    Who was heard of since, outside of them, studies something of which no enrolment is known.
    """
    lasts = {id_: last_ended_period(known, as_of) for id_, known in stays.items()}
    ended = {id_: last for id_, last in lasts.items() if last is not None}
    heard = _heard_elsewhere(session, ended, as_of) if ended else {}
    return {
        id_: f"{stay.course}, the last course that is known: {stay.not_assessable_reason(as_of)}"
        for id_, (end, stay) in ended.items()
        if id_ not in heard or heard[id_] <= end
    }


def _heard_elsewhere(
    session: Session, students: Collection[str], as_of: datetime
) -> dict[str, datetime]:
    """Return when students last began a day outside of the courses of their enrolments."""
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
